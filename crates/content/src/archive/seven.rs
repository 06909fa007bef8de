//! 7z (7zFormat.txt of the LZMA SDK): names in a header behind the data, which is mostly compressed
//! itself.

mod coder;
mod header;

use std::cell::Cell;
use std::io::Read;

use super::bytes::{place, slice, u32_at, u64_at};
use super::giving::{Giving, Stop, Unpacked};
use crate::Trouble;
use header::{Folder, Header, Next};

const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
/// Of the header at the front, which the offsets count from.
const FRONT: usize = 32;
/// Headers that were compressed one inside the other; programs make one.
const NESTED_MAX: usize = 4;

/// Where the archive begins: at the front, or behind the program that unpacks it.
pub(super) fn start(bytes: &[u8]) -> Option<usize> {
    super::behind::starts(bytes, MAGIC, |at| {
        let fields = slice(bytes, at + 12, 20)?;
        let mut crc = flate2::Crc::new();
        crc.update(fields);
        // One of another sum is read too where the file begins with it.
        (at == 0 || u32_at(bytes, at + 8)? == crc.sum()).then_some(())
    })
}

/// Whether there is one.
pub(super) fn is(bytes: &[u8]) -> bool {
    start(bytes).is_some()
}

/// Gives every member, folder by folder as they are compressed together.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let Some(start) = start(bytes) else { return Ok(()) };
    let bytes = bytes.get(start..).unwrap_or_default();
    match whole_header(bytes, giving) {
        Ok(header) => members(bytes, &header, giving),
        Err(trouble) => {
            giving.trouble(trouble);
            giving.give(Vec::new(), Err(trouble))
        }
    }
}

/// The header, taken out of its compression.
fn whole_header(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<Header, Trouble> {
    const DAMAGED: Trouble = Trouble::Unreadable("7z header");
    let (offset, size) = (u64_at(bytes, 12), u64_at(bytes, 20));
    let at = place(offset.ok_or(DAMAGED)?).saturating_add(FRONT);
    let plain = slice(bytes, at, place(size.ok_or(DAMAGED)?)).ok_or(DAMAGED)?;
    if plain.is_empty() {
        return Ok(Header::default());
    }
    let mut next = Header::read(plain).ok_or(DAMAGED)?;
    for _ in 0..NESTED_MAX {
        let (packed, folder) = match next {
            Next::Header(header) => return Ok(header),
            Next::Packed { packed, folder } => (packed, folder),
        };
        let taken = Cell::new(0);
        let mut source = coder::open(bytes, packed, &folder, &taken)?;
        let mut source = (&mut source).take(folder.size());
        let unpacked = Unpacked::read(&mut source, &taken, giving.budget);
        let read =
            unpacked.trouble.map_or_else(|| Header::read(&unpacked.bytes).ok_or(DAMAGED), Err);
        unpacked.release(giving.budget);
        next = read?;
    }
    Err(DAMAGED)
}

fn members(bytes: &[u8], header: &Header, giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut files = header.files.iter();
    let mut empty = |giving: &mut Giving<'_, '_>, all: bool| -> Result<Option<Vec<String>>, Stop> {
        for file in files.by_ref() {
            if file.has_stream && !all {
                return Ok(Some(file.names.clone()));
            }
            let content =
                if file.has_stream { Err(Trouble::Unreadable("7z folder")) } else { Ok(&[][..]) };
            if let Err(trouble) = content {
                giving.trouble(trouble);
            }
            giving.give(file.names.clone(), content)?;
        }
        Ok(None)
    };
    for folder in &header.folders {
        let taken = Cell::new(0);
        let mut source = coder::open(bytes, folder.packed, folder, &taken);
        if let Err(trouble) = source
            && !matches!(trouble, Trouble::Encrypted(_))
        {
            giving.trouble(trouble);
        }
        for size in folder.members() {
            // Streams beyond the names are given too.
            let names = empty(giving, false)?.unwrap_or_default();
            let source_now = match &mut source {
                Ok(source) => source,
                Err(trouble) => {
                    giving.give(names, Err(*trouble))?;
                    continue;
                }
            };
            let mut unpacked = Unpacked::read(&mut source_now.take(size), &taken, giving.budget);
            if unpacked.trouble.is_none() && (unpacked.bytes.len() as u64) < size {
                unpacked.trouble = Some(Trouble::Unreadable("7z ends early"));
            }
            let trouble = unpacked.trouble;
            giving.unpacked(names, unpacked)?;
            if let Some(trouble) = trouble {
                source = Err(trouble);
            }
        }
    }
    empty(giving, true).map(|_| ())
}

impl Folder {
    /// The sizes of its members, in order.
    fn members(&self) -> impl Iterator<Item = u64> {
        self.members.iter().copied()
    }
}
