//! Archives made by real tools, by hand and by enemies.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

#[path = "exercise/archive_unpack.rs"]
mod exercise;

#[path = "archives/any.rs"]
mod any;
#[path = "archives/bombs.rs"]
mod bombs;
#[path = "archives/made.rs"]
mod made;
#[path = "archives/others.rs"]
mod others;
#[path = "archives/samples.rs"]
mod samples;
#[path = "archives/walk.rs"]
mod walk;
#[path = "archives/zips.rs"]
mod zips;

#[test]
fn archive_unpack_corpus() {
    tests::corpus::replay("archive_unpack", 20, exercise::exercise);
}
