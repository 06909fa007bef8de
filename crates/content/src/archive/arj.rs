//! ARJ (TECHNOTE.TXT of ARJ 2.8).

use std::cell::Cell;

use super::bytes::{place, slice, u8_at, u16_at, u32_at, up_to};
use super::giving::{Giving, Packed, Stop};
use super::lzh::Lzh;
use super::name;
use crate::Trouble;

const MAGIC: [u8; 2] = [0x60, 0xea];
/// The longest header that ARJ reads.
const HEADER_MAX: usize = 2_600;
/// Its window is 26,624 bytes; the next power of two holds the same matches.
const WINDOW: usize = 1 << 16;

/// Whether it begins with the header of an archive.
pub(super) fn is(bytes: &[u8]) -> bool {
    let len = u16_at(bytes, 2).map_or(0, usize::from);
    bytes.starts_with(&MAGIC) && (30..=HEADER_MAX).contains(&len) && u8_at(bytes, 10) == Some(2)
}

/// The header at `at`, and where its data begin.
fn header(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let len = usize::from(u16_at(bytes, at.checked_add(2)?)?);
    if slice(bytes, at, 2)? != MAGIC || !(30..=HEADER_MAX).contains(&len) {
        return None;
    }
    let head = slice(bytes, at + 4, len)?;
    let mut end = at + 4 + len + 4;
    loop {
        let more = usize::from(u16_at(bytes, end)?);
        end += 2;
        if more == 0 {
            return Some((head, end));
        }
        end += more + 4;
    }
}

/// Gives every member.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let Some((_, mut at)) = header(bytes, 0) else {
        giving.damaged("arj header");
        return Ok(());
    };
    while let Some((head, data)) = header(bytes, at) {
        let field = |at| u32_at(head, at).map_or(0, u64::from);
        let (packed, size) = (field(12), field(16));
        let first = usize::from(u8_at(head, 0).unwrap_or(0));
        let raw = head.get(first..).unwrap_or_default();
        let names = name::readings(raw.split(|byte| *byte == 0).next().unwrap_or_default());
        let content = up_to(bytes, data, place(packed));
        if (content.len() as u64) < packed {
            giving.damaged("arj ends early");
        }
        at = data.saturating_add(place(packed));
        let is_garbled = u8_at(head, 4).unwrap_or(0) & 1 != 0;
        match (u8_at(head, 6), u8_at(head, 5)) {
            _ if is_garbled => giving.give(names, Err(Trouble::Encrypted("arj member")))?,
            (Some(3), _) => giving.give(names, Ok(&[]))?,
            (_, Some(0)) => giving.stored(names, content)?,
            (_, Some(1..=3)) => {
                let taken = Cell::new(0);
                let mut source = Lzh::new(Packed::new(content, &taken), WINDOW, size);
                giving.packed(names, &mut source, &taken)?;
            }
            _ => {
                giving.damaged("unknown arj method");
                giving.give(names, Err(Trouble::Unreadable("unknown arj method")))?;
            }
        }
    }
    // A header of no length is the end.
    if slice(bytes, at, 4) != Some(&[0x60, 0xea, 0, 0]) {
        giving.damaged("arj header");
    }
    Ok(())
}
