//! Decompressors of 7z, put together as a folder says.

use std::cell::Cell;
use std::io::Read;

use bzip2::bufread::BzDecoder;
use deflate64::Deflate64Decoder;
use flate2::bufread::DeflateDecoder;
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::bcj2::Bcj2Reader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use ppmd_rust::Ppmd7Decoder;
use ruzstd::decoding::StreamingDecoder;

use super::FRONT;
use super::header::{Coder, Folder};
use crate::Trouble;
use crate::archive::bytes::{place, u8_at, u32_at, up_to};
use crate::archive::giving::{Packed, WORKING_KIB, guarded};

const DAMAGED: Trouble = Trouble::Unreadable("7z coder");

type Source<'a> = Box<dyn Read + 'a>;

/// The output of a folder whose packed streams begin at `packed` behind the front.
pub(super) fn open<'a>(
    bytes: &'a [u8],
    packed: u64,
    folder: &Folder,
    taken: &'a Cell<u64>,
) -> Result<Source<'a>, Trouble> {
    let main = folder.main().ok_or(DAMAGED)?;
    let mut at = place(packed).saturating_add(FRONT);
    let mut streams = Vec::new();
    for size in &folder.packed_sizes {
        streams.push(Some(Packed::new(up_to(bytes, at, place(*size)), taken)));
        at = at.saturating_add(place(*size));
    }
    let depth = folder.coders.len();
    guarded(|| Building { folder, streams, working: 0 }.output(main, depth))?
}

struct Building<'f, 'a> {
    folder: &'f Folder,
    streams: Vec<Option<Packed<'a>>>,
    /// Memory that its coders take together, in KiB.
    working: u32,
}

impl<'a> Building<'_, 'a> {
    /// The output of a coder; `depth` coders may still stand behind it: bonds in a ring end so.
    fn output(&mut self, at: usize, depth: usize) -> Result<Source<'a>, Trouble> {
        let folder = self.folder;
        let coder = folder.coders.get(at).ok_or(DAMAGED)?;
        let depth = depth.checked_sub(1).ok_or(DAMAGED)?;
        let before: usize = folder.coders.iter().take(at).map(|coder| coder.inputs).sum();
        // Told before what is damaged behind it: the names are all that anybody sees.
        if coder.id == 0x06f1_0701 {
            return Err(Trouble::Encrypted("7z member"));
        }
        let mut inputs = Vec::new();
        for input in before..before + coder.inputs {
            inputs.push(match folder.bonds.iter().find(|(to, _)| *to == input) {
                Some((_, out)) => self.output(*out, depth)?,
                None => {
                    let index = folder.inputs.iter().position(|to| *to == input);
                    let stream = index.and_then(|index| self.streams.get_mut(index)?.take());
                    Box::new(stream.ok_or(DAMAGED)?)
                }
            });
        }
        let size = folder.sizes.get(at).copied().ok_or(DAMAGED)?;
        if coder.id == 0x0303_011b {
            let source = Bcj2Reader::try_new(inputs, size).map_err(|_| DAMAGED)?;
            return Ok(Box::new(source));
        }
        let [input] = <[Source<'a>; 1]>::try_from(inputs).map_err(|_| DAMAGED)?;
        self.one(coder, input, size)
    }

    /// A coder of one input.
    fn one(&mut self, coder: &Coder, input: Source<'a>, size: u64) -> Result<Source<'a>, Trouble> {
        let properties = coder.properties.as_slice();
        Ok(match coder.id {
            0x00 => input,
            0x03 => {
                let distance = usize::from(u8_at(properties, 0).unwrap_or(0)) + 1;
                Box::new(DeltaReader::new(input, distance))
            }
            0x04 | 0x0303_0103 => Box::new(BcjReader::new_x86(input, 0)),
            0x05 | 0x0303_0205 => Box::new(BcjReader::new_ppc(input, 0)),
            0x06 | 0x0303_0401 => Box::new(BcjReader::new_ia64(input, 0)),
            0x07 | 0x0303_0501 => Box::new(BcjReader::new_arm(input, 0)),
            0x08 | 0x0303_0701 => Box::new(BcjReader::new_arm_thumb(input, 0)),
            0x09 | 0x0303_0805 => Box::new(BcjReader::new_sparc(input, 0)),
            0x0a => Box::new(BcjReader::new_arm64(input, 0)),
            0x0b => Box::new(BcjReader::new_riscv(input, 0)),
            0x21 => {
                let window = self.window(window_of(u8_at(properties, 0)), size)?;
                Box::new(Lzma2Reader::new(input, window, None))
            }
            0x03_0101 => {
                let window = self.window(u32_at(properties, 1), size)?;
                let props = u8_at(properties, 0).ok_or(DAMAGED)?;
                let source = LzmaReader::new_with_props(input, size, props, window, None);
                let mut source = source.map_err(|_| DAMAGED)?;
                source.set_relaxed_end_condition(true);
                Box::new(source)
            }
            0x03_0401 => {
                let order = u32::from(u8_at(properties, 0).ok_or(DAMAGED)?);
                let memory = u32_at(properties, 1).ok_or(DAMAGED)?;
                self.work(memory)?;
                let source = Ppmd7Decoder::new(input, order, memory).map_err(|_| DAMAGED)?;
                Box::new(source.take(size))
            }
            0x04_0108 => Box::new(DeflateDecoder::new(std::io::BufReader::new(input))),
            0x04_0109 => Box::new(Deflate64Decoder::new(input)),
            0x04_0202 => Box::new(BzDecoder::new(std::io::BufReader::new(input))),
            0x04f7_1101 => Box::new(StreamingDecoder::new(input).map_err(|_| DAMAGED)?),
            _ => return Err(Trouble::Unreadable("unknown 7z coder")),
        })
    }

    /// A window as large as it must be: what comes out says how far back anything can point.
    fn window(&mut self, said: Option<u32>, size: u64) -> Result<u32, Trouble> {
        let most = u32::try_from(size).unwrap_or(u32::MAX);
        let window = said.ok_or(DAMAGED)?.min(most).max(4_096);
        self.work(window).map(|()| window)
    }

    fn work(&mut self, bytes: u32) -> Result<(), Trouble> {
        self.working = self.working.saturating_add(bytes >> 10);
        if self.working > WORKING_KIB { Err(Trouble::Limit("held_max")) } else { Ok(()) }
    }
}

/// The window of LZMA2 from its property: two or three times a power of two.
fn window_of(property: Option<u8>) -> Option<u32> {
    match property? {
        40 => Some(u32::MAX),
        bits @ 0..40 => Some((2 | u32::from(bits) & 1) << (bits / 2 + 11)),
        _ => None,
    }
}
