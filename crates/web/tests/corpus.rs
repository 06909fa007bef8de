//! Replays the corpus of the fuzz target.

#[path = "exercise/web_form.rs"]
mod web_form;

use tests::corpus::replay;

#[test]
fn web_form() {
    replay("web_form", 4, web_form::exercise);
}
