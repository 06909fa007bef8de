//! gzip (RFC 1952): one file of one or more compressed parts, with a name or without.

use std::cell::Cell;
use std::io::Read;

use flate2::bufread::DeflateDecoder;

use super::bytes::{slice, u8_at, u16_at, u32_at, up_to};
use super::giving::{Giving, Packed, Stop};
use super::name;

/// The flags of a header (RFC 1952 §2.3.1).
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Whether it begins as gzip does, with deflate, the only method there is.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// Gives the file, by the name of its first part. Bytes behind the last part are another matter:
/// gzip ignores them, and so does everybody, but they are noted.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let taken = Cell::new(0);
    let Some(header) = Header::read(bytes) else {
        giving.damaged("gzip header");
        return Ok(());
    };
    let mut names = name::readings(header.name);
    for given in names.clone() {
        // What `gzip -N` and what `gzip -d` make of `x.exe.gz` with the name of the archive in it.
        if let Some(bare) = given.strip_suffix(".gz") {
            name::put(&mut names, bare.to_string());
        }
    }
    let mut parts = Parts { bytes, at: header.len, inner: None, taken: &taken, behind: false };
    giving.packed(names, &mut parts, &taken)?;
    if parts.behind {
        giving.damaged("bytes behind gzip");
    }
    Ok(())
}

struct Header<'a> {
    name: &'a [u8],
    len: usize,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let flags = is(bytes).then(|| u8_at(bytes, 3)).flatten()?;
        let mut at = 10;
        if flags & EXTRA != 0 {
            at += 2 + usize::from(u16_at(bytes, at)?);
        }
        let mut name: &[u8] = &[];
        for field in [NAME, COMMENT] {
            if flags & field != 0 {
                let rest = bytes.get(at..)?;
                let text = rest.get(..memchr::memchr(0, rest)?)?;
                at += text.len() + 1;
                if field == NAME {
                    name = text;
                }
            }
        }
        at += if flags & HEADER_CRC != 0 { 2 } else { 0 };
        bytes.get(at..).map(|_| Self { name, len: at })
    }
}

/// The parts one after the other, as one stream (RFC 1952 §2.2).
struct Parts<'a> {
    bytes: &'a [u8],
    at: usize,
    inner: Option<(DeflateDecoder<Packed<'a>>, flate2::Crc)>,
    taken: &'a Cell<u64>,
    behind: bool,
}

impl Read for Parts<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Some((inner, crc)) = &mut self.inner else {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let source = Packed::new(rest, self.taken);
                self.inner = Some((DeflateDecoder::new(source), flate2::Crc::new()));
                continue;
            };
            let count = inner.read(into)?;
            if count > 0 {
                crc.update(into.get(..count).unwrap_or_default());
                return Ok(count);
            }
            let end = self.at + usize::try_from(inner.total_in()).unwrap_or(usize::MAX);
            let sum = crc.sum();
            if u32_at(self.bytes, end) != Some(sum) || slice(self.bytes, end, 8).is_none() {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            let next = up_to(self.bytes, end + 8, usize::MAX);
            match Header::read(next) {
                Some(header) => {
                    self.at = end + 8 + header.len;
                    self.taken.set(self.taken.get() + 8 + header.len as u64);
                    self.inner = None;
                }
                None => {
                    self.behind = next.iter().any(|byte| *byte != 0);
                    return Ok(0);
                }
            }
        }
    }
}
