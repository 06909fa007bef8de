//! Replays the corpus of the fuzz targets.

#![expect(clippy::indexing_slicing, reason = "a test may stop where it stands")]

#[path = "exercise/proxy_header.rs"]
mod proxy_header;
#[path = "exercise/tlsa_record.rs"]
mod tlsa_record;

use tests::corpus::replay;

#[test]
fn proxy_headers() {
    replay("proxy_header", 6, proxy_header::exercise);
}

#[test]
fn tlsa_records() {
    replay("tlsa_record", 3, tlsa_record::exercise);
}
