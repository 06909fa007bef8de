//! Replays the corpus of the fuzz targets.

#![expect(clippy::indexing_slicing, reason = "a test may stop where it stands")]

mod exercise;

#[test]
fn proxy_header() {
    tests::corpus::replay("proxy_header", 6, exercise::exercise);
}
