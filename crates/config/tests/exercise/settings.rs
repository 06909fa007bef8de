//! The settings file: every problem has a place, whatever the text.

use config::Settings;
use std::path::Path;

/// Reads it.
pub(crate) fn exercise(bytes: &[u8]) {
    match Settings::from_str(&String::from_utf8_lossy(bytes), Path::new("gatepost.toml")) {
        Ok(settings) => assert!(!settings.server.hostname.as_str().is_empty()),
        Err(problems) => assert!(problems.iter().all(|problem| problem.line > 0)),
    }
}
