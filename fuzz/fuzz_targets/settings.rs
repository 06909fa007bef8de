//! The settings file: every problem has a place, whatever the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|text: &str| {
    match config::Settings::from_str(text, Path::new("gatepost.toml")) {
        Ok(settings) => assert!(!settings.server.hostname.as_str().is_empty()),
        Err(problems) => assert!(problems.iter().all(|problem| problem.line > 0)),
    }
});
