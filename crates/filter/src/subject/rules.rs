//! Subject rules, compiled once and matched on normalised subjects.
//!
//! The pattern of a text or prefix rule is normalised like a subject, its marks come off like a
//! subject's, and what is behind them is compared. So `Details` finds `Re: Details`. A pattern that
//! has marks asks for a subject that has some, whichever they are: `Re: Details` finds
//! `AW: Details`, but not a plain `Details`. An expression is tried on the subject with none, some
//! and all of its marks off.

use super::normalise::Subject;
use config::subject::{Match, check_pattern};
use mail::{ReplyText, Timestamp};
use regex::{RegexSet, RegexSetBuilder};
use std::collections::HashMap;

/// Memory for all expressions compiled together; each alone is bounded by `config`.
const SET_SIZE_MAX: usize = 64 << 20;

/// A prohibited subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// As an administrator finds it: `subject 4711`, `subject sobig`.
    pub name: String,
    /// Its number in the store, for the hit count; `None` if it stands in the settings file.
    pub id: Option<i64>,
    /// How it is compared.
    pub kind: Match,
    /// With what.
    pub pattern: String,
    /// Code and text of the reply; `None` takes the reason's own (553).
    pub reply: Option<ReplyText>,
    /// From when on it is no longer in force.
    pub expires: Option<Timestamp>,
}

/// All rules in force, ready to match.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// Normalised text to rules.
    texts: HashMap<String, Vec<Plain>>,
    /// Normalised prefix, with its rule.
    prefixes: Vec<(String, Plain)>,
    expressions: RegexSet,
    /// The rule of each expression of the set.
    expression_rules: Vec<usize>,
}

/// A rule that is no expression.
#[derive(Debug, Clone, Copy)]
struct Plain {
    /// Its place among the rules.
    at: usize,
    /// Whether its pattern begins with a mark, so that the subject must.
    marked: bool,
}

impl Plain {
    fn fits(self, subject: &Subject) -> bool {
        subject.is_marked() || !self.marked
    }
}

impl RuleSet {
    /// Compiles rules; those that cannot be used are left out and returned with the reason.
    pub fn compile(rules: Vec<Rule>) -> (Self, Vec<(Rule, String)>) {
        let mut set = Self::default();
        let mut broken = Vec::new();
        let mut patterns = Vec::new();
        for rule in rules {
            if let Err(error) = usable(rule.kind, &rule.pattern) {
                broken.push((rule, error));
                continue;
            }
            let at = set.rules.len();
            let pattern = Subject::new(&rule.pattern);
            let (text, plain) =
                (pattern.bare().to_owned(), Plain { at, marked: pattern.is_marked() });
            match rule.kind {
                Match::Text => set.texts.entry(text).or_default().push(plain),
                Match::Prefix => set.prefixes.push((text, plain)),
                Match::Regex => {
                    patterns.push(rule.pattern.clone());
                    set.expression_rules.push(at);
                }
            }
            set.rules.push(rule);
        }
        match RegexSetBuilder::new(&patterns)
            .case_insensitive(true)
            .size_limit(SET_SIZE_MAX)
            .build()
        {
            Ok(expressions) => set.expressions = expressions,
            // Each compiles alone, so only all of them together can be too large.
            Err(error) => {
                let error = error.to_string();
                let lost = set.expression_rules.drain(..).filter_map(|at| set.rules.get(at));
                broken.extend(lost.map(|rule| (rule.clone(), error.clone())));
            }
        }
        (set, broken)
    }

    /// Whether there is nothing to match.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The number in the store of the rule that findings name so.
    pub fn id_of(&self, name: &str) -> Option<i64> {
        self.rules.iter().find(|rule| rule.name == name).and_then(|rule| rule.id)
    }

    /// The rules that prohibit this subject at this time, in the order they were given.
    pub fn matching(&self, subject: &Subject, now: Timestamp) -> Vec<&Rule> {
        let bare = subject.bare();
        let begins = self.prefixes.iter().filter(|(prefix, _)| bare.starts_with(prefix));
        let plain = self.texts.get(bare).into_iter().flatten().chain(begins.map(|(_, rule)| rule));
        let mut found: Vec<usize> =
            plain.filter(|rule| rule.fits(subject)).map(|rule| rule.at).collect();
        if !self.expressions.is_empty() {
            for view in subject.views() {
                let hits = self.expressions.matches(view);
                found.extend(hits.into_iter().filter_map(|i| self.expression_rules.get(i)));
            }
        }
        found.sort_unstable();
        found.dedup();
        let in_force = |rule: &&Rule| rule.expires.is_none_or(|at| now < at);
        found.into_iter().filter_map(|at| self.rules.get(at)).filter(in_force).collect()
    }
}

/// Whether a pattern can be used as a rule of this kind.
///
/// # Errors
/// Says in a sentence why not.
pub fn usable(kind: Match, pattern: &str) -> Result<(), String> {
    check_pattern(kind, pattern)?;
    let subject = Subject::new(pattern);
    if subject.whole().is_empty() {
        return Err("the pattern has no visible character: it would match empty subjects".into());
    }
    if kind != Match::Regex && subject.bare().is_empty() {
        return Err("the pattern is reply marks alone: they come off before it is compared".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Match, Rule, RuleSet, Subject, usable};
    use mail::Timestamp;

    fn rule(kind: Match, pattern: &str) -> Rule {
        let name = format!("subject {pattern}");
        Rule { name, id: None, kind, pattern: pattern.to_owned(), reply: None, expires: None }
    }

    fn matches(kind: Match, pattern: &str, subject: &str) -> bool {
        let (set, broken) = RuleSet::compile(vec![rule(kind, pattern)]);
        assert_eq!(broken, [], "{pattern}");
        !set.matching(&Subject::new(subject), Timestamp(0)).is_empty()
    }

    #[test]
    fn kinds_compare_as_they_say() {
        use Match::{Prefix, Regex, Text};
        for (kind, pattern, subject, expected) in [
            (Text, "Your details", "your DETAILS", true),
            (Text, "Your details", "Re: Fwd: Your details", true),
            (Text, "Your details", "your details attached", false),
            (Text, "  Your\tDetails ", "Your  details", true),
            (Prefix, "Your details", "AW: your details attached", true),
            (Prefix, "Your details", "all your details", false),
            (Regex, "^details", "FW: RE: details", true),
            (Regex, "^details$", "more details", false),
            (Regex, "viagra|c[i1]alis", "cheap C1ALIS here", true),
            (Regex, "^FW: ", "Fw: x", true),
            (Regex, r"\bwin\b", "darwin", false),
            // The paper's example: its reply mark asks for a reply or forward, of any language.
            (Text, "Re: Details", "Re: Details", true),
            (Text, "Re: Details", "RE:Details", true),
            (Text, "Re: Details", "FW: Re: Details", true),
            (Text, "Re: Details", "Details", false),
            (Text, "Re: Details", "FW: Details", true),
            (Text, "Re: Details", "AW: details", true),
            (Text, "FW: Re: Details", "Re: Details", true),
            (Text, "FW: Re: Details", "Details", false),
            (Prefix, "Re: Details", "FW: Re: Details about it", true),
            (Prefix, "Re: Details", "Details about it", false),
            (Prefix, "Re: Details", "SV: Details about it", true),
            (Prefix, "Re", "Re: Details", false),
        ] {
            assert_eq!(
                matches(kind, pattern, subject),
                expected,
                "{kind:?} {pattern:?} {subject:?}"
            );
        }
    }

    #[test]
    fn a_rule_ends_when_it_expires() {
        let rule = Rule { expires: Some(Timestamp(100)), ..rule(Match::Text, "x") };
        let (set, _) = RuleSet::compile(vec![rule]);
        assert_eq!(set.matching(&Subject::new("x"), Timestamp(99)).len(), 1);
        assert_eq!(set.matching(&Subject::new("x"), Timestamp(100)).len(), 0);
    }

    #[test]
    fn every_rule_is_named_once_and_in_order() {
        let rules = vec![
            rule(Match::Regex, "b"),
            rule(Match::Text, "re: abc"),
            rule(Match::Regex, "z"),
            rule(Match::Prefix, "a"),
            rule(Match::Regex, "c$"),
        ];
        let (set, _) = RuleSet::compile(rules);
        let found = set.matching(&Subject::new("Re: Abc"), Timestamp(0));
        let names: Vec<_> = found.iter().map(|rule| rule.pattern.as_str()).collect();
        assert_eq!(names, ["b", "re: abc", "a", "c$"]);
    }

    #[test]
    fn what_cannot_be_a_rule_is_named_and_left_out() {
        assert!(usable(Match::Text, " \u{200b} ").is_err());
        for kind in [Match::Text, Match::Prefix] {
            assert!(usable(kind, "Re: FW:").is_err(), "it would match every reply");
        }
        assert!(usable(Match::Regex, "^re: ").is_ok());
        assert!(usable(Match::Text, &"x".repeat(1001)).is_err());
        assert!(usable(Match::Regex, "a*").is_err());
        assert!(usable(Match::Regex, r"(a)\1").is_err());
        assert!(usable(Match::Regex, "((a{100}){100}){100}").is_err());
        let (set, broken) =
            RuleSet::compile(vec![rule(Match::Regex, "(a"), rule(Match::Text, "b")]);
        assert_eq!(broken.len(), 1);
        assert_eq!(set.matching(&Subject::new("b"), Timestamp(0)).len(), 1);
    }
}
