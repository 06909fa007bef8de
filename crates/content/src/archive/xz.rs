//! xz (The .xz File Format 1.2.1): one file of one or more streams.

use std::cell::Cell;

use lzma_rust2::XzReader;

use super::giving::{Giving, Packed, Stop, WORKING_KIB};

/// Whether it begins as xz does.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xfd7zXZ\0")
}

/// Gives the file.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let taken = Cell::new(0);
    let mut source = XzReader::new_mem_limit(Packed::new(bytes, &taken), true, WORKING_KIB);
    giving.packed(Vec::new(), &mut source, &taken)
}
