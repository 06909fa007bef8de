//! The headers of RAR 1.5 to 4 (technote.txt of RAR 4).

use super::{Kind, List, Listed, name};
use crate::Trouble;
use crate::archive::bytes::{place, slice, u8_at, u16_at, u32_at};

const MAIN: u8 = 0x73;
const FILE: u8 = 0x74;
const END: u8 = 0x7b;

/// Whether the headers behind the main one are encrypted.
const NAMES_ENCRYPTED: u16 = 0x80;
/// Data stand behind the header.
const HAS_DATA: u16 = 0x8000;

// Flags of a file.
const SPLIT: u16 = 3;
const ENCRYPTED: u16 = 4;
const FOLDER: u16 = 0xe0;
const LARGE: u16 = 0x100;
const WIDE_NAME: u16 = 0x200;

/// Reads every header to the end of the archive.
pub(super) fn list(bytes: &[u8], most: usize) -> List {
    let mut list = List::default();
    let mut at = 7_usize;
    while at < bytes.len() {
        let head = u16_at(bytes, at + 3).zip(u16_at(bytes, at + 5));
        let (Some(kind), Some((flags, len))) = (u8_at(bytes, at + 2), head) else {
            list.damaged("rar header");
            return list;
        };
        let len = usize::from(len);
        let Some(header) = slice(bytes, at, len).filter(|_| len >= 7) else {
            list.damaged("rar header");
            return list;
        };
        let mut data_len = 0;
        if flags & HAS_DATA != 0 || kind == FILE {
            data_len = u64::from(u32_at(header, 7).unwrap_or(0));
        }
        match kind {
            MAIN if flags & NAMES_ENCRYPTED != 0 => {
                list.trouble = Some(Trouble::Encrypted("rar names"));
                return list;
            }
            FILE => {
                if flags & LARGE != 0 {
                    data_len |= u64::from(u32_at(header, 32).unwrap_or(0)) << 32;
                }
                match member(header, flags, at + len, data_len) {
                    Some(member) => list.members.push(member),
                    None => list.damaged("rar member"),
                }
            }
            END => return list,
            _ => {}
        }
        if list.members.len() > most {
            list.trouble = Some(Trouble::Limit("members_max"));
            return list;
        }
        at = at.saturating_add(len).saturating_add(place(data_len));
    }
    list
}

fn member(header: &[u8], flags: u16, data: usize, data_len: u64) -> Option<Listed> {
    let (method, len) = (u8_at(header, 25)?, usize::from(u16_at(header, 26)?));
    let at = if flags & LARGE != 0 { 40 } else { 32 };
    let raw = slice(header, at, len)?;
    let plain = raw.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut names = Vec::new();
    if flags & WIDE_NAME != 0
        && let Some(coded) = raw.get(plain.len() + 1..)
    {
        name::join(&mut names, name::wide(&wide(plain, coded)));
    }
    name::join(&mut names, name::readings(plain));
    let kind = if flags & SPLIT != 0 {
        Kind::Split
    } else if flags & ENCRYPTED != 0 {
        Kind::Encrypted
    } else if flags & FOLDER == FOLDER || data_len == 0 {
        Kind::Empty
    } else if method == 0x30 {
        Kind::Stored { at: data, size: place(data_len) }
    } else {
        Kind::Packed
    };
    Some(Listed { raw: plain.to_vec(), names, kind })
}

/// The wide name, in UTF-16 with the low byte first: coded as differences to the plain one, two
/// bits for each unit.
fn wide(plain: &[u8], coded: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut bytes = coded.iter().copied();
    let Some(high) = bytes.next() else { return out };
    let mut flags = 0;
    let mut bits = 0_u32;
    // Each byte of the code makes at most 129 units; a header is at most 64 KiB.
    while out.len() < 2 * crate::archive::name::NAME_MAX {
        if bits == 0 {
            let Some(next) = bytes.next() else { return out };
            (flags, bits) = (next, 8);
        }
        bits -= 2;
        let Some(first) = bytes.next() else { return out };
        match flags >> bits & 3 {
            0 => out.extend_from_slice(&[first, 0]),
            1 => out.extend_from_slice(&[first, high]),
            2 => {
                let Some(second) = bytes.next() else { return out };
                out.extend_from_slice(&[first, second]);
            }
            _ => {
                let difference = if first & 0x80 != 0 { bytes.next() } else { None };
                for _ in 0..usize::from(first & 0x7f) + 2 {
                    let low = plain.get(out.len() / 2).copied().unwrap_or(0);
                    match difference {
                        Some(by) => out.extend_from_slice(&[low.wrapping_add(by), high]),
                        None => out.extend_from_slice(&[low, 0]),
                    }
                }
            }
        }
    }
    out
}
