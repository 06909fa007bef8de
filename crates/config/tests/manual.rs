//! The pages of the manual that are made from code: equal to it, or rewritten with UPDATE=1.
//! (`docs/settings.md` is checked beside its generator in the crate.)
#![expect(clippy::unwrap_used, reason = "tests")]

use mail::Reason;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# Reasons

<!-- Made from crates/mail/src/reason.rs: change it there, then run
     UPDATE=1 cargo test -p config -->

Every decision has one of these reasons. The word is the same in the trace, the log, the commands
and this page.

| Word | Means |
|---|---|
";

fn docs() -> PathBuf {
    tests::root().join("docs")
}

/// Every page with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let files = std::fs::read_dir(docs()).unwrap().map(|file| file.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_reasons_are_those_of_the_code() {
    let mut page = HEAD.to_owned();
    for reason in Reason::ALL {
        let meaning = reason.meaning().replace('|', "\\|");
        writeln!(page, "| `{}` | {meaning} |", reason.word()).unwrap();
    }
    let path = docs().join("reasons.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == page, "docs/reasons.md is old: run with UPDATE=1");
}

/// The settings that a page shows in a `toml` block must be settings.
#[test]
fn the_settings_in_the_manual_are_valid() {
    let mut blocks = 0;
    for (page, text) in pages() {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let base = "[server]\nhostname = \"mail.example.org\"\n";
            let base = (base, Path::new("base.toml"));
            let read = config::Settings::with_overlay(base, (block, &page));
            assert!(read.is_ok(), "{}: {:?}", page.display(), read.err());
            blocks += 1;
        }
    }
    assert!(blocks > 3);
}

/// `(settings.md)` and the like must lead to a page.
#[test]
fn the_links_between_pages_lead_somewhere() {
    for (page, text) in pages() {
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(docs().join(target).exists(), "{}: {link}", page.display());
            }
        }
    }
}
