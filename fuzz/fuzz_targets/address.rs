//! Addresses, domains, address lists: what is shown is read back, errors point into the text.
#![no_main]

#[path = "../../crates/mail/tests/exercise/address.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
