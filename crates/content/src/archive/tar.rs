//! tar: v7, ustar, GNU and pax (POSIX.1-2024 pax, "ustar Interchange Format").

use super::bytes::{place, slice, up_to};
use super::giving::{Giving, Stop};
use super::name;

const BLOCK: usize = 512;
/// Names of extended headers that are read; longer ones are cut by `name` anyway.
const EXTENDED_MAX: usize = 64 << 10;

/// Whether it begins with a header: the magic of ustar, or the right sum over the block.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.get(..BLOCK).is_some_and(|block| is_header(block) && block.first() != Some(&0))
}

fn is_header(block: &[u8]) -> bool {
    block.get(257..262) == Some(b"ustar") || sum_is_right(block)
}

/// The checksum over bytes, or over signed ones as old programs made it; its field is blanks.
fn sum_is_right(block: &[u8]) -> bool {
    let Some(said) = block.get(148..156).and_then(number) else { return false };
    let (mut sum, mut signed) = (0_i64, 0_i64);
    for (at, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        sum += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    let said = i64::try_from(said).unwrap_or(-1);
    said > 0 && (said == sum || said == signed)
}

/// A number in octal digits, or in base 256 where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let mut value = u64::from(field.first()? & 0x7f);
        for byte in field.get(1..)? {
            value = value.checked_mul(256)? + u64::from(*byte);
        }
        return Some(value);
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c| c == ' ' || c == '\0');
    let digits = text.split(['\0', ' ']).next().unwrap_or_default();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Gives every file, folder and link. Programs differ in whether they go on behind two empty
/// blocks (`tar -i`); what stands there is given too.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut at = 0;
    let mut more = Vec::new();
    let mut ended = false;
    while let Some(block) = slice(bytes, at, BLOCK) {
        at += BLOCK;
        if block.iter().all(|byte| *byte == 0) {
            ended = true;
            continue;
        }
        if !is_header(block) {
            if ended {
                // Behind the end anything may stand; a header by accident is not likely.
                continue;
            }
            giving.damaged("tar header");
            ended = true;
            continue;
        }
        let kind = block.get(156).copied().unwrap_or_default();
        let declared = block.get(124..136).and_then(number);
        let Some(mut size) = declared else {
            giving.damaged("tar size");
            giving.give(names(block, &mut more), Err(crate::Trouble::Unreadable("tar size")))?;
            continue;
        };
        if at_extended(kind) {
            size = size.min(bytes.len() as u64);
            let text = up_to(bytes, at, place(size).min(EXTENDED_MAX));
            extended(kind, text, &mut more);
            at = behind(at, size);
            continue;
        }
        if let Some(said) = more.iter().rev().find_map(|(_, size)| *size) {
            size = said;
        }
        if kind == b'S' {
            at = sparse(block, bytes, at);
        }
        let names = names(block, &mut more);
        // A link or folder has no bytes, whatever the size says; v7 knew folders by the slash.
        if matches!(kind, b'1'..=b'6') {
            giving.give(names, Ok(&[]))?;
            // Some programs skip the size, others do not: where a header follows, it is read.
            if kind == b'1' && slice(bytes, at, BLOCK).is_some_and(|next| !is_header(next)) {
                at = behind(at, size);
            }
            continue;
        }
        let content = up_to(bytes, at, place(size));
        giving.stored(names, content)?;
        if (content.len() as u64) < size {
            giving.damaged("tar ends early");
        }
        at = behind(at, size);
    }
    Ok(())
}

fn behind(at: usize, size: u64) -> usize {
    at.saturating_add(place(size.saturating_add(511) / 512).saturating_mul(BLOCK))
}

fn at_extended(kind: u8) -> bool {
    matches!(kind, b'x' | b'X' | b'g' | b'L' | b'K')
}

/// The names of the header and of the extended ones before it, which are used up.
fn names(block: &[u8], more: &mut Vec<(Vec<u8>, Option<u64>)>) -> Vec<String> {
    let text = |field: &[u8]| -> Vec<u8> {
        field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
    };
    let short = text(block.get(..100).unwrap_or_default());
    let mut names = Vec::new();
    for (long, _) in more.drain(..) {
        name::join(&mut names, name::readings(&long));
    }
    if block.get(257..263) == Some(b"ustar\0") {
        let mut whole = text(block.get(345..500).unwrap_or_default());
        if !whole.is_empty() {
            whole.push(b'/');
            whole.extend_from_slice(&short);
            name::join(&mut names, name::readings(&whole));
        }
    }
    name::join(&mut names, name::readings(&short));
    names
}

/// Reads a header that stands before the one it is about: GNU's long name (`L`), or pax records
/// `LEN KEY=VALUE\n`.
fn extended(kind: u8, text: &[u8], more: &mut Vec<(Vec<u8>, Option<u64>)>) {
    if kind == b'L' {
        let long = text.split(|byte| *byte == 0).next().unwrap_or_default();
        more.push((long.to_vec(), None));
        return;
    }
    if kind == b'K' {
        return;
    }
    let mut rest = text;
    while let Some(blank) = memchr::memchr(b' ', rest) {
        let digits = rest.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(len) = digits.and_then(|digits| digits.parse::<usize>().ok()) else { return };
        let Some(record) = rest.get(blank + 1..len) else { return };
        rest = rest.get(len..).unwrap_or_default();
        let Some(equals) = memchr::memchr(b'=', record) else { continue };
        let value = record.get(equals + 1..).unwrap_or_default();
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        match record.get(..equals).unwrap_or_default() {
            b"path" | b"GNU.sparse.name" => more.push((value.to_vec(), None)),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                more.push((Vec::new(), size));
            }
            _ => {}
        }
    }
}

/// Behind the maps of a sparse file (GNU): 21 entries to a block, each says whether one follows.
fn sparse(block: &[u8], bytes: &[u8], mut at: usize) -> usize {
    let mut follows = block.get(482).is_some_and(|byte| *byte != 0);
    while follows {
        follows = bytes.get(at.saturating_add(504)).is_some_and(|byte| *byte != 0);
        at = at.saturating_add(BLOCK);
    }
    at
}
