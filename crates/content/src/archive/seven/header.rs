//! The header of 7z: streams, how they are compressed, names.

use crate::archive::bytes::place;
use crate::archive::name;

/// Coders of one folder; 7-Zip reads at most as many.
const CODERS_MAX: usize = 32;
/// Inputs of one coder: four of BCJ2.
const INPUTS_MAX: usize = 4;

// The ids of properties (7zFormat.txt).
const END: u64 = 0;
const HEADER: u64 = 1;
const ARCHIVE_PROPERTIES: u64 = 2;
const ADDITIONAL_STREAMS: u64 = 3;
const MAIN_STREAMS: u64 = 4;
const FILES: u64 = 5;
const PACKED: u64 = 6;
const UNPACKED: u64 = 7;
const SUBSTREAMS: u64 = 8;
const SIZE: u64 = 9;
const CRC: u64 = 10;
const FOLDER: u64 = 11;
const CODER_SIZES: u64 = 12;
const NUMBERS: u64 = 13;
const EMPTY_STREAM: u64 = 14;
const NAMES: u64 = 17;
const PACKED_HEADER: u64 = 23;

/// What is in an archive.
#[derive(Default)]
pub(super) struct Header {
    pub(super) folders: Vec<Folder>,
    pub(super) files: Vec<File>,
}

/// A file or folder by its name.
pub(super) struct File {
    pub(super) names: Vec<String>,
    pub(super) has_stream: bool,
}

/// Files that are compressed together.
#[derive(Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Which output of a coder each input of one is; inputs are counted over all coders.
    pub(super) bonds: Vec<(usize, usize)>,
    /// Which input each packed stream is.
    pub(super) inputs: Vec<usize>,
    /// Where its packed streams begin behind the front, and their sizes.
    pub(super) packed: u64,
    pub(super) packed_sizes: Vec<u64>,
    /// What comes out of each coder.
    pub(super) sizes: Vec<u64>,
    /// The sizes of its members.
    pub(super) members: Vec<u64>,
    has_sum: bool,
}

/// A method with its properties; all have one output.
pub(super) struct Coder {
    pub(super) id: u64,
    pub(super) inputs: usize,
    pub(super) properties: Vec<u8>,
}

/// A header, or the way to one that is compressed.
pub(super) enum Next {
    Header(Header),
    Packed { packed: u64, folder: Folder },
}

impl Folder {
    /// The coder whose output is the folder's.
    pub(super) fn main(&self) -> Option<usize> {
        (0..self.coders.len()).find(|coder| !self.bonds.iter().any(|(_, out)| out == coder))
    }

    /// What comes out of the folder.
    pub(super) fn size(&self) -> u64 {
        self.main().and_then(|main| self.sizes.get(main)).copied().unwrap_or(0)
    }
}

impl Header {
    /// Reads one, up to where it makes sense. `None`: it does not.
    pub(super) fn read(bytes: &[u8]) -> Option<Next> {
        let mut input = Input(bytes);
        match input.number()? {
            HEADER => header(&mut input).map(Next::Header),
            PACKED_HEADER => {
                let mut folder = streams(&mut input)?.into_iter().next()?;
                let packed = std::mem::take(&mut folder.packed);
                Some(Next::Packed { packed, folder: Folder { packed, ..folder } })
            }
            _ => None,
        }
    }
}

fn header(input: &mut Input<'_>) -> Option<Header> {
    let mut header = Header::default();
    loop {
        match input.number()? {
            END => return Some(header),
            ARCHIVE_PROPERTIES => {
                while input.number()? != END {
                    let len = input.number()?;
                    input.take(len)?;
                }
            }
            ADDITIONAL_STREAMS => drop(streams(input)?),
            MAIN_STREAMS => header.folders = streams(input)?,
            FILES => header.files = files(input)?,
            _ => return None,
        }
    }
}

fn streams(input: &mut Input<'_>) -> Option<Vec<Folder>> {
    let (mut begin, mut packed) = (0, Vec::new());
    let mut folders = Vec::new();
    loop {
        match input.number()? {
            END => break,
            PACKED => (begin, packed) = packed_streams(input)?,
            UNPACKED => folders = unpacked_streams(input)?,
            SUBSTREAMS => substreams(input, &mut folders)?,
            _ => return None,
        }
    }
    let mut sizes = packed.into_iter();
    for folder in &mut folders {
        folder.packed = begin;
        folder.packed_sizes = sizes.by_ref().take(folder.inputs.len()).collect();
        begin = folder.packed_sizes.iter().fold(begin, |sum, size| sum.saturating_add(*size));
        if folder.members.is_empty() && !folder.has_no_members() {
            folder.members.push(folder.size());
        }
        folder.members.retain(|size| *size != NONE);
    }
    Some(folders)
}

/// Stands for a folder that says it has no members, which is not one that says nothing.
const NONE: u64 = u64::MAX;

impl Folder {
    fn has_no_members(&self) -> bool {
        self.members.first() == Some(&NONE)
    }
}

fn packed_streams(input: &mut Input<'_>) -> Option<(u64, Vec<u64>)> {
    let (begin, count) = (input.number()?, input.number()?);
    let mut sizes = Vec::new();
    loop {
        match input.number()? {
            END => return Some((begin, sizes)),
            SIZE => {
                for _ in 0..count {
                    sizes.push(input.number()?);
                }
            }
            CRC => {
                input.sums(count)?;
            }
            _ => return None,
        }
    }
}

fn unpacked_streams(input: &mut Input<'_>) -> Option<Vec<Folder>> {
    let mut folders = Vec::new();
    loop {
        match input.number()? {
            END => return Some(folders),
            FOLDER => {
                let count = input.number()?;
                // External: in an additional stream, which no program writes.
                if input.byte()? != 0 {
                    return None;
                }
                for _ in 0..count {
                    folders.push(folder(input)?);
                }
            }
            CODER_SIZES => {
                for folder in &mut folders {
                    for _ in 0..folder.coders.len() {
                        folder.sizes.push(input.number()?);
                    }
                }
            }
            CRC => {
                let defined = input.sums(folders.len() as u64)?;
                for (at, folder) in folders.iter_mut().enumerate() {
                    folder.has_sum = defined.has(at);
                }
            }
            _ => return None,
        }
    }
}

fn folder(input: &mut Input<'_>) -> Option<Folder> {
    let mut folder = Folder::default();
    let count = input.number()?;
    if count == 0 || count > CODERS_MAX as u64 {
        return None;
    }
    let mut inputs = 0;
    for _ in 0..count {
        let flags = input.byte()?;
        let id = input.take(u64::from(flags & 15))?;
        let id =
            id.iter().try_fold(0_u64, |id, byte| Some(id.checked_mul(256)? + u64::from(*byte)))?;
        let mut coder = Coder { id, inputs: 1, properties: Vec::new() };
        if flags & 0x10 != 0 {
            coder.inputs = place(input.number()?);
            if input.number()? != 1 || coder.inputs > INPUTS_MAX {
                return None;
            }
        }
        if flags & 0x20 != 0 {
            let len = input.number()?;
            coder.properties = input.take(len)?.to_vec();
        }
        inputs += coder.inputs;
        folder.coders.push(coder);
    }
    for _ in 1..count {
        folder.bonds.push((place(input.number()?), place(input.number()?)));
    }
    let packed = inputs.checked_sub(folder.bonds.len())?;
    if packed == 1 {
        let free = (0..inputs).find(|at| !folder.bonds.iter().any(|(to, _)| to == at))?;
        folder.inputs.push(free);
    } else {
        for _ in 0..packed {
            folder.inputs.push(place(input.number()?));
        }
    }
    Some(folder)
}

fn substreams(input: &mut Input<'_>, folders: &mut [Folder]) -> Option<()> {
    let mut counts = vec![1; folders.len()];
    loop {
        match input.number()? {
            END => break,
            NUMBERS => {
                for count in &mut counts {
                    *count = input.number()?;
                }
            }
            SIZE => {
                for (folder, count) in folders.iter_mut().zip(&counts) {
                    let mut left = folder.size();
                    for _ in 1..*count {
                        let size = input.number()?;
                        left = left.saturating_sub(size);
                        folder.members.push(size);
                    }
                    if *count > 0 {
                        folder.members.push(left);
                    }
                }
            }
            CRC => {
                // What a folder of one member said already is not said again.
                let open = |folder: &Folder, count: u64| count != 1 || !folder.has_sum;
                let pairs = folders.iter().zip(&counts);
                let open = pairs.filter(|(folder, count)| open(folder, **count));
                let sum = open.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
                input.sums(sum)?;
            }
            _ => return None,
        }
    }
    for (folder, count) in folders.iter_mut().zip(&counts) {
        match count {
            0 => folder.members = vec![NONE],
            1 if folder.members.is_empty() => folder.members.push(folder.size()),
            _ if folder.members.is_empty() => return None,
            _ => {}
        }
    }
    Some(())
}

fn files(input: &mut Input<'_>) -> Option<Vec<File>> {
    let count = input.number()?;
    let (mut names, mut empty) = (Vec::new(), Vec::new());
    loop {
        let kind = input.number()?;
        if kind == END {
            break;
        }
        let len = input.number()?;
        let field = input.take(len)?;
        match kind {
            EMPTY_STREAM => empty = field.to_vec(),
            NAMES if field.first() == Some(&0) => names = wide_names(field.get(1..)?),
            _ => {}
        }
    }
    let is_empty = |at: usize| empty.get(at / 8).is_some_and(|bits| bits & (0x80 >> (at % 8)) != 0);
    let named = names.into_iter().take(place(count)).enumerate();
    Some(named.map(|(at, names)| File { names, has_stream: !is_empty(at) }).collect())
}

/// Names in UTF-16, each with a NUL behind it.
fn wide_names(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut names = Vec::new();
    let mut name = Vec::new();
    for unit in bytes.chunks_exact(2) {
        if unit == [0, 0] {
            names.push(name::wide(&name));
            name.clear();
        } else {
            name.extend_from_slice(unit);
        }
    }
    names
}

/// What is left of a header.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(place(len))?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of one to nine bytes: the ones at the front of the first say how many follow.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut value = 0;
        for at in 0..more {
            value |= u64::from(self.byte()?) << (8 * at);
        }
        let high = if more >= 7 { 0 } else { u64::from(first) & ((0x80 >> more) - 1) };
        Some(value | if more < 8 { high << (8 * more) } else { 0 })
    }

    /// Steps over the checksums of `count` streams; tells which have one.
    fn sums(&mut self, count: u64) -> Option<Defined<'a>> {
        if self.byte()? != 0 {
            self.take(count.checked_mul(4)?)?;
            return Some(Defined(None));
        }
        let bits = self.take(count.div_ceil(8))?;
        let defined: u64 = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
        self.take(defined * 4)?;
        Some(Defined(Some(bits)))
    }
}

/// Which streams have a checksum; all where there are no bits.
struct Defined<'a>(Option<&'a [u8]>);

impl Defined<'_> {
    fn has(&self, at: usize) -> bool {
        self.0
            .is_none_or(|bits| bits.get(at / 8).is_some_and(|bits| bits & (0x80 >> (at % 8)) != 0))
    }
}
