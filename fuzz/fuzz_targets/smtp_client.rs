//! The SMTP client machine: whatever a server sends, however it is cut, its promises hold.
#![no_main]

#[path = "../../crates/smtp/tests/exercise/client.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exercise::exercise(bytes);
});
