//! PROXY headers: any bytes, read as they come.
#![no_main]

#[path = "../../crates/net/tests/exercise/proxy_header.rs"]
mod proxy_header;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| proxy_header::exercise(bytes));
