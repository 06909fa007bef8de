//! Whole messages examined, and answers of workers read: sound places, bounded texts.
#![no_main]

#[path = "../../crates/content/tests/exercise/examination.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
