//! Replays the corpus of the fuzz target `subject_rules`.

mod exercise;

#[test]
fn subject_rules_do_what_they_say() {
    tests::corpus::replay("subject_rules", 12, exercise::exercise);
}
