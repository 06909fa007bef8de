//! The settings file: every problem has a place, whatever the text.
#![no_main]

#[path = "../../crates/config/tests/exercise/settings.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
