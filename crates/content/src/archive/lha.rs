//! LHA and LZH, headers of level 0 to 3 (as LHa for UNIX describes them in header.doc).

use std::cell::Cell;

use super::bytes::{place, slice, u8_at, u16_at, u32_at, up_to};
use super::giving::{Giving, Packed, Stop};
use super::lzh::Lzh;
use super::name;
use crate::Trouble;

/// Whether it begins with a header of a level that there is.
pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(bytes.get(2..7), Some([b'-', b'l', b'h' | b'z', _, b'-']))
        && u8_at(bytes, 20).is_some_and(|level| level <= 3)
}

struct Header {
    method: [u8; 5],
    names: Vec<String>,
    /// Of the header, with all its extensions.
    len: usize,
    packed: u64,
    size: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let method: [u8; 5] = slice(bytes, 2, 5)?.try_into().ok()?;
        let (packed, size) = (u64::from(u32_at(bytes, 7)?), u64::from(u32_at(bytes, 11)?));
        let level = u8_at(bytes, 20)?;
        let mut header = Self { method, names: Vec::new(), len: 0, packed, size };
        match level {
            0 | 1 => {
                let base = usize::from(u8_at(bytes, 0)?) + 2;
                let raw = slice(bytes, 22, usize::from(u8_at(bytes, 21)?))?;
                header.names = name::readings(raw);
                header.len = base;
                if level == 1 {
                    let more = header.extensions(bytes, base.checked_sub(2)?, 2)?;
                    header.packed = packed.checked_sub((more - base) as u64)?;
                    header.len = more;
                }
            }
            2 => {
                header.len = usize::from(u16_at(bytes, 0)?);
                header.extensions(bytes, 24, 2)?;
            }
            3 => {
                header.len = place(u32_at(bytes, 24)?.into());
                header.extensions(bytes, 28, 4)?;
            }
            _ => return None,
        }
        (header.len > 21).then_some(header)
    }

    /// Reads extensions: a length before each, of `width` bytes, which counts them all; returns
    /// where they end.
    fn extensions(&mut self, bytes: &[u8], mut at: usize, width: usize) -> Option<usize> {
        let (mut file, mut folder) = (Vec::new(), Vec::new());
        loop {
            let len = if width == 2 {
                usize::from(u16_at(bytes, at)?)
            } else {
                place(u32_at(bytes, at)?.into())
            };
            at += width;
            if len == 0 {
                break;
            }
            let field = slice(bytes, at, len.checked_sub(width)?)?;
            at += len - width;
            let (kind, text) = field.split_first()?;
            match kind {
                1 => file = name::readings(text),
                // The parts of a path have 0xFF between them.
                2 => {
                    let slashes = |byte: &u8| if *byte == 0xff { b'/' } else { *byte };
                    folder = name::readings(&text.iter().map(slashes).collect::<Vec<_>>());
                }
                0x44 => name::join(&mut self.names, name::wide(text)),
                _ => {}
            }
        }
        for name in &file {
            let before =
                folder.iter().map(|folder| format!("{}/{name}", folder.trim_end_matches('/')));
            name::join(&mut self.names, before);
            name::put(&mut self.names, name.clone());
        }
        Some(at)
    }
}

/// Gives every member.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut at = 0;
    // A zero where the next header would begin is the end.
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.first().is_some_and(|b| *b != 0)) {
        let Some(header) = Header::read(rest) else {
            giving.damaged("lha header");
            return Ok(());
        };
        let data = up_to(rest, header.len, place(header.packed));
        if (data.len() as u64) < header.packed {
            giving.damaged("lha ends early");
        }
        at = at.saturating_add(header.len).saturating_add(place(header.packed));
        let window = match &header.method {
            b"-lh0-" | b"-lz4-" => {
                giving.stored(header.names, data)?;
                continue;
            }
            b"-lhd-" => {
                giving.give(header.names, Ok(&[]))?;
                continue;
            }
            b"-lh4-" => 1 << 12,
            b"-lh5-" => 1 << 13,
            b"-lh6-" => 1 << 15,
            b"-lh7-" => 1 << 16,
            _ => {
                giving.damaged("unknown lha method");
                giving.give(header.names, Err(Trouble::Unreadable("unknown lha method")))?;
                continue;
            }
        };
        let taken = Cell::new(0);
        let mut source = Lzh::new(Packed::new(data, &taken), window, header.size);
        giving.packed(header.names, &mut source, &taken)?;
    }
    Ok(())
}
