//! BinHex 4.0 (RFC 1741): both forks of a Macintosh file.

use super::blocks::Block;
use crate::mime::charset;
use memchr::memchr;

const ALPHABET: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

/// The byte that repeats the one before.
const REPEAT: u8 = 0x90;

/// How many bytes one character may stand for: without a limit three characters of a run make
/// 255 bytes. Runs beyond are what nobody sends; the file is given as far as it came.
const RATIO_MAX: usize = 32;

/// The forks of the file whose note begins at `at`; the data fork first, empty forks left out.
pub(super) fn read(text: &[u8], at: usize) -> Vec<Block> {
    let rest = text.get(at..).unwrap_or_default();
    let Some(colon) = first_colon(rest) else { return Vec::new() };
    let data = rest.get(colon + 1..).unwrap_or_default();
    let len = memchr(b':', data).unwrap_or(data.len());
    let range = at..(at + colon + 1 + len + 1).min(text.len());
    let bytes =
        unrepeat(&sixes(data.get(..len).unwrap_or_default()), len.saturating_mul(RATIO_MAX));
    forks(&bytes, &range).unwrap_or_default()
}

/// The colon that begins a line.
fn first_colon(rest: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b':', rest).find(|at| super::blocks::begins_line(rest, *at))
}

fn sixes(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for b in data {
        let Some(value) = memchr(*b, ALPHABET) else { continue };
        bits = (bits << 6 | value as u32) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}

fn unrepeat(bytes: &[u8], max: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&b) = rest.next() {
        match (b, b == REPEAT) {
            (_, true) => match rest.next() {
                Some(0) => out.push(REPEAT),
                Some(&count) => {
                    let last = out.last().copied().unwrap_or(0);
                    out.extend(std::iter::repeat_n(last, usize::from(count) - 1));
                }
                None => break,
            },
            (b, false) => out.push(b),
        }
        if out.len() > max {
            break;
        }
    }
    out
}

/// Name, type, creator, flags, two lengths, checksum; data, checksum; resource, checksum.
fn forks(bytes: &[u8], range: &std::ops::Range<usize>) -> Option<Vec<Block>> {
    let (&name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
    // The NUL behind the name, type and creator (8 bytes), flags (2).
    let rest = rest.get(11..)?;
    let (data_len, rest) = number(rest)?;
    let (resource_len, rest) = number(rest)?;
    let rest = rest.get(2..)?;
    let data = rest.get(..data_len).unwrap_or(rest);
    let resource = rest.get(data.len() + 2..).unwrap_or_default();
    let resource = resource.get(..resource_len).unwrap_or(resource);
    let names = vec![charset::guess(name)];
    let block =
        |bytes: &[u8]| Block { range: range.clone(), names: names.clone(), bytes: bytes.to_vec() };
    let mut blocks = vec![block(data)];
    if !resource.is_empty() {
        blocks.push(block(resource));
    }
    Some(blocks)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*four)).ok()?, rest))
}
