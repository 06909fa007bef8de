//! Replays the corpus of the fuzz targets.

#![expect(clippy::expect_used, reason = "tests")]

mod exercise;

use std::path::Path;

fn replay(target: &str, exercise: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        println!("{}", path.display());
        exercise(&bytes);
        count += 1;
    }
    assert!(count > 10, "only {count} files for {target}");
}

#[test]
fn address() {
    replay("address", exercise::address::exercise);
}

#[test]
fn message_view() {
    replay("message_view", exercise::message_view::exercise);
}
