//! The POP3 server machine: whatever is sent, however it is cut, its promises hold.
#![no_main]

#[path = "../../crates/pop3/tests/exercise/mod.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
