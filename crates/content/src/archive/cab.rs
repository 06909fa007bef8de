//! Cabinets of Microsoft ([MS-CAB]): files in folders, folders in blocks of at most 32 KiB.

mod block;

use std::cell::Cell;

use super::bytes::{place, slice, u8_at, u16_at, u32_at, up_to};
use super::giving::{Giving, Stop, Unpacked};
use super::name;
use crate::Trouble;
use block::{Blocks, Method};

const MAGIC: &[u8] = b"MSCF\0\0\0\0";

/// Whether there is one, at the front or behind the program that unpacks it.
pub(super) fn is(bytes: &[u8]) -> bool {
    start(bytes).is_some()
}

/// Where the cabinet begins.
pub(super) fn start(bytes: &[u8]) -> Option<usize> {
    super::behind::starts(bytes, MAGIC, |at| {
        // Version 1, some files.
        (u8_at(bytes, at + 25)? == 1 && u16_at(bytes, at + 28)? > 0).then_some(())
    })
}

struct File {
    names: Vec<String>,
    size: u64,
    offset: u64,
    folder: u16,
}

/// Gives every file, folder by folder.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let Some(start) = start(bytes) else { return Ok(()) };
    let bytes = bytes.get(start..).unwrap_or_default();
    let Some((folders, reserve)) = folders(bytes) else {
        giving.damaged("cab header");
        return Ok(());
    };
    let files = files(bytes, giving);
    for (index, folder) in folders.iter().enumerate() {
        let inside = |file: &&File| usize::from(file.folder) == index;
        if !files.iter().any(|file| inside(&file)) {
            continue;
        }
        let taken = Cell::new(0);
        let at = place(u32_at(bytes, *folder).unwrap_or(0).into());
        let (count, method) = (u16_at(bytes, folder + 4), u16_at(bytes, folder + 6).unwrap_or(0));
        let rest = bytes.get(at..).unwrap_or_default();
        let unpacked = match Method::of(method) {
            Ok(method) => {
                let mut blocks = Blocks::new(rest, count.unwrap_or(0), reserve, method, &taken);
                Unpacked::read(&mut blocks, &taken, giving.budget)
            }
            Err(trouble) => Unpacked { bytes: Vec::new(), trouble: Some(trouble) },
        };
        let given = give(&files, index, &unpacked, giving);
        unpacked.release(giving.budget);
        given?;
    }
    for file in files {
        if usize::from(file.folder) >= folders.len() {
            // It begins in the cabinet before, or ends in the next.
            giving.damaged("cab in pieces");
            giving.give(file.names, Err(Trouble::Unreadable("cab in pieces")))?;
        }
    }
    Ok(())
}

/// Gives the files of one folder out of its bytes.
fn give(
    files: &[File],
    index: usize,
    unpacked: &Unpacked,
    giving: &mut Giving<'_, '_>,
) -> Result<(), Stop> {
    if let Some(trouble) = unpacked.trouble {
        giving.trouble(trouble);
    }
    for file in files.iter().filter(|file| usize::from(file.folder) == index) {
        let names = file.names.clone();
        let content = slice(&unpacked.bytes, place(file.offset), place(file.size));
        let part = up_to(&unpacked.bytes, place(file.offset), place(file.size));
        match (content, unpacked.trouble) {
            (Some(content), _) => giving.stored(names, content)?,
            (None, Some(trouble @ Trouble::Limit(_))) => giving.give(names, Err(trouble))?,
            (None, _) => {
                giving.damaged("cab file ends early");
                if part.is_empty() {
                    giving.give(names, Err(Trouble::Unreadable("cab file ends early")))?;
                } else {
                    giving.stored(names, part)?;
                }
            }
        }
    }
    Ok(())
}

/// Where the entries of the folders stand, and the bytes that each block reserves.
fn folders(bytes: &[u8]) -> Option<(Vec<usize>, usize)> {
    let flags = u16_at(bytes, 30)?;
    let (mut at, mut in_folder, mut in_block) = (36, 0, 0);
    if flags & 4 != 0 {
        in_folder = usize::from(u8_at(bytes, 38)?);
        in_block = usize::from(u8_at(bytes, 39)?);
        at += 4 + usize::from(u16_at(bytes, 36)?);
    }
    // Names of the cabinet and the disk before, and of those behind.
    for _ in 0..(flags & 1) * 2 + (flags >> 1 & 1) * 2 {
        at += memchr::memchr(0, bytes.get(at..)?)? + 1;
    }
    let count = usize::from(u16_at(bytes, 26)?);
    Some(((0..count).map(|index| at + index * (8 + in_folder)).collect(), in_block))
}

fn files(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Vec<File> {
    let mut files = Vec::new();
    let mut at = place(u32_at(bytes, 16).unwrap_or(0).into());
    for _ in 0..u16_at(bytes, 28).unwrap_or(0) {
        let Some((file, end)) = file(bytes, at) else {
            giving.damaged("cab directory");
            break;
        };
        files.push(file);
        at = end;
    }
    files
}

fn file(bytes: &[u8], at: usize) -> Option<(File, usize)> {
    let head = slice(bytes, at, 16)?;
    let rest = bytes.get(at + 16..)?;
    let raw = rest.get(..memchr::memchr(0, rest)?)?;
    let file = File {
        names: name::readings(raw),
        size: u32_at(head, 0)?.into(),
        offset: u32_at(head, 4)?.into(),
        folder: u16_at(head, 8)?,
    };
    Some((file, at + 17 + raw.len()))
}
