//! What spamd answers: any bytes are read as what it says, or as nothing.
#![no_main]

#[path = "../../crates/filter/tests/exercise/spamd_reply.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
