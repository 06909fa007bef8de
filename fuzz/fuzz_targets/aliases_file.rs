//! The aliases file, without a folder to include from: no text makes it touch the disk.
#![no_main]

#[path = "../../crates/config/tests/exercise/aliases_file.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
