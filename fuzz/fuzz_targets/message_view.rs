//! Whole messages: any cuts give the same index, its offsets are sound, it can be shown.
#![no_main]

#[path = "../../crates/mail/tests/exercise/message_view.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
