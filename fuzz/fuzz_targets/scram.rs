//! SCRAM's exchange: whatever a client says, nobody is in out of turn, and every challenge fits.
#![no_main]

#[path = "../../crates/mail/tests/exercise/scram.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
