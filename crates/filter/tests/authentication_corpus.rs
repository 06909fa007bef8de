//! Replays the corpora of the fuzz targets `spf_record`, `dmarc_record` and
//! `authentication_results`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "exercise/answering.rs"]
mod answering;
#[path = "exercise/authentication_results.rs"]
mod authentication_results;
#[path = "exercise/dmarc_record.rs"]
mod dmarc_record;
#[path = "exercise/spf_record.rs"]
mod spf_record;

use tests::corpus::replay;

#[test]
fn spf_records() {
    replay("spf_record", 10, spf_record::exercise);
}

#[test]
fn dmarc_records() {
    replay("dmarc_record", 8, dmarc_record::exercise);
}

#[test]
fn authentication_results_fields() {
    replay("authentication_results", 10, authentication_results::exercise);
}
