//! MTA-STS policies and the records of MTA-STS and TLS reports.
#![no_main]

#[path = "../../crates/smtp/tests/exercise/sts_policy.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
