//! The header stage: trace fields that only this server may write, and mail that goes in circles.
//!
//! A mailbox must be able to believe `Return-Path`, `Delivered-To`, `X-Spam-*` and the
//! `Authentication-Results` that bear our name. So those that a peer sent along are found here and
//! left out of the rendition (`rendition`); the blob keeps them.

use crate::authentication::results::authserv_id;
use mail::index::{Ambiguity, FieldText, Index, Sighting};
use mail::{Domain, Finding, Origin, Reason, Suggestion};
use std::ops::Range;

/// The stage's word in findings.
const STAGE: &str = "headers";

/// A field that came from outside and claims to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forged {
    /// Where it stands in the message, with its line end.
    pub(crate) range: Range<u64>,
    /// Which of our fields it claims to be.
    pub(crate) name: &'static str,
}

/// What the stage says of a message: one finding for each kind of forged field, and one if it has
/// passed through more than `hops_max` servers (RFC 5321 §6.3).
pub(crate) fn look(index: &Index, forged: &[Forged], hops_max: usize) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (i, field) in forged.iter().enumerate() {
        let earlier = forged.iter().take(i).any(|other| other.name == field.name);
        if !earlier {
            let count = forged.iter().filter(|other| other.name == field.name).count();
            let detail = format!("field={} count={count} removed=yes", field.name);
            findings.push(finding(Reason::ForgedTraceField, "", detail, Suggestion::Note));
        }
    }
    let hops = index.received_count();
    if hops > hops_max {
        let detail = format!("received={hops} hops_max={hops_max}");
        let rule = "limit limits.hops_max";
        findings.push(finding(Reason::TooManyHops, rule, detail, Suggestion::Refuse(None)));
    }
    if let Some(sighting) = index.ambiguities.iter().find(|sighting| hides_fields(sighting)) {
        let detail = format!("seen={} at={}", sighting.ambiguity, sighting.at);
        findings.push(finding(Reason::HeaderTooLarge, "", detail, Suggestion::Refuse(None)));
    }
    findings
}

/// Whether the index left some of the message's own fields out: a forged one or a prohibited
/// subject may be among them, so such a message is not taken for clean.
fn hides_fields(sighting: &Sighting) -> bool {
    let beyond = [Ambiguity::HeaderTooLarge, Ambiguity::TooManyFields];
    sighting.part == 0 && beyond.contains(&sighting.ambiguity)
}

fn finding(reason: Reason, rule: &str, detail: String, suggestion: Suggestion) -> Finding {
    Finding { stage: STAGE, rule: rule.to_owned(), reason, score: 0.0, detail, suggestion }
}

/// The fields that nobody but this server may write; `ours` knows the names it goes by.
///
/// Our own mail is taken at its word.
pub(crate) fn forged(index: &Index, origin: Origin, ours: impl Fn(&Domain) -> bool) -> Vec<Forged> {
    if origin == Origin::Own {
        return Vec::new();
    }
    let claims = |field: FieldText<'_>| {
        let name = claimed(field.name())?;
        let forged = name != "Authentication-Results" || speaks_as_us(field.raw(), &ours);
        let range = field.start as u64..(field.start + field.bytes.len()) as u64;
        forged.then_some(Forged { range, name })
    };
    index.header_fields().filter_map(claims).collect()
}

/// Which field of ours this is, by its name.
fn claimed(name: &str) -> Option<&'static str> {
    const EXACT: &[&str] = &["Return-Path", "Delivered-To", "Authentication-Results"];
    const FAMILIES: &[&str] = &["X-Spam-", "X-Gatepost-"];
    let exact = EXACT.iter().find(|own| name.eq_ignore_ascii_case(own));
    exact.or_else(|| FAMILIES.iter().find(|family| begins(name, family))).copied()
}

fn begins(name: &str, family: &str) -> bool {
    name.get(..family.len()).is_some_and(|head| head.eq_ignore_ascii_case(family))
}

/// Whether results bear one of our names (RFC 8601 §5), or none that can be read: those could be
/// read as ours by a program that is less strict.
fn speaks_as_us(value: &[u8], ours: impl Fn(&Domain) -> bool) -> bool {
    let id = authserv_id(value).map(|id| String::from_utf8_lossy(&id).into_owned());
    match id.as_deref().map(Domain::parse) {
        None => true,
        Some(Ok(domain)) => ours(&domain),
        // An identifier need not be a domain; ours always is.
        Some(Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{forged, look};
    use crate::testing::index;
    use mail::{Domain, Origin, Reason};

    fn ours(domain: &Domain) -> bool {
        domain.as_str() == "mx.example.org"
    }

    #[test]
    fn what_is_ours_is_forged_when_it_comes_from_outside() {
        for (field, expected) in [
            ("Return-Path: <a@b.example>\r\n", true),
            ("return-path : <a@b.example>\r\n", true),
            ("Delivered-To: anna@example.org\r\n", true),
            ("X-Spam-Status: No\r\n", true),
            ("x-SPAM-flag: NO\r\n", true),
            ("X-Spammer: me\r\n", false),
            ("X-Spam: me\r\n", false),
            ("X-Gatepost-Verdict: clean\r\n", true),
            ("Authentication-Results: mx.example.org; dkim=pass\r\n", true),
            ("Authentication-Results:\r\n (c)\r\n\tMX.Example.org.;\r\n dkim=pass\r\n", true),
            ("Authentication-Results: \r\n", true),
            ("Authentication-Results: other.example; dkim=pass\r\n", false),
            ("ARC-Authentication-Results: i=1; mx.example.org; dkim=pass\r\n", false),
            ("Received: from a by b; x\r\n", false),
            ("Subject: Return-Path: x\r\n", false),
        ] {
            let index = index(&format!("From: a@b.example\r\n{field}To: c@d.example\r\n"));
            let found = forged(&index, Origin::Session, ours);
            assert_eq!(found.len(), usize::from(expected), "{field:?}");
            assert!(forged(&index, Origin::Own, ours).is_empty());
            for forged in found {
                assert_eq!(forged.range, 19..19 + field.len() as u64, "{field:?}");
            }
        }
    }

    #[test]
    fn kinds_are_told_once_with_their_count() {
        let index = index("X-Spam-A: 1\r\nDelivered-To: x\r\nX-Spam-B: 2\r\n");
        let findings = look(&index, &forged(&index, Origin::Session, ours), 30);
        let details: Vec<_> = findings.iter().map(|f| f.detail.as_str()).collect();
        assert_eq!(
            details,
            ["field=X-Spam- count=2 removed=yes", "field=Delivered-To count=1 removed=yes"]
        );
    }

    #[test]
    fn fields_that_nobody_looked_at_are_not_taken_for_clean() {
        for (fields, refused) in [(2_000, false), (2_100, true)] {
            let findings = look(&index(&"X: y\r\n".repeat(fields)), &[], 30);
            let expected: &[Reason] = if refused { &[Reason::HeaderTooLarge] } else { &[] };
            let reasons: Vec<_> = findings.iter().map(|finding| finding.reason).collect();
            assert_eq!(reasons, expected, "{fields} fields");
        }
        let large = format!("X: {}\r\n", "y".repeat(300_000));
        assert_eq!(look(&index(&large), &[], 30).len(), 1);
    }

    #[test]
    fn a_circle_is_cut_above_the_limit() {
        for (hops, refused) in [(30, false), (31, true)] {
            let index = index(&"Received: from a by b; x\r\n".repeat(hops));
            let findings = look(&index, &[], 30);
            let reasons: Vec<_> = findings.iter().map(|finding| finding.reason).collect();
            let expected = if refused { vec![Reason::TooManyHops] } else { vec![] };
            assert_eq!(reasons, expected, "{hops} hops");
        }
    }
}
