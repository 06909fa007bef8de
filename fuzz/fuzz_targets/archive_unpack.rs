//! Archives: any bytes end within the limits, and nothing stays held.
#![no_main]

#[path = "../../crates/content/tests/exercise/archive_unpack.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
