//! Replays the corpus of the fuzz targets of this crate.

mod exercise;
#[path = "exercise/signatures.rs"]
mod signatures;

#[test]
fn subject_rules_do_what_they_say() {
    tests::corpus::replay("subject_rules", 12, exercise::exercise);
}

#[test]
fn no_signature_does_harm() {
    tests::corpus::replay("dkim_signature", 8, signatures::dkim_signature);
}

#[test]
fn no_key_does_harm() {
    tests::corpus::replay("dkim_key", 8, signatures::dkim_key);
}

#[test]
fn chains_can_be_sealed_whatever_they_are() {
    tests::corpus::replay("arc_set", 6, signatures::arc_set);
}
