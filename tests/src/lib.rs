//! What the tests of several rooms share. It uses none of our rooms, so that each of them can use
//! it; the whole-server scenarios are beside it.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

pub mod corpus;
pub mod machine;
pub mod transcript;

use std::path::PathBuf;

/// The workspace's root, as cargo tells it at run time: a test that was built in another checkout
/// with the same target folder reads the files of this one.
///
/// # Panics
/// If the test was not started by cargo.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("started by cargo");
    let mut root = PathBuf::from(package);
    while !root.join("Cargo.lock").exists() {
        assert!(root.pop(), "the package is within a workspace");
    }
    root
}
