//! OLE2 compound files: folders and streams in one file (MS-CFB).
//!
//! Read leniently, as office programs do: a damaged file gives what can be reached, and every entry
//! of the directory counts, in the tree or not. No chain is followed further than the file is long,
//! so that a loop ends.

use crate::magic::little;
use crate::{Budget, Trouble};

const HEADER: usize = 512;
const ENTRY: usize = 128;
/// Numbers from here on mean something else than a sector (MS-CFB §2.1).
const SECTORS_MAX: u32 = 0xFFFF_FFFA;
/// Entries of a directory that are read: office documents have some dozens.
const ENTRIES_MAX: usize = 4_096;

/// One entry of the directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its name, with the control character that some begin with.
    pub(super) name: String,
    /// 1 a folder, 2 a stream, 5 the root.
    pub(super) kind: u8,
    /// The class of a folder's object, as it stands in the file.
    pub(super) class: [u8; 16],
    start: u32,
    size: u64,
}

/// A compound file.
#[derive(Debug)]
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    mini_cutoff: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    /// Every entry, the root first.
    pub(super) entries: Vec<Entry>,
}

impl<'a> Compound<'a> {
    /// Reads the tables and the directory. What it keeps of them is at most as large as the file,
    /// and told by [`Compound::held`].
    ///
    /// # Errors
    /// The header or the directory is none.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let broken = Trouble::Unreadable("compound file");
        let shift = bytes.get(30).copied().ok_or(broken)?;
        // 512 or 4,096 bytes (MS-CFB §2.2).
        let sector = if shift == 12 { 4_096 } else { 512 };
        let number = |at| little(bytes, at).ok_or(broken);
        let mut file = Self {
            bytes,
            sector,
            mini_cutoff: u64::from(number(56)?),
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            entries: Vec::new(),
        };
        file.read_fat(number(68)?);
        let directory = file.chain(number(48)?, ENTRIES_MAX * ENTRY);
        file.entries = directory.chunks_exact(ENTRY).filter_map(entry).collect();
        let root = file.entries.first().cloned().ok_or(broken)?;
        let mini_fat = file.chain(number(60)?, bytes.len());
        file.mini_fat = numbers(&mini_fat);
        file.mini = file.chain(root.start, bytes.len());
        Ok(file)
    }

    /// Bytes that its tables take.
    pub(super) fn held(&self) -> usize {
        self.mini.len() + 4 * (self.fat.len() + self.mini_fat.len())
    }

    /// The table of sectors: 109 of its own are named in the header, the others in a chain.
    fn read_fat(&mut self, mut next: u32) {
        let head = self.bytes.get(76..HEADER).unwrap_or_default();
        let mut sectors = numbers(head);
        let most = self.bytes.len() / self.sector + 1;
        while next < SECTORS_MAX && sectors.len() < most {
            let Some(table) = self.sector_at(next) else { break };
            let mut more = numbers(table);
            next = more.pop().unwrap_or(SECTORS_MAX);
            sectors.extend(more);
        }
        for number in sectors.into_iter().filter(|number| *number < SECTORS_MAX).take(most) {
            let table = self.sector_at(number).map(numbers);
            self.fat.extend(table.unwrap_or_default());
            if self.fat.len() > most {
                break;
            }
        }
    }

    fn sector_at(&self, number: u32) -> Option<&'a [u8]> {
        let at = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector)?;
        let rest = self.bytes.get(at..)?;
        // The last may be short.
        Some(rest.get(..self.sector).unwrap_or(rest))
    }

    /// The bytes of a chain of sectors, at most `most`.
    fn chain(&self, mut next: u32, most: usize) -> Vec<u8> {
        let most = most.min(self.bytes.len());
        let mut out = Vec::new();
        while out.len() < most
            && let Some(sector) = self.sector_at(next)
        {
            out.extend_from_slice(sector);
            let index = usize::try_from(next).unwrap_or(usize::MAX);
            next = self.fat.get(index).copied().unwrap_or(SECTORS_MAX);
        }
        out.truncate(most);
        out
    }

    /// The content of a stream, as much of it as there is; costs memory of `budget`, which the
    /// caller releases by its length.
    ///
    /// # Errors
    /// Too much is held.
    pub(super) fn stream(&self, entry: &Entry, budget: &mut Budget) -> Result<Vec<u8>, Trouble> {
        let size = usize::try_from(entry.size).unwrap_or(usize::MAX).min(self.bytes.len());
        budget.hold(size)?;
        let out = if entry.size < self.mini_cutoff {
            self.mini_chain(entry.start, size)
        } else {
            self.chain(entry.start, size)
        };
        budget.release(size - out.len());
        Ok(out)
    }

    /// Small streams lie in pieces of 64 bytes within the stream of the root (MS-CFB §2.4).
    fn mini_chain(&self, mut next: u32, most: usize) -> Vec<u8> {
        const PIECE: usize = 64;
        let mut out = Vec::new();
        while out.len() < most {
            let index = usize::try_from(next).unwrap_or(usize::MAX);
            let piece = index.checked_mul(PIECE).and_then(|at| self.mini.get(at..));
            let Some(piece) = piece.filter(|piece| !piece.is_empty()) else { break };
            out.extend_from_slice(piece.get(..PIECE).unwrap_or(piece));
            next = self.mini_fat.get(index).copied().unwrap_or(SECTORS_MAX);
        }
        out.truncate(most);
        out
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).filter_map(|four| little(four, 0)).collect()
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let kind = *bytes.get(66)?;
    if kind == 0 {
        return None;
    }
    let units = bytes.get(..64)?.chunks_exact(2);
    let units = units.filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)));
    let name: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    let class = bytes.get(80..96)?.try_into().ok()?;
    let (start, size) = (little(bytes, 116)?, little(bytes, 120)?);
    Some(Entry { name: String::from_utf16_lossy(&name), kind, class, start, size: size.into() })
}
