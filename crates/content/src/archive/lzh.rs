//! The compression that LHA (`-lh4-` to `-lh7-`) and ARJ (methods 1 to 3) share: LZSS, with codes
//! of Huffman for each block (ar002 of Haruhiko Okumura).

use std::io::{Error, ErrorKind, Read};

use super::giving::Packed;

/// Literals, and lengths of 3 to 256.
const CODES: usize = 510;
/// Lengths of the codes above, as they are coded themselves.
const LENGTHS: usize = 19;
/// Codes are at most this long.
const CODE_MAX: usize = 16;
/// The shortest match.
const MATCH_MIN: usize = 3;

/// A decompressor.
pub(super) struct Lzh<'a> {
    bits: Bits<'a>,
    window: Vec<u8>,
    at: usize,
    positions: (usize, u32),
    left_in_block: u32,
    codes: Tree,
    distances: Tree,
    copy: Option<(usize, usize)>,
    left: u64,
}

impl<'a> Lzh<'a> {
    /// `window` is a power of two; `size` bytes come out.
    pub(super) fn new(packed: Packed<'a>, window: usize, size: u64) -> Self {
        let positions = match window {
            0..=0x2000 => (14, 4),
            0x8000 => (16, 5),
            _ => (17, 5),
        };
        Self {
            bits: Bits { packed, buffer: 0, count: 0, missing: 0 },
            window: vec![b' '; window],
            at: 0,
            positions,
            left_in_block: 0,
            codes: Tree::One(0),
            distances: Tree::One(0),
            copy: None,
            left: size,
        }
    }

    fn block(&mut self) -> Option<()> {
        self.left_in_block = self.bits.take(16)?;
        if self.left_in_block == 0 {
            self.left_in_block = 1 << 16;
        }
        let lengths = self.bits.lengths(LENGTHS, 5, Some(3))?;
        self.codes = self.bits.codes(&lengths)?;
        let (count, width) = self.positions;
        self.distances = self.bits.lengths(count, width, None)?;
        Some(())
    }

    /// One byte more.
    fn byte(&mut self) -> Option<u8> {
        let mask = self.window.len() - 1;
        if self.copy.is_none() {
            if self.left_in_block == 0 {
                self.block()?;
            }
            self.left_in_block -= 1;
            let code = self.codes.next(&mut self.bits)?;
            match u8::try_from(code) {
                Ok(literal) => return self.put(literal),
                Err(_) => {
                    let distance = match self.distances.next(&mut self.bits)? {
                        0 => 0,
                        bits => {
                            let bits = u32::try_from(bits).ok()? - 1;
                            (1_usize << bits) + usize::try_from(self.bits.take(bits)?).ok()?
                        }
                    };
                    let from = self.at.wrapping_sub(distance + 1) & mask;
                    self.copy = Some((from, code - 256 + MATCH_MIN));
                }
            }
        }
        let (from, count) = self.copy?;
        self.copy = (count > 1).then_some(((from + 1) & mask, count - 1));
        let byte = *self.window.get(from)?;
        self.put(byte)
    }

    fn put(&mut self, byte: u8) -> Option<u8> {
        *self.window.get_mut(self.at)? = byte;
        self.at = (self.at + 1) & (self.window.len() - 1);
        Some(byte)
    }
}

impl Read for Lzh<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut count = 0;
        for slot in into {
            if self.left == 0 {
                break;
            }
            match self.byte() {
                Some(byte) => *slot = byte,
                // What came before is shown first.
                None if count > 0 => break,
                None => return Err(Error::from(ErrorKind::InvalidData)),
            }
            self.left -= 1;
            count += 1;
        }
        Ok(count)
    }
}

/// A code of Huffman, canonical.
enum Tree {
    /// Always the same symbol, without a bit.
    One(usize),
    /// How many codes of each length there are, and the symbols in their order.
    Many([u16; CODE_MAX + 1], Vec<u16>),
}

impl Tree {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; CODE_MAX + 1];
        let mut symbols: Vec<u16> = Vec::new();
        for len in 1..=CODE_MAX {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| usize::from(**l) == len) {
                symbols.push(u16::try_from(symbol).unwrap_or(0));
                if let Some(count) = counts.get_mut(len) {
                    *count += 1;
                }
            }
        }
        Self::Many(counts, symbols)
    }

    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (counts, symbols) = match self {
            Self::One(symbol) => return Some(*symbol),
            Self::Many(counts, symbols) => (counts, symbols),
        };
        let (mut code, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for count in counts.iter().skip(1) {
            code |= usize::try_from(bits.take(1)?).ok()?;
            let count = usize::from(*count);
            if code < first + count {
                return symbols.get(index + code.checked_sub(first)?).map(|s| usize::from(*s));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Bits, the highest first.
struct Bits<'a> {
    packed: Packed<'a>,
    buffer: u64,
    count: u32,
    /// Bytes that were read behind the end: encoders leave out the last zeros.
    missing: u32,
}

impl Bits<'_> {
    fn take(&mut self, bits: u32) -> Option<u32> {
        while self.count < bits {
            let mut byte = [0];
            if self.packed.read(&mut byte).ok()? == 0 {
                self.missing += 1;
                if self.missing > 4 {
                    return None;
                }
            }
            self.buffer = self.buffer << 8 | u64::from(byte[0]);
            self.count += 8;
        }
        self.count -= bits;
        u32::try_from(self.buffer >> self.count & ((1 << bits) - 1)).ok()
    }

    /// Lengths of codes, in three bits each or more; behind the third of `pause` some are zero.
    fn lengths(&mut self, most: usize, width: u32, pause: Option<usize>) -> Option<Tree> {
        let count = usize::try_from(self.take(width)?).ok()?;
        if count == 0 {
            return Some(Tree::One(usize::try_from(self.take(width)?).ok()?));
        }
        let mut lengths = Vec::new();
        while lengths.len() < count {
            let mut len = self.take(3)?;
            if len == 7 {
                while self.take(1)? == 1 {
                    len += 1;
                }
            }
            lengths.push(u8::try_from(len).ok().filter(|len| usize::from(*len) <= CODE_MAX)?);
            if pause == Some(lengths.len()) {
                let zeros = usize::try_from(self.take(2)?).ok()?;
                lengths.resize(lengths.len() + zeros, 0);
            }
        }
        (lengths.len() <= most).then(|| Tree::new(&lengths))
    }

    fn codes(&mut self, by: &Tree) -> Option<Tree> {
        let count = usize::try_from(self.take(9)?).ok()?;
        if count == 0 {
            return Some(Tree::One(usize::try_from(self.take(9)?).ok()?));
        }
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < count {
            let zeros = match by.next(self)? {
                0 => 1,
                1 => self.take(4)? + 3,
                2 => self.take(9)? + 20,
                len => {
                    lengths.push(u8::try_from(len - 2).ok()?);
                    continue;
                }
            };
            lengths.resize(lengths.len() + usize::try_from(zeros).ok()?, 0);
        }
        (lengths.len() <= CODES).then(|| Tree::new(&lengths))
    }
}
