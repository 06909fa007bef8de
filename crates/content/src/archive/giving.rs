//! How members are given: each paid for, decompressed into memory as its bytes come, and shown to
//! the caller one at a time. The formats beside this file only find out what there is.

use std::cell::Cell;
use std::io::{BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Each, Member};
use crate::{Budget, Trouble};

/// Bytes that a decompressor is asked for at a time, at first and where it goes on: a limit is
/// noticed this soon, and a small member costs little.
const CHUNK_MIN: usize = 4 << 10;
const CHUNK_MAX: usize = 64 << 10;

/// Working memory that a decompressor may be given on top of what it puts out, in KiB: the window
/// of `xz -9` (64 MiB) fits, the 4 GiB that a header may ask for do not.
pub(super) const WORKING_KIB: u32 = 80 << 10;

/// Calls a library on hostile bytes. A panic in there is a damaged archive, not the end of the
/// message: the libraries index into what they read, and their fuzzing is not ours. Nothing that
/// the call touched is used afterwards, so that a broken invariant cannot be seen.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Trouble::Unreadable("decompressor failed"))
}

/// Compressed bytes that are read from memory, and how many were taken.
#[derive(Clone)]
pub(super) struct Packed<'a> {
    rest: &'a [u8],
    taken: &'a Cell<u64>,
}

impl<'a> Packed<'a> {
    /// Begins at the start of `bytes`; `taken` counts on from what it holds.
    pub(super) fn new(bytes: &'a [u8], taken: &'a Cell<u64>) -> Self {
        Self { rest: bytes, taken }
    }
}

impl Read for Packed<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.rest.read(into)?;
        self.taken.set(self.taken.get() + count as u64);
        Ok(count)
    }
}

impl BufRead for Packed<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        Ok(self.rest)
    }

    fn consume(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.taken.set(self.taken.get() + count as u64);
    }
}

/// What came out of a decompressor: paid for until [`Unpacked::release`].
#[derive(Default)]
pub(super) struct Unpacked {
    /// The bytes, up to where it ended.
    pub(super) bytes: Vec<u8>,
    /// What ended it early.
    pub(super) trouble: Option<Trouble>,
}

impl Unpacked {
    /// Reads `source` to its end. `taken` is what it has taken of its input so far, which counts as
    /// work too: a stream of empty blocks puts out nothing.
    pub(super) fn read(source: &mut dyn Read, taken: &Cell<u64>, budget: &mut Budget) -> Self {
        let mut unpacked = Self::default();
        let mut before = taken.get();
        // Where all is spent already, not a chunk more is made of it.
        if let Err(trouble) = budget.unpacked(0, 0, 0) {
            unpacked.trouble = Some(trouble);
            return unpacked;
        }
        loop {
            let start = unpacked.bytes.len();
            let chunk = start.clamp(CHUNK_MIN, CHUNK_MAX);
            unpacked.bytes.resize(start + chunk, 0);
            let into = unpacked.bytes.get_mut(start..).unwrap_or_default();
            let count = guarded(|| source.read(into));
            let came = match &count {
                Ok(Ok(count)) => (*count).min(chunk),
                _ => 0,
            };
            unpacked.bytes.truncate(start + came);
            let work = (came as u64).max(taken.get() - before);
            before = taken.get();
            let paid = budget.unpacked(work, taken.get(), unpacked.bytes.len() as u64);
            if let Err(trouble) = paid.and_then(|()| budget.hold(came)) {
                unpacked.bytes.truncate(start);
                unpacked.trouble = Some(trouble);
                return unpacked;
            }
            match count {
                Ok(Ok(0)) => return unpacked,
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => unpacked.trouble = Some(Trouble::Unreadable("damaged stream")),
                Err(trouble) => unpacked.trouble = Some(trouble),
            }
            if unpacked.trouble.is_some() {
                return unpacked;
            }
        }
    }

    /// Gives the memory back.
    pub(super) fn release(self, budget: &mut Budget) {
        budget.release(self.bytes.len());
    }
}

/// The way out to the caller of one archive.
pub(super) struct Giving<'g, 'e> {
    /// What everything is paid from.
    pub(super) budget: &'g mut Budget,
    each: &'g mut Each<'e>,
    first: Option<Trouble>,
    given: usize,
    /// Whether what is given meanwhile is [aside](Member::is_aside).
    pub(super) aside: bool,
}

/// That the archive is not gone on with: the reason was noted.
pub(super) struct Stop;

impl<'g, 'e> Giving<'g, 'e> {
    pub(super) fn new(budget: &'g mut Budget, each: &'g mut Each<'e>) -> Self {
        Self { budget, each, first: None, given: 0, aside: false }
    }

    /// Notes what kept it from a part of the archive. The first one counts, a limit before damage.
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        let stronger = matches!(trouble, Trouble::Limit(_));
        match self.first {
            None => self.first = Some(trouble),
            Some(Trouble::Unreadable(_)) if stronger => self.first = Some(trouble),
            Some(_) => {}
        }
    }

    /// Notes that the archive is damaged at this place.
    pub(super) fn damaged(&mut self, place: &'static str) {
        self.trouble(Trouble::Unreadable(place));
    }

    /// How many members were given.
    pub(super) fn given(&self) -> usize {
        self.given
    }

    /// What it came to.
    pub(super) fn end(self) -> Result<(), Trouble> {
        self.first.map_or(Ok(()), Err)
    }

    /// Gives a member; its bytes, if any, are already paid for.
    pub(super) fn give(
        &mut self,
        names: Vec<String>,
        content: Result<&[u8], Trouble>,
    ) -> Result<(), Stop> {
        if let Err(trouble) = self.budget.member() {
            self.trouble(trouble);
            return Err(Stop);
        }
        self.given += 1;
        (self.each)(Member { names, content, is_aside: self.aside }, self.budget);
        Ok(())
    }

    /// Gives a member that is not compressed: a slice of the archive. It counts as unpacked, since
    /// many members may share the same bytes.
    pub(super) fn stored(&mut self, names: Vec<String>, bytes: &[u8]) -> Result<(), Stop> {
        let count = bytes.len() as u64;
        match self.budget.unpacked(count, count, count) {
            Ok(()) => self.give(names, Ok(bytes)),
            Err(trouble) => {
                self.trouble(trouble);
                self.give(names, Err(trouble))
            }
        }
    }

    /// Gives a member whose bytes come out of `source`. Where the stream is damaged, what came
    /// before is given, since some programs write that too, and the damage is noted. Over a limit
    /// nothing is given: it was not looked at to its end.
    pub(super) fn packed(
        &mut self,
        names: Vec<String>,
        source: &mut dyn Read,
        taken: &Cell<u64>,
    ) -> Result<(), Stop> {
        let unpacked = Unpacked::read(source, taken, self.budget);
        self.unpacked(names, unpacked)
    }

    /// Gives what was unpacked, and lets its memory go.
    pub(super) fn unpacked(&mut self, names: Vec<String>, unpacked: Unpacked) -> Result<(), Stop> {
        let content = match unpacked.trouble {
            None => Ok(unpacked.bytes.as_slice()),
            Some(trouble) => {
                self.trouble(trouble);
                match trouble {
                    Trouble::Unreadable(_) if !unpacked.bytes.is_empty() => {
                        Ok(unpacked.bytes.as_slice())
                    }
                    _ => Err(trouble),
                }
            }
        };
        let given = self.give(names, content);
        unpacked.release(self.budget);
        given
    }
}
