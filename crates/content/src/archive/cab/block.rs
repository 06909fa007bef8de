//! The blocks of a folder of a cabinet, decompressed one after the other ([MS-CAB] §2.4, [MS-MCI]
//! for MSZIP).

use std::cell::Cell;
use std::io::{Error, ErrorKind, Read};

use flate2::bufread::DeflateDecoder;
use lzxd::{Lzxd, WindowSize};

use crate::Trouble;
use crate::archive::bytes::{slice, u16_at};

/// What a block puts out at most.
const BLOCK_MAX: usize = 32 << 10;

/// How a folder is compressed.
pub(super) enum Method {
    Stored,
    /// Deflate, block by block, each with what came out before as its dictionary.
    MsZip,
    Lzx(Box<Lzxd>),
}

impl Method {
    /// Reads the field of a folder.
    pub(super) fn of(field: u16) -> Result<Self, Trouble> {
        let window = match field >> 8 & 31 {
            15 => WindowSize::KB32,
            16 => WindowSize::KB64,
            17 => WindowSize::KB128,
            18 => WindowSize::KB256,
            19 => WindowSize::KB512,
            20 => WindowSize::MB1,
            _ => WindowSize::MB2,
        };
        match field & 15 {
            0 => Ok(Self::Stored),
            1 => Ok(Self::MsZip),
            3 => Ok(Self::Lzx(Box::new(Lzxd::new(window)))),
            _ => Err(Trouble::Unreadable("unknown cab method")),
        }
    }
}

/// The bytes of a folder.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    left: u16,
    reserve: usize,
    method: Method,
    taken: &'a Cell<u64>,
    /// What came out last; also the dictionary of MSZIP.
    last: Vec<u8>,
    shown: usize,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(
        rest: &'a [u8],
        left: u16,
        reserve: usize,
        method: Method,
        taken: &'a Cell<u64>,
    ) -> Self {
        Self { rest, left, reserve, method, taken, last: Vec::new(), shown: 0 }
    }

    fn next(&mut self) -> Result<(), Error> {
        const DAMAGED: ErrorKind = ErrorKind::InvalidData;
        let (packed, size) = (u16_at(self.rest, 4), u16_at(self.rest, 6));
        let (packed, size) = packed.zip(size).ok_or(DAMAGED)?;
        let (packed, size) = (usize::from(packed), usize::from(size));
        let head = 8 + self.reserve;
        let data = slice(self.rest, head, packed).ok_or(DAMAGED)?;
        if size > BLOCK_MAX {
            return Err(DAMAGED.into());
        }
        self.rest = self.rest.get(head + packed..).unwrap_or_default();
        self.taken.set(self.taken.get() + (head + packed) as u64);
        let next = match &mut self.method {
            Method::Stored => data.to_vec(),
            Method::MsZip => {
                let data = data.strip_prefix(b"CK").ok_or(DAMAGED)?;
                ms_zip(data, &self.last, size)?
            }
            Method::Lzx(lzx) => {
                lzx.decompress_next(data, size).map_err(|_| Error::from(DAMAGED))?.to_vec()
            }
        };
        self.last = next;
        self.shown = 0;
        Ok(())
    }
}

/// Deflate with a dictionary: the dictionary goes before it as a stored block, and what comes out
/// of that is dropped.
fn ms_zip(data: &[u8], dictionary: &[u8], size: usize) -> Result<Vec<u8>, Error> {
    let len = u16::try_from(dictionary.len()).unwrap_or(0);
    let mut head = vec![0];
    head.extend_from_slice(&len.to_le_bytes());
    head.extend_from_slice(&(!len).to_le_bytes());
    head.extend_from_slice(dictionary);
    let source = std::io::BufReader::new(head.as_slice().chain(data));
    let mut out = Vec::new();
    let most = dictionary.len() + size;
    DeflateDecoder::new(source).take(most as u64).read_to_end(&mut out)?;
    out.drain(..dictionary.len().min(out.len()));
    if out.len() < size { Err(ErrorKind::InvalidData.into()) } else { Ok(out) }
}

impl Read for Blocks<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let mut rest = self.last.get(self.shown..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.read(into)?;
                self.shown += count;
                return Ok(count);
            }
            let Some(left) = self.left.checked_sub(1) else { return Ok(0) };
            self.left = left;
            self.next()?;
        }
    }
}
