//! Authentication-Results: whose a field is, and ours with any values.
#![no_main]

#[path = "../../crates/filter/tests/exercise/authentication_results.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
