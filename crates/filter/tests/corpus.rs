//! Replays the corpus of the fuzz targets of this crate.

#[path = "exercise/clamd_reply.rs"]
mod clamd_reply;
mod exercise;
#[path = "exercise/signatures.rs"]
mod signatures;
#[path = "exercise/spamd_reply.rs"]
mod spamd_reply;

#[test]
fn only_what_clamd_says_is_believed() {
    tests::corpus::replay("clamd_reply", 13, clamd_reply::exercise);
}

#[test]
fn only_what_spamd_says_is_believed() {
    tests::corpus::replay("spamd_reply", 10, spamd_reply::exercise);
}

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
