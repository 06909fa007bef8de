//! Replays the corpus of the fuzz targets.

mod exercise;

use tests::corpus::replay;

#[test]
fn settings() {
    replay("settings", 4, exercise::settings::exercise);
}

#[test]
fn access_file() {
    replay("access_file", 4, exercise::access_file::exercise);
}

#[test]
fn aliases_file() {
    replay("aliases_file", 3, exercise::aliases_file::exercise);
}
