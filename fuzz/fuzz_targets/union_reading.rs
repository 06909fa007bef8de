//! Whole messages in every reading: it ends, its places are sound, its limits hold.
#![no_main]

#[path = "../../crates/mail/tests/exercise/union_reading.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
