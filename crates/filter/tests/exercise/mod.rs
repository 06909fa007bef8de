//! Any pattern on any subject: what must be true whatever an administrator or a stranger writes.
//!
//! Shared by the replay of the corpus and the fuzz target `subject_rules`. The first line is the
//! pattern, the rest the decoded subject.

use config::subject::{Match, compile};
use filter::subject::normalise::Subject;
use filter::subject::rules::{Rule, RuleSet, usable};
use mail::Timestamp;

/// More bytes than one byte of a subject can become: U+FDFA, three bytes, is a greeting of 33.
const GROWTH_MAX: usize = 12;
/// The whole subject, and what is behind its innermost marks.
const VIEWS_MAX: usize = 9;

/// Makes a rule of each kind, tries it on the subject, and panics if it does not do what it says.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, decoded) = text.split_once('\n').unwrap_or((&text, ""));
    let subject = normalise(decoded);
    for kind in [Match::Text, Match::Prefix, Match::Regex] {
        let name = "subject".to_owned();
        let rule =
            Rule { name, id: None, kind, pattern: pattern.to_owned(), reply: None, expires: None };
        let (set, broken) = RuleSet::compile(vec![rule]);
        assert_eq!(usable(kind, pattern).is_ok(), broken.is_empty(), "{kind:?} {pattern:?}");
        if broken.is_empty() {
            let found = !set.matching(&subject, Timestamp(0)).is_empty();
            if let Some(expected) = says(kind, pattern, &subject) {
                assert_eq!(found, expected, "{kind:?} {pattern:?} {subject:?}");
            }
            check_itself(kind, pattern, &set);
        }
    }
}

/// The form that rules are matched on: bounded, the same the second time and in a disguise.
fn normalise(decoded: &str) -> Subject {
    let subject = Subject::new(decoded);
    assert!(subject.whole().len() <= GROWTH_MAX * decoded.len(), "{decoded:?} grows");
    assert!(subject.views().count() <= VIEWS_MAX, "too many views of {decoded:?}");
    assert!(subject.views().all(|view| subject.whole().ends_with(view)), "{subject:?}");
    assert_eq!(Subject::new(subject.whole()), subject, "{decoded:?} is not folded in one go");
    let disguised: String = decoded.chars().flat_map(|c| ['\u{200b}', c]).collect();
    assert_eq!(Subject::new(&disguised), subject, "{decoded:?} can be disguised");
    subject
}

/// What the kinds mean, said with one rule and no index; `None` where it is a matter of how marks
/// in the pattern are read, which the unit tests say.
fn says(kind: Match, pattern: &str, subject: &Subject) -> Option<bool> {
    if kind == Match::Regex {
        let expression = compile(pattern).ok()?;
        return Some(subject.views().any(|view| expression.is_match(view)));
    }
    let text = Subject::new(pattern);
    let has_marks = text.views().count() > 1;
    match kind {
        _ if has_marks => None,
        Match::Prefix => subject.bare().starts_with(text.whole()).then_some(true),
        _ => Some(subject.bare() == text.whole()),
    }
}

/// A subject that is the pattern is prohibited, also as a reply.
fn check_itself(kind: Match, pattern: &str, set: &RuleSet) {
    if kind == Match::Regex {
        return;
    }
    for decoded in [pattern.to_owned(), format!("Re: {pattern}")] {
        let found = set.matching(&Subject::new(&decoded), Timestamp(0));
        assert_eq!(found.len(), 1, "{kind:?} {pattern:?} lets {decoded:?} through");
    }
}
