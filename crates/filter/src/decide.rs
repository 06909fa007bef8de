//! The one table that turns findings into verdicts. Pure: the same findings, the same verdicts.

use mail::{Envelope, Finding, Placement, Reason, Recipient, Refusal, Suggestion, Verdict};

/// The verdict for each recipient of the envelope, in its order.
///
/// | strongest suggestion | verdict |
/// |---|---|
/// | none, `Note`         | deliver to the recipient's targets, send on where it goes |
/// | `Later`              | later, with the finding's reason |
/// | `Discard`            | discard, named by the finding's rule |
/// | `Refuse`             | refuse, or later if its rule answers 4yz |
///
/// `Refuse` is above `Discard`, because a sender who is told can mend it, and `Discard` above
/// `Later`, because waiting would change nothing. Of several equal ones the first decides. Where
/// nothing is against the message, a recipient whom the access map discards gets none of it.
pub fn decide(envelope: &Envelope, findings: &[Finding]) -> Vec<Verdict> {
    let against = strongest(findings).map(against);
    let verdict = |recipient: &Recipient| against.clone().unwrap_or_else(|| place(recipient));
    envelope.recipients.iter().map(verdict).collect()
}

/// The verdict that a door with a single reply for all recipients answers: the mildest.
///
/// `None` where there is no recipient.
pub fn mildest(verdicts: &[Verdict]) -> Option<&Verdict> {
    verdicts.iter().min_by_key(|verdict| match verdict {
        Verdict::Deliver(..) => 0,
        Verdict::Discard(_) => 1,
        Verdict::Later(_) => 2,
        Verdict::Refuse(_) => 3,
    })
}

fn strongest(findings: &[Finding]) -> Option<&Finding> {
    let strength = |finding: &Finding| match finding.suggestion {
        Suggestion::Note => 0,
        Suggestion::Later => 1,
        Suggestion::Discard => 2,
        Suggestion::Refuse(_) => 3,
    };
    // `max_by_key` takes the last of equals: reversed, the first.
    findings.iter().rev().max_by_key(|finding| strength(finding)).filter(|f| strength(f) > 0)
}

fn against(finding: &Finding) -> Verdict {
    let refusal = Refusal {
        reason: finding.reason,
        rule: finding.rule.clone(),
        detail: finding.detail.clone(),
        text: None,
    };
    match &finding.suggestion {
        Suggestion::Refuse(Some(text)) if text.code < 500 => {
            Verdict::Later(refusal.text(text.clone()))
        }
        Suggestion::Refuse(text) => Verdict::Refuse(Refusal { text: text.clone(), ..refusal }),
        Suggestion::Later | Suggestion::Note => Verdict::Later(refusal),
        Suggestion::Discard => Verdict::Discard(refusal),
    }
}

fn place(recipient: &Recipient) -> Verdict {
    let Recipient { permit, .. } = recipient;
    if permit.reason() == Reason::AccessDiscarded {
        return Verdict::Discard(Refusal::new(permit.reason()).rule(permit.rule()));
    }
    let mut placements: Vec<Placement> = Vec::with_capacity(recipient.targets.len());
    for target in &recipient.targets {
        let placement = Placement { account: target.account, mailbox: target.inbox, flags: 0 };
        if !placements.contains(&placement) {
            placements.push(placement);
        }
    }
    Verdict::Deliver(placements, recipient.onward.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::{decide, mildest};
    use crate::testing::envelope;
    use mail::{Finding, Reason, Refusal, ReplyText, Suggestion, Verdict};

    fn reply(code: u16) -> Suggestion {
        Suggestion::Refuse(Some(ReplyText { code, enhanced: None, text: "no".to_owned() }))
    }

    fn verdict(suggestions: &[Suggestion]) -> String {
        let finding = |(i, suggestion): (usize, &Suggestion)| Finding {
            stage: "test",
            rule: format!("{i}"),
            reason: Reason::SubjectProhibited,
            score: 0.0,
            detail: String::new(),
            suggestion: suggestion.clone(),
        };
        let findings: Vec<_> = suggestions.iter().enumerate().map(finding).collect();
        let verdicts = decide(&envelope(&["anna@example.org", "ben@example.org"]), &findings);
        let words: Vec<_> = verdicts.iter().map(word).collect();
        assert_eq!(words.len(), 2);
        assert_eq!(words[0].split(' ').next(), words[1].split(' ').next());
        words[0].clone()
    }

    fn word(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Deliver(placements, _) => format!("deliver {}", placements.len()),
            Verdict::Refuse(refusal) => format!("refuse {}", refusal.rule),
            Verdict::Later(refusal) => format!("later {}", refusal.rule),
            Verdict::Discard(refusal) => format!("discard {}", refusal.rule),
        }
    }

    #[test]
    fn the_strongest_suggestion_decides() {
        use Suggestion::{Discard, Later, Note, Refuse};
        for (suggestions, expected) in [
            (vec![], "deliver 1"),
            (vec![Note, Note], "deliver 1"),
            (vec![Note, Later], "later 1"),
            (vec![Later, Discard], "discard 1"),
            (vec![Discard, Later], "discard 0"),
            (vec![Discard, Refuse(None), Later], "refuse 1"),
            (vec![Refuse(None), Refuse(None)], "refuse 0"),
            (vec![reply(553)], "refuse 0"),
            (vec![reply(451)], "later 0"),
        ] {
            assert_eq!(verdict(&suggestions), expected, "{suggestions:?}");
        }
    }

    #[test]
    fn one_reply_for_all_is_the_mildest() {
        let refusal = || Refusal::new(Reason::SubjectProhibited);
        let refuse = Verdict::Refuse(refusal());
        let later = Verdict::Later(refusal());
        let discard = Verdict::Discard(refusal());
        let deliver = Verdict::Deliver(Vec::new(), Vec::new());
        let all = [refuse.clone(), later.clone(), discard.clone(), deliver.clone()];
        assert_eq!(mildest(&all), Some(&deliver));
        assert_eq!(mildest(&all[..3]), Some(&discard));
        assert_eq!(mildest(&all[..2]), Some(&later));
        assert_eq!(mildest(&all[..1]), Some(&refuse));
        assert_eq!(mildest(&[]), None);
    }
}
