//! Forms: how long a file is, how wide a line, how a standard is cited, what is never written.

use super::Complaint;
use super::source::Source;
use regex::Regex;
use std::sync::LazyLock;

/// A file that a person can hold in mind.
const LINES_MAX: usize = 500;
const WIDTH_MAX: usize = 100;

/// Text that only makes sense on one machine. Written in two parts, so that this file has none.
const MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("../sha", "red"),
    concat!("/ro", "ot/"),
    concat!("/home/", "u"),
];

/// A citation in any form: group 1 is what stands between `RFC` and the number, group 2 what
/// follows it.
static CITATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bRFC([^\w]?)(\d{3,5})\b(.{0,12})").ok());
/// The word and its number, where `§4.1` is the form.
static SECTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(sections?|sect?\.|chapter)\s+\d+(\.\d+)+").ok());

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let complaint = |line, rule, text: &str| Complaint::new(&source.path, line, rule, text);
    if source.is_rust() && source.text.lines().count() > LINES_MAX {
        complaints.push(complaint(0, "size", "over 500 lines: cut it by meaning"));
    }
    for (number, line) in source.lines() {
        if MACHINE.iter().any(|text| line.contains(text)) {
            complaints.push(complaint(number, "machine", "names a path of one machine"));
        }
        if !source.is_rust() {
            continue;
        }
        // Code is rustfmt's business, which leaves comments (and literals, rightly) as they are.
        let is_comment = line.trim_start().starts_with("//");
        if is_comment && line.chars().count() > WIDTH_MAX && !line.contains("://") {
            complaints.push(complaint(number, "width", "over 100 characters"));
        }
        if is_allow(line) {
            complaints.push(complaint(number, "allow", "#[expect(.., reason = \"..\")] instead"));
        }
        if let Some(comment) = comment(line)
            && let Some(fault) = citation_fault(comment)
        {
            complaints.push(complaint(number, "rfc", fault));
        }
    }
    complaints
}

fn is_allow(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[allow(") || line.starts_with("#![allow(")
}

fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//").or_else(|| line.split_once(" // ").map(|(_, c)| c))
}

/// What is wrong with how a comment cites a standard; the form is `RFC 5321 §4.1.1.4`.
fn citation_fault(comment: &str) -> Option<&'static str> {
    for citation in CITATION.as_ref()?.captures_iter(comment) {
        let part = |n: usize| citation.get(n).map_or("", |m| m.as_str());
        if part(1) != " " {
            return Some("a standard is cited as `RFC 5321 §4.1`: a space before the number");
        }
        let after = part(3).trim_start_matches([',', ' ']);
        if after.starts_with("§ ") || (after.starts_with('§') && !part(3).starts_with(" §")) {
            return Some(
                "a standard is cited as `RFC 5321 §4.1`: one space, then § and the number",
            );
        }
        if after.to_lowercase().starts_with("sect") {
            return Some("a standard is cited as `RFC 5321 §4.1`: § for section");
        }
    }
    SECTION.as_ref()?.is_match(comment).then_some("`§4.1`, not `section 4.1`")
}

#[cfg(test)]
mod tests {
    use super::{MACHINE, check, citation_fault};
    use crate::tidy::source::Source;

    #[track_caller]
    fn complains(path: &str, text: &str, rule: Option<&str>) {
        let found = check(&Source::new(path, text));
        assert_eq!(found.first().map(|c| c.rule), rule, "{found:?}");
    }

    #[test]
    fn long_files_and_wide_lines_are_seen() {
        let path = "crates/x/src/lib.rs";
        complains(path, &"a\n".repeat(501), Some("size"));
        complains(path, &"a\n".repeat(500), None);
        complains("docs/x.md", &"a\n".repeat(501), None);
        complains(path, &format!("//{}", "ä".repeat(99)), Some("width"));
        complains(path, &format!("//{}", "ä".repeat(98)), None);
        complains(path, &format!("x(\"{}\")", "ä".repeat(100)), None);
        complains(path, &format!("// https://{}", "a".repeat(100)), None);
    }

    #[test]
    fn what_is_never_written_is_seen() {
        complains("crates/x/src/lib.rs", "    #[allow(dead_code)]", Some("allow"));
        complains("crates/x/src/lib.rs", "#[expect(dead_code, reason = \"x\")]", None);
        for text in MACHINE {
            complains("docs/x.md", &format!("see {text}x"), Some("machine"));
        }
    }

    #[test]
    fn citations_have_one_form() {
        for good in [
            "RFC 5321 §4.1.1.4",
            "RFC 5321 §4.1, RFC 5322 §3",
            "(RFC 2045)",
            "in RFC 1939 and RFC 2449",
            "RFC 6152: 8BITMIME",
            "message/rfc822",
        ] {
            assert_eq!(citation_fault(good), None, "{good}");
        }
        for bad in [
            "RFC5321 §4.1",
            "RFC-5321",
            "RFC 5321 section 4.1",
            "RFC 5321, section 4",
            "RFC 5321 § 4.1",
            "RFC 5321, §4.1",
            "see section 4.1.2",
            "sec. 4.1",
        ] {
            assert!(citation_fault(bad).is_some(), "{bad}");
        }
    }
}
