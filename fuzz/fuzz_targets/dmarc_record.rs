//! DMARC: any records, read or none, and a check among them that ends.
#![no_main]

#[path = "../../crates/filter/tests/exercise/answering.rs"]
mod answering;
#[path = "../../crates/filter/tests/exercise/dmarc_record.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
