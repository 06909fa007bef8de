//! Parts with a name, a type and any content: never a panic, always within the limits.
#![no_main]

#[path = "../../crates/content/tests/exercise/mod.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
