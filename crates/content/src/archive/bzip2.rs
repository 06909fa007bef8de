//! bzip2: one file of one or more compressed parts.

use std::cell::Cell;

use bzip2::bufread::MultiBzDecoder;

use super::giving::{Giving, Packed, Stop};

/// Whether it begins with the mark of a stream and of its first block, or of its end.
pub(super) fn is(bytes: &[u8]) -> bool {
    const BLOCK: &[u8] = b"1AY&SY";
    const END: &[u8] = b"\x17\x72\x45\x38\x50\x90";
    let is_level = matches!(bytes.get(..4), Some([b'B', b'Z', b'h', b'1'..=b'9']));
    is_level && matches!(bytes.get(4..10), Some(BLOCK | END))
}

/// Gives the file. What stands behind the last part ends it with damage.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let taken = Cell::new(0);
    let mut source = MultiBzDecoder::new(Packed::new(bytes, &taken));
    giving.packed(Vec::new(), &mut source, &taken)
}
