//! The `key value` files: each entry or problem has its line.
#![no_main]

#[path = "../../crates/config/tests/exercise/access_file.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
