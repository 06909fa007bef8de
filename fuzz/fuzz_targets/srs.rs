//! Rewritten senders: whatever comes back is read, and what is made finds its way.
#![no_main]

#[path = "../../crates/mail/tests/exercise/srs.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
