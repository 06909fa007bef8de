//! Subject rules: any pattern on any subject, compiled, bounded, and matched as its kind says.
#![no_main]

#[path = "../../crates/filter/tests/exercise/mod.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
