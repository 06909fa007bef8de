//! Replays the corpus of the fuzz targets.

mod exercise;

use tests::corpus::replay;

#[test]
fn address() {
    replay("address", 20, exercise::address::exercise);
}

#[test]
fn message_view() {
    replay("message_view", 20, exercise::message_view::exercise);
}

#[test]
fn scram() {
    replay("scram", 12, exercise::scram::exercise);
}

#[test]
fn srs() {
    replay("srs", 12, exercise::srs::exercise);
}

#[test]
fn union_reading() {
    replay("union_reading", 20, exercise::union_reading::exercise);
}
