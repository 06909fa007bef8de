//! TLSA records, and certificates held against them.
#![no_main]

#[path = "../../crates/net/tests/exercise/tlsa_record.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
