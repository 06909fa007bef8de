//! PROXY headers: any bytes, read as they come.
#![no_main]

#[path = "../../crates/net/tests/exercise/mod.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
