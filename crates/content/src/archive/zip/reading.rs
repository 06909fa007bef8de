//! The members of a zip as its headers say them, each way of reading one by itself.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::header::{Central, Facts, Local};
use super::method::{self, DEFLATE, STORED};
use super::{CENTRAL, DESCRIPTOR, END, END_64, LOCAL};
use crate::Trouble;
use crate::archive::bytes::{place, slice, up_to};
use crate::archive::giving::{Giving, Packed, Stop, Unpacked};
use crate::archive::name;

/// A way of reading a member: where the data begin, how many, by which method, to what size.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    data: usize,
    packed: Option<u64>,
    method: u16,
    encrypted: bool,
    /// Only where the method does not say by itself where it ends.
    size: u64,
}

/// What was found, and what was given of it.
pub(super) struct Readings<'a> {
    bytes: &'a [u8],
    is_own: bool,
    waiting: Vec<Waiting>,
    index: HashMap<Way, usize>,
    /// Bytes of names that wait, paid for: many entries may repeat one long name.
    held: usize,
    /// Ranges that every reader steps over as data, by their starts.
    covered: BTreeMap<usize, usize>,
    read: HashSet<usize>,
    /// Data that some reading has whole, by where they begin and their method: how many bytes.
    whole: HashMap<(usize, u16), u64>,
    /// Data that some reading has damaged: how many bytes it took, and the damage.
    broken: BTreeMap<(usize, u16), (u64, Trouble)>,
    /// Up to where the headers and data go that were understood.
    end: usize,
}

/// A member that is given when the directory was read to its end.
struct Waiting {
    way: Way,
    names: Vec<String>,
    known: HashSet<String>,
    standing: Standing,
}

/// How sure it is that a reading is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Some reader may come to it; damage is not worth telling.
    Aside,
    /// A header says so.
    Said,
    /// Both headers say so; the local one stands there. Readers step over the data.
    Agreed(usize),
}

impl<'a> Readings<'a> {
    pub(super) fn new(bytes: &'a [u8], is_own: bool) -> Self {
        Self {
            bytes,
            is_own,
            waiting: Vec::new(),
            index: HashMap::new(),
            held: 0,
            covered: BTreeMap::new(),
            read: HashSet::new(),
            whole: HashMap::new(),
            broken: BTreeMap::new(),
            end: 0,
        }
    }

    /// Notes damage, unless this zip is a piece of something else.
    pub(super) fn damaged(&self, place: &'static str, giving: &mut Giving<'_, '_>) {
        if self.is_own {
            giving.damaged(place);
        }
    }

    /// Tells the damage of data that no reading has whole: of the others, a damaged reading is a
    /// piece of what was seen. Stored bytes were seen as far as they go.
    pub(super) fn tell_broken(&self, giving: &mut Giving<'_, '_>) {
        for (data, (taken, trouble)) in &self.broken {
            let is_seen = |whole: &u64| data.1 == STORED || whole >= taken;
            if !self.whole.get(data).is_some_and(is_seen) {
                giving.trouble(*trouble);
            }
        }
    }

    fn is_whole(&mut self, way: Way, taken: u64) {
        let known = self.whole.entry((way.data, way.method)).or_insert(taken);
        *known = taken.max(*known);
    }

    fn is_broken(&mut self, way: Way, taken: u64, trouble: Trouble) {
        let known = self.broken.entry((way.data, way.method)).or_insert((taken, trouble));
        known.0 = taken.max(known.0);
    }

    /// Whether nothing stands behind what was understood but a header of the directory that is cut
    /// off, so that what is missing are names and places alone.
    pub(super) fn is_understood(&self) -> bool {
        let mut rest = self.bytes.get(self.end..).unwrap_or_default();
        if rest.starts_with(DESCRIPTOR) {
            rest = rest.get(16..).unwrap_or_default();
        }
        let mark = up_to(rest, 0, 4);
        [CENTRAL, END, END_64].iter().any(|known| known.starts_with(mark))
    }

    /// Whether `at` lies in data of a member.
    pub(super) fn covers(&self, at: usize) -> bool {
        self.covered.range(..=at).next_back().is_some_and(|(_, end)| at < *end)
    }

    /// Whether a header at `at` was not read and does not lie in data of a member.
    pub(super) fn is_new(&self, at: usize) -> bool {
        !self.read.contains(&at) && !self.covers(at)
    }

    /// Takes an entry of a directory, with the local headers that it could mean: that from the
    /// first of the starts is meant, another may be found by readers that count otherwise.
    pub(super) fn central(
        &mut self,
        central: &Central,
        starts: &[i128],
        giving: &mut Giving<'_, '_>,
    ) -> Result<(), Stop> {
        self.read.insert(central.at);
        self.end = self.end.max(central.at + central.len);
        let mut found = Vec::new();
        for start in starts {
            let at = usize::try_from(i128::from(central.offset) + start).ok();
            let Some(at) = at.filter(|at| !found.contains(at)) else { continue };
            let Some(local) = Local::read(self.bytes, at) else { continue };
            self.pair(&central.facts, &local, found.is_empty(), giving)?;
            found.push(at);
        }
        if !found.is_empty() {
            return Ok(());
        }
        let names = central.facts.names.clone();
        self.damaged("zip member is not there", giving);
        giving.give(names, Err(Trouble::Unreadable("zip member is not there")))
    }

    /// Takes both headers of a member: each reading that one of them gives.
    fn pair(
        &mut self,
        here: &Facts,
        local: &Local,
        is_meant: bool,
        giving: &mut Giving<'_, '_>,
    ) -> Result<(), Stop> {
        let there = &local.facts;
        let mut names = here.names.clone();
        name::join(&mut names, there.names.iter().cloned());
        let agreed = here.method == there.method
            && here.packed.is_some()
            && match there.packed {
                Some(packed) => here.packed == Some(packed),
                None => here.method == DEFLATE,
            };
        let standing = match (is_meant, agreed) {
            (false, _) => Standing::Aside,
            (true, false) => Standing::Said,
            (true, true) => Standing::Agreed(local.at),
        };
        if is_meant {
            self.read.insert(local.at);
        }
        // The local header may leave sizes open that the directory knows.
        let known = there.packed.is_some() && !(there.is_open() && there.is_empty());
        if known && (there.method, there.packed) != (here.method, here.packed) {
            self.wait(there, local.data, names.clone(), standing.min(Standing::Said), giving)?;
        }
        if here.encrypted != there.encrypted {
            let other = Facts { names: Vec::new(), encrypted: there.encrypted, ..*here };
            self.wait(&other, local.data, names.clone(), standing.min(Standing::Said), giving)?;
        }
        self.wait(here, local.data, names, standing, giving)
    }

    /// Takes a local header that no directory leads to.
    pub(super) fn local(&mut self, local: &Local, giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
        self.read.insert(local.at);
        let names = local.facts.names.clone();
        self.wait(&local.facts, local.data, names, Standing::Said, giving)
    }

    fn wait(
        &mut self,
        facts: &Facts,
        data: usize,
        names: Vec<String>,
        standing: Standing,
        giving: &mut Giving<'_, '_>,
    ) -> Result<(), Stop> {
        let ends_itself = matches!(facts.method, DEFLATE | 9 | 12 | 93 | 95);
        let way = Way {
            data,
            packed: facts.packed,
            method: facts.method,
            encrypted: facts.encrypted,
            size: if ends_itself { 0 } else { facts.size },
        };
        // Many entries of the same data are one member of many names.
        let at = *self.index.entry(way).or_insert(self.waiting.len());
        if at == self.waiting.len() {
            let (names, known) = (Vec::new(), HashSet::new());
            self.waiting.push(Waiting { way, names, known, standing });
        }
        let Some(waiting) = self.waiting.get_mut(at) else { return Ok(()) };
        waiting.standing = waiting.standing.max(standing);
        for name in names {
            // The name, its copy and what holds them.
            let size = 2 * name.len() + 128;
            if !waiting.known.insert(name.clone()) {
                continue;
            }
            if let Err(trouble) = giving.budget.hold(size) {
                giving.trouble(trouble);
                return Err(Stop);
            }
            self.held += size;
            waiting.names.push(name);
        }
        Ok(())
    }

    /// Lets go of the names that wait.
    pub(super) fn release(&mut self, giving: &mut Giving<'_, '_>) {
        giving.budget.release(std::mem::take(&mut self.held));
    }

    /// Gives what waits.
    pub(super) fn give(&mut self, giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
        // New ones: to clear a map takes as long as it was large once.
        self.index = HashMap::new();
        self.release(giving);
        for waiting in std::mem::take(&mut self.waiting) {
            let (way, standing) = (waiting.way, waiting.standing);
            giving.aside = standing == Standing::Aside;
            let used = self.member(way, waiting.names, standing, giving);
            giving.aside = false;
            let used = used?;
            if self.whole.contains_key(&(way.data, way.method)) {
                self.end = self.end.max(way.data.saturating_add(place(used)));
            }
            if let (Standing::Agreed(at), Some(packed)) = (standing, way.packed)
                && used == packed
            {
                let end = way.data.saturating_add(place(packed));
                let known = self.covered.entry(at + 4).or_insert(end);
                *known = end.max(*known);
            }
        }
        Ok(())
    }

    /// Gives one reading; returns how many bytes of the data it used.
    fn member(
        &mut self,
        way: Way,
        names: Vec<String>,
        standing: Standing,
        giving: &mut Giving<'_, '_>,
    ) -> Result<u64, Stop> {
        if way.encrypted {
            giving.give(names, Err(Trouble::Encrypted("zip member")))?;
            return Ok(way.packed.unwrap_or(0));
        }
        let rest = self.bytes.get(way.data..).unwrap_or_default();
        let len = match way.packed {
            Some(packed) => place(packed).min(rest.len()),
            None if way.method == STORED => until_signature(rest),
            None => rest.len(),
        };
        let data = up_to(rest, 0, len);
        let is_own = self.is_own && standing > Standing::Aside;
        let ends_early = way.packed.is_some_and(|packed| packed > data.len() as u64);
        if is_own && ends_early {
            let trouble = Trouble::Unreadable("zip member ends early");
            self.is_broken(way, data.len() as u64, trouble);
        }
        if way.method == STORED {
            if !ends_early {
                self.is_whole(way, data.len() as u64);
            }
            // Some readers take the one size, some the other.
            let other = way.packed.and_then(|_| slice(rest, 0, place(way.size)));
            if let Some(other) = other.filter(|other| other.len() != data.len() && way.size > 0) {
                giving.stored(names.clone(), other)?;
            }
            giving.stored(names, data)?;
            return Ok(data.len() as u64);
        }
        if way.packed == Some(0) {
            giving.give(names, Ok(&[]))?;
            return Ok(0);
        }
        let taken = Cell::new(0);
        let source = method::open(way.method, Packed::new(data, &taken), way.size);
        let mut unpacked = match source {
            Ok(mut source) => {
                let mut unpacked = Unpacked::read(&mut *source, &taken, giving.budget);
                match unpacked.trouble.take_if(|t| matches!(t, Trouble::Unreadable(_))) {
                    Some(trouble) if is_own => self.is_broken(way, taken.get(), trouble),
                    Some(_) => {}
                    None if unpacked.trouble.is_none() => self.is_whole(way, taken.get()),
                    None => {}
                }
                unpacked
            }
            Err(trouble) => Unpacked { bytes: Vec::new(), trouble: Some(trouble) },
        };
        if !is_own && matches!(unpacked.trouble, Some(Trouble::Unreadable(_))) {
            unpacked.trouble = None;
        }
        giving.unpacked(names, unpacked)?;
        Ok(taken.get())
    }
}

/// How many stored bytes there are where no header says it: up to the next signature.
fn until_signature(rest: &[u8]) -> usize {
    memchr::memmem::find_iter(rest, b"PK")
        .find(|at| {
            let mark = up_to(rest, *at, 4);
            mark == LOCAL || mark == CENTRAL || mark == DESCRIPTOR
        })
        .unwrap_or(rest.len())
}
