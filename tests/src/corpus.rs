//! What fuzzing once found stays found: the corpus of each fuzz target is an ordinary test.

/// Gives every file of a target's corpus to `exercise`, which panics if a promise is broken.
///
/// # Panics
/// If there are fewer than `least` files, so that a corpus that is gone does not pass as good.
pub fn replay(target: &str, least: usize, exercise: impl Fn(&[u8])) {
    let folder = crate::root().join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        // Shown only if the test fails.
        println!("{}", path.display());
        exercise(&std::fs::read(&path).expect("a readable file"));
        count += 1;
    }
    assert!(count >= least, "only {count} files in the corpus of {target}");
}
