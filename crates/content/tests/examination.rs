//! Replays the corpus of the fuzz target `examination`.

#[path = "exercise/examination.rs"]
mod exercise;

use tests::corpus::replay;

#[test]
fn examination() {
    replay("examination", 20, exercise::exercise);
}
