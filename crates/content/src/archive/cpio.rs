//! cpio: newc and its sum, odc, and the old binary form in both byte orders (cpio(5)).

use super::bytes::{place, slice, u16_at, up_to};
use super::giving::{Giving, Stop};
use super::name;

/// Whether it begins with a header that can be read to its name.
pub(super) fn is(bytes: &[u8]) -> bool {
    Header::read(bytes, 0).is_some_and(|header| {
        header.name.last() == Some(&0) && header.name.iter().filter(|byte| **byte == 0).count() == 1
    })
}

struct Header<'a> {
    name: &'a [u8],
    data: usize,
    size: u64,
    align: usize,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let (head, name, size, align) = match up_to(bytes, at, 6) {
            b"070701" | b"070702" => {
                let field = |field: usize| digits(bytes, at + 6 + 8 * field, 8, 16);
                (110, field(11)?, field(6)?, 4)
            }
            b"070707" => (76, digits(bytes, at + 59, 6, 8)?, digits(bytes, at + 65, 11, 8)?, 1),
            [0xc7, 0x71, ..] => binary(bytes, at, u16::from_le)?,
            [0x71, 0xc7, ..] => binary(bytes, at, u16::swap_bytes)?,
            _ => return None,
        };
        let name = slice(bytes, at.checked_add(head)?, place(name))?;
        let data = (at + head + name.len()).checked_next_multiple_of(align)?;
        Some(Self { name, data, size, align })
    }
}

/// The fields of 16 bits; a size has its high half first whatever the order.
fn binary(bytes: &[u8], at: usize, order: fn(u16) -> u16) -> Option<(usize, u64, u64, usize)> {
    let field = |field: usize| u16_at(bytes, at + 2 * field).map(order).map(u64::from);
    Some((26, field(10)?, field(11)? << 16 | field(12)?, 2))
}

fn digits(bytes: &[u8], at: usize, len: usize, radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(slice(bytes, at, len)?).ok()?, radix).ok()
}

/// Gives every member up to the trailer. Several archives may stand one behind the other, with
/// zeros between (an initramfs is made so).
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut at = 0;
    let mut ended = false;
    while let Some(first) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b != 0)) {
        at += if ended { first } else { 0 };
        let Some(header) = Header::read(bytes, at) else {
            if !ended {
                giving.damaged("cpio header");
            }
            return Ok(());
        };
        ended = header.name.starts_with(b"TRAILER!!!\0");
        let content = up_to(bytes, header.data, place(header.size));
        if !ended {
            let name = header.name.strip_suffix(&[0]).unwrap_or(header.name);
            giving.stored(name::readings(name), content)?;
        }
        if (content.len() as u64) < header.size {
            giving.damaged("cpio ends early");
        }
        let end = header.data.saturating_add(place(header.size));
        at = end.checked_next_multiple_of(header.align).unwrap_or(usize::MAX);
    }
    if !ended {
        giving.damaged("cpio without its end");
    }
    Ok(())
}
