//! Zstandard (RFC 8878): one file of one or more frames, with frames to skip between.

use std::cell::Cell;
use std::io::{BufRead, Read};

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::bytes::{place, u32_at};
use super::giving::{Giving, Packed, Stop};

const FRAME: &[u8] = b"\x28\xb5\x2f\xfd";

/// Whether it begins with a frame, or with one to skip that another follows.
pub(super) fn is(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(behind) = skippable(rest) {
        rest = behind;
    }
    rest.starts_with(FRAME)
}

/// Behind a frame that is to be skipped (RFC 8878 §3.1.2).
fn skippable(bytes: &[u8]) -> Option<&[u8]> {
    let is = matches!(bytes.get(..4), Some([0x50..=0x5f, 0x2a, 0x4d, 0x18]));
    bytes.get(8..)?.get(place(u32_at(bytes, 4).filter(|_| is)?.into())..)
}

/// Gives the file.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let taken = Cell::new(0);
    let mut frames = Frames { rest: Some(Packed::new(bytes, &taken)), frame: None };
    giving.packed(Vec::new(), &mut frames, &taken)
}

struct Frames<'a> {
    rest: Option<Packed<'a>>,
    frame: Option<StreamingDecoder<Packed<'a>, FrameDecoder>>,
}

impl Read for Frames<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(into)?;
                if count > 0 {
                    return Ok(count);
                }
                self.rest = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(rest) = &mut self.rest else { return Ok(0) };
            let bytes = rest.fill_buf()?;
            if bytes.is_empty() {
                return Ok(0);
            }
            if let Some(behind) = skippable(bytes) {
                let count = bytes.len() - behind.len();
                rest.consume(count);
                continue;
            }
            let Some(rest) = self.rest.take() else { return Ok(0) };
            // Its window is at most 100 MiB, by the library, and grows as bytes come.
            self.frame = Some(StreamingDecoder::new(rest).map_err(std::io::Error::other)?);
        }
    }
}
