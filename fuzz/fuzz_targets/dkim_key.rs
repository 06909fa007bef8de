//! Key records: any text as the key of a good signature.
#![no_main]

#[path = "../../crates/filter/tests/exercise/signatures.rs"]
#[expect(dead_code, reason = "each target uses one exercise of the three")]
mod signatures;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| signatures::dkim_key(bytes));
