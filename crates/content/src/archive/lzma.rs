//! The format before xz, `.lzma`: properties, window, size, and no mark at all.

use std::cell::Cell;

use lzma_rust2::LzmaReader;

use super::bytes::{u8_at, u32_at, u64_at};
use super::giving::{Giving, Packed, Stop, WORKING_KIB, guarded};

/// Sizes that a file may say; what is larger is not this format.
const SIZE_MAX: u64 = 1 << 38;

/// Whether it begins as XZ Utils takes for sure: properties of level 0 to 9, a window of one or one
/// and a half powers of two, an unknown or a sane size, and the first byte of a range coder.
pub(super) fn is(bytes: &[u8]) -> bool {
    let found = || {
        let (props, window, size) = (u8_at(bytes, 0)?, u32_at(bytes, 1)?, u64_at(bytes, 5)?);
        let window = window.is_power_of_two()
            || (window.is_multiple_of(3) && (window / 3).is_power_of_two());
        let size = size == u64::MAX || size < SIZE_MAX;
        Some(props == 0x5d && window && size && u8_at(bytes, 13)? == 0)
    };
    u32_at(bytes, 1).is_some_and(|window| window >= 4_096) && found().unwrap_or(false)
}

/// Gives the file. That it looked like one is no proof: what is damaged from its start is not one.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let taken = Cell::new(0);
    let packed = Packed::new(bytes, &taken);
    match guarded(|| LzmaReader::new_mem_limit(packed, WORKING_KIB, None)) {
        Ok(Ok(mut source)) => giving.packed(Vec::new(), &mut source, &taken),
        _ => {
            let trouble = crate::Trouble::Unreadable("lzma header");
            giving.trouble(trouble);
            giving.give(Vec::new(), Err(trouble))
        }
    }
}
