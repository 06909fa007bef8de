//! The subject stage: prohibited subjects, the paper's way to stop a worm on its first day.
//!
//! A message may carry several Subject fields, and mail programs differ in which one they show: so
//! each of them is judged.

pub mod normalise;
pub mod rules;

use mail::index::Index;
use mail::{Finding, Reason, Suggestion, Timestamp};
use normalise::Subject;
use rules::{Rule, RuleSet};

/// The stage's word in findings.
pub(crate) const STAGE: &str = "subject";

/// Longest decoded subject that is judged, in bytes; people write 100. A longer one is not taken
/// for clean while there are rules, it is refused.
const SUBJECT_MAX: usize = 16 * 1024;

/// What the stage says of a message: a finding for each rule that one of its subjects matches.
pub(crate) fn look(index: &Index, rules: &RuleSet, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    if rules.is_empty() {
        return findings;
    }
    for field in index.fields_named("Subject") {
        let decoded = field.text();
        if decoded.len() > SUBJECT_MAX {
            findings.push(too_long(decoded.len()));
            continue;
        }
        for rule in rules.matching(&Subject::new(&decoded), now) {
            if !findings.iter().any(|known| known.rule == rule.name) {
                findings.push(prohibited(rule));
            }
        }
    }
    findings
}

fn prohibited(rule: &Rule) -> Finding {
    Finding {
        stage: STAGE,
        rule: rule.name.clone(),
        reason: Reason::SubjectProhibited,
        score: 0.0,
        detail: format!("match={} pattern={:?}", rule.kind.word(), rule.pattern),
        suggestion: Suggestion::Refuse(rule.reply.clone()),
    }
}

fn too_long(size: usize) -> Finding {
    Finding {
        stage: STAGE,
        rule: "limit subject".to_owned(),
        reason: Reason::HeaderTooLarge,
        score: 0.0,
        detail: format!("subject_size={size} size_max={SUBJECT_MAX}"),
        suggestion: Suggestion::Refuse(None),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::look;
    use crate::subject::rules::{Rule, RuleSet};
    use crate::testing::index;
    use config::subject::Match;
    use mail::{Reason, Timestamp};

    fn rules(patterns: &[&str]) -> RuleSet {
        let rule = |pattern: &&str| Rule {
            name: format!("subject {pattern}"),
            id: None,
            kind: Match::Text,
            pattern: (*pattern).to_owned(),
            reply: None,
            expires: None,
        };
        RuleSet::compile(patterns.iter().map(rule).collect()).0
    }

    fn check(fields: &str, expected: &[&str]) {
        let findings = look(&index(fields), &rules(&["Details", "Party"]), Timestamp(0));
        let found: Vec<_> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn the_subject_is_read_as_people_see_it() {
        check("Subject: Details\r\n", &["subject Details"]);
        check("subject:Re:\r\n details\r\n", &["subject Details"]);
        check("Subject: =?utf-8?B?RGV0YWlscw==?=\r\n", &["subject Details"]);
        check("Subject: =?iso-8859-1?Q?De?=\r\n =?utf-8?q?t=61ils?=\r\n", &["subject Details"]);
        check("Subject: Detail\r\n", &[]);
        check("X-Subject: Details\r\n", &[]);
        check("Subject : Details\r\n", &["subject Details"]);
    }

    #[test]
    fn each_of_several_subjects_is_judged() {
        check("Subject: fine\r\nSubject: party\r\nSubject: x\r\n", &["subject Party"]);
        check("Subject: party\r\nSubject: Party\r\n", &["subject Party"]);
        check("Subject: party\r\nSubject: details\r\n", &["subject Party", "subject Details"]);
    }

    #[test]
    fn what_is_too_long_is_never_clean() {
        let long = index(&format!("Subject: {}\r\n", "x ".repeat(10_000)));
        let findings = look(&long, &rules(&["Details"]), Timestamp(0));
        assert_eq!(findings[0].reason, Reason::HeaderTooLarge);
        assert_eq!(look(&long, &rules(&[]), Timestamp(0)), []);
    }
}
