//! The `key value` files: each entry or problem has its line; an entry can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let path = Path::new("access");
    let (entries, problems) = config::access::parse_file(path, &text);
    assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0));
    let lines = text.split('\n').count();
    assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line)));
    config::virtusertable::parse_file(path, &text);
    config::relay_domains::parse_file(path, &text);
    config::hosts::parse_file(path, &text);
});
