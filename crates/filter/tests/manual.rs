//! The table in docs/attachments.md that is made from code: equal to it, or rewritten with
//! UPDATE=1.
#![expect(clippy::unwrap_used, reason = "tests")]

use filter::attachment::policy::DEFAULTS;
use std::fmt::Write;

const BEGIN: &str = "<!-- policy: made from crates/filter/src/attachment/policy.rs by UPDATE=1 cargo test -p filter -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_policy_table_is_that_of_the_code() {
    let path = tests::root().join("docs/attachments.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, behind) = rest.split_once(END).unwrap();
    let mut rows = String::new();
    for (class, from_outside, from_us) in DEFAULTS {
        let (word, meaning) = (class.word(), class.meaning().replace('|', "\\|"));
        let (strangers, ours) = (from_outside.word(), from_us.word());
        writeln!(rows, "| `{word}` | {meaning} | {strangers} | {ours} |").unwrap();
    }
    let made = format!("{before}{BEGIN}{rows}{END}{behind}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == made, "docs/attachments.md is old: run with UPDATE=1");
}
