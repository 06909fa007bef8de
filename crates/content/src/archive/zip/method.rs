//! The methods of compression that a member of a zip may have (APPNOTE §4.4.5).

use std::io::Read;

use bzip2::bufread::BzDecoder;
use deflate64::Deflate64Decoder;
use flate2::bufread::DeflateDecoder;
use lzma_rust2::{LzmaReader, XzReader};
use ppmd_rust::Ppmd8Decoder;
use ruzstd::decoding::StreamingDecoder;

use crate::Trouble;
use crate::archive::giving::{Packed, WORKING_KIB, guarded};

/// Not compressed.
pub(super) const STORED: u16 = 0;
/// Deflate, which ends by itself.
pub(super) const DEFLATE: u16 = 8;

/// A decompressor for this method over `packed`; `size` is what the header says comes out, for the
/// methods that do not end by themselves.
pub(super) fn open<'a>(
    method: u16,
    mut packed: Packed<'a>,
    size: u64,
) -> Result<Box<dyn Read + 'a>, Trouble> {
    const DAMAGED: Trouble = Trouble::Unreadable("zip method");
    guarded(move || -> Result<Box<dyn Read + 'a>, Trouble> {
        Ok(match method {
            STORED => Box::new(packed),
            DEFLATE => Box::new(DeflateDecoder::new(packed)),
            9 => Box::new(Deflate64Decoder::with_buffer(packed)),
            12 => Box::new(BzDecoder::new(packed)),
            14 => Box::new(lzma(&mut packed, size).ok_or(DAMAGED)?),
            20 | 93 => Box::new(StreamingDecoder::new(packed).map_err(|_| DAMAGED)?),
            95 => Box::new(XzReader::new_mem_limit(packed, false, WORKING_KIB)),
            98 => Box::new(ppmd(packed, size).ok_or(DAMAGED)?),
            _ => return Err(Trouble::Unreadable("unknown zip method")),
        })
    })?
}

/// LZMA: version, length of properties, properties (APPNOTE §5.8.8).
fn lzma<'a>(packed: &mut Packed<'a>, size: u64) -> Option<LzmaReader<Packed<'a>>> {
    let mut head = [0; 9];
    packed.read_exact(&mut head).ok()?;
    let [_, _, 5, 0, props, a, b, c, d] = head else { return None };
    let window = u32::from_le_bytes([a, b, c, d]).max(4_096);
    let working = lzma_rust2::lzma_get_memory_usage_by_props(window, props).ok()?;
    if working > WORKING_KIB {
        return None;
    }
    let mut reader = LzmaReader::new_with_props(packed.clone(), size, props, window, None).ok()?;
    reader.set_relaxed_end_condition(true);
    Some(reader)
}

/// PPMd, variant I: order, size of the model, what to do when it is full, in 16 bits (APPNOTE
/// §5.10).
fn ppmd(mut packed: Packed<'_>, size: u64) -> Option<impl Read> {
    let mut head = [0; 2];
    packed.read_exact(&mut head).ok()?;
    let head = u16::from_le_bytes(head);
    let (order, megabytes) = (u32::from(head & 15) + 1, u32::from(head >> 4 & 255) + 1);
    if megabytes << 10 > WORKING_KIB {
        return None;
    }
    let method = u32::from(head >> 12).into();
    Some(Ppmd8Decoder::new(packed, order, megabytes << 20, method).ok()?.take(size))
}
