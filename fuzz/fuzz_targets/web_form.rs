//! Paths and forms that browsers send.
#![no_main]

#[path = "../../crates/web/tests/exercise/web_form.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
