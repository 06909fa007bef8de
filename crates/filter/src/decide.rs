//! The one table that turns findings into verdicts. Pure: the same findings, the same verdicts.

use crate::forwarding;
use mail::{Envelope, Finding, Placement, Reason, Recipient, Refusal, Suggestion, Verdict};

/// The verdict for each recipient of the envelope, in its order.
///
/// | strongest suggestion | verdict |
/// |---|---|
/// | none, `Note`         | deliver to the recipient's targets, send on where it goes |
/// | `Junk`               | deliver to the targets' Junk; what is sent on is refused |
/// | `Later`              | later, with the finding's reason |
/// | `Quarantine`         | quarantine, with the finding's reason |
/// | `Discard`            | discard, named by the finding's rule |
/// | `Refuse`             | refuse, or later if its rule answers 4yz |
///
/// What is doubtful is never sent on: a forwarder would answer for it. Who relays for the
/// recipient's own server passes it on as it is, with our results in its header.
///
/// `Refuse` is above `Discard`, because a sender who is told can mend it, and `Discard` and
/// `Quarantine` above `Later`, because waiting would change nothing. Of several equal ones the
/// first decides. Where nothing is against the message, or it is held, a recipient whom the access
/// map discards gets none of it.
pub fn decide(envelope: &Envelope, findings: &[Finding]) -> Vec<Verdict> {
    let strongest = strongest(findings);
    let against = strongest.and_then(against);
    let doubt = strongest.filter(|finding| finding.suggestion == Suggestion::Junk);
    let held = strongest.filter(|finding| finding.suggestion == Suggestion::Quarantine);
    let verdict = |recipient: &Recipient| match (&against, discarded(recipient), held) {
        (Some(against), ..) => against.clone(),
        (None, Some(discarded), _) => discarded,
        (None, None, Some(finding)) => hold(recipient, refusal(finding)),
        (None, None, None) => place(recipient, doubt),
    };
    envelope.recipients.iter().map(verdict).collect()
}

/// The verdict that a door with a single reply for all recipients answers: the mildest.
///
/// `None` where there is no recipient.
pub fn mildest(verdicts: &[Verdict]) -> Option<&Verdict> {
    verdicts.iter().min_by_key(|verdict| match verdict {
        Verdict::Deliver(..) => 0,
        Verdict::Quarantine(..) => 1,
        Verdict::Discard(_) => 2,
        Verdict::Later(_) => 3,
        Verdict::Refuse(_) => 4,
    })
}

/// Whether nothing that is found later can make the answer milder.
pub(crate) fn is_refused(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.suggestion, Suggestion::Refuse(_)))
}

/// Makes the verdicts fit a door that has one answer for all: where some recipients get the
/// message, those who would have refused it have it held, by the rule that spoke against it. A
/// bounce instead would reach whoever was named as the sender.
pub fn one_answer(envelope: &Envelope, verdicts: &mut [Verdict]) {
    let kept = !matches!(mildest(verdicts), Some(Verdict::Refuse(_) | Verdict::Later(_)));
    for (recipient, verdict) in envelope.recipients.iter().zip(verdicts).filter(|_| kept) {
        if let Verdict::Refuse(refusal) | Verdict::Later(refusal) = verdict {
            let refusal = Refusal { text: None, ..refusal.clone() };
            let is_somewhere = !recipient.targets.is_empty() || !recipient.onward.is_empty();
            *verdict = match is_somewhere {
                true => hold(recipient, refusal),
                false => Verdict::Discard(refusal),
            };
        }
    }
}

fn strongest(findings: &[Finding]) -> Option<&Finding> {
    let strength = |finding: &Finding| match finding.suggestion {
        Suggestion::Note => 0,
        Suggestion::Junk => 1,
        Suggestion::Later => 2,
        Suggestion::Quarantine => 3,
        Suggestion::Discard => 4,
        Suggestion::Refuse(_) => 5,
    };
    // `max_by_key` takes the last of equals: reversed, the first.
    findings.iter().rev().max_by_key(|finding| strength(finding)).filter(|f| strength(f) > 0)
}

fn refusal(finding: &Finding) -> Refusal {
    Refusal {
        reason: finding.reason,
        rule: finding.rule.clone(),
        detail: finding.detail.clone(),
        text: None,
    }
}

/// The verdict for all recipients; `None` where each has its own.
fn against(finding: &Finding) -> Option<Verdict> {
    let refusal = refusal(finding);
    Some(match &finding.suggestion {
        Suggestion::Note | Suggestion::Junk | Suggestion::Quarantine => return None,
        Suggestion::Refuse(Some(text)) if text.code < 500 => {
            Verdict::Later(refusal.text(text.clone()))
        }
        Suggestion::Refuse(text) => Verdict::Refuse(Refusal { text: text.clone(), ..refusal }),
        Suggestion::Later => Verdict::Later(refusal),
        Suggestion::Discard => Verdict::Discard(refusal),
    })
}

/// What a permit says that keeps nothing.
fn discarded(recipient: &Recipient) -> Option<Verdict> {
    let permit = &recipient.permit;
    let keeps_nothing = matches!(
        permit.reason(),
        Reason::AccessDiscarded | Reason::ForwardBounceDropped | Reason::ReleaseRequest
    );
    let refusal = || Refusal::new(permit.reason()).rule(permit.rule());
    keeps_nothing.then(|| Verdict::Discard(refusal()))
}

/// Held, for where it would go without any doubt: who releases it has none.
fn hold(recipient: &Recipient, refusal: Refusal) -> Verdict {
    Verdict::Quarantine(refusal, placements(recipient, false), recipient.onward.clone())
}

/// The mailboxes of a recipient, each once.
fn placements(recipient: &Recipient, doubtful: bool) -> Vec<Placement> {
    let mut placements: Vec<Placement> = Vec::with_capacity(recipient.targets.len());
    for target in &recipient.targets {
        let junk = target.junk.filter(|_| doubtful);
        let mailbox = junk.unwrap_or(target.inbox);
        let placement = Placement { account: target.account, mailbox, flags: 0 };
        if !placements.contains(&placement) {
            placements.push(placement);
        }
    }
    placements
}

fn place(recipient: &Recipient, doubt: Option<&Finding>) -> Verdict {
    let Recipient { permit, .. } = recipient;
    let placements = placements(recipient, doubt.is_some());
    let vouches = forwarding::is_forwarded(recipient) || permit.reason() == Reason::ForwardBounce;
    match doubt.filter(|_| vouches && !recipient.onward.is_empty()) {
        Some(finding) if placements.is_empty() => Verdict::Refuse(refusal(finding)),
        Some(_) => Verdict::Deliver(placements, Vec::new()),
        None => Verdict::Deliver(placements, recipient.onward.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

    use super::{decide, mildest, one_answer};
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
            Verdict::Quarantine(refusal, here, on) => {
                format!("quarantine {} {}+{}", refusal.rule, here.len(), on.len())
            }
        }
    }

    #[test]
    fn the_strongest_suggestion_decides() {
        use Suggestion::{Discard, Junk, Later, Note, Quarantine, Refuse};
        for (suggestions, expected) in [
            (vec![], "deliver 1"),
            (vec![Note, Note], "deliver 1"),
            (vec![Note, Later], "later 1"),
            (vec![Later, Discard], "discard 1"),
            (vec![Discard, Later], "discard 0"),
            (vec![Discard, Refuse(None), Later], "refuse 1"),
            (vec![Refuse(None), Refuse(None)], "refuse 0"),
            (vec![Junk, Later, Quarantine, Quarantine], "quarantine 2 1+0"),
            (vec![Quarantine, Discard], "discard 1"),
            (vec![Quarantine, Refuse(None)], "refuse 1"),
            (vec![reply(553)], "refuse 0"),
            (vec![reply(451)], "later 0"),
        ] {
            assert_eq!(verdict(&suggestions), expected, "{suggestions:?}");
        }
    }

    #[test]
    fn what_is_doubtful_goes_to_junk_and_never_on() {
        let doubt = [Finding {
            stage: "test",
            rule: String::new(),
            reason: Reason::DmarcQuarantine,
            score: 0.0,
            detail: String::new(),
            suggestion: Suggestion::Junk,
        }];
        let mut envelope = envelope(&["anna@example.org", "ben@example.org"]);
        let onward = mail::Onward { address: "x@far.example".parse().unwrap(), sender: None };
        envelope.recipients[1].onward.push(onward);
        let target = envelope.recipients[1].targets.pop().unwrap();
        let mut verdicts = decide(&envelope, &doubt);
        let Verdict::Deliver(placements, _) = &verdicts[0] else { panic!("{verdicts:?}") };
        let anna = &envelope.recipients[0].targets[0];
        assert_eq!(Some(placements[0].mailbox), anna.junk);
        assert!(matches!(&verdicts[1], Verdict::Refuse(r) if r.reason == Reason::DmarcQuarantine));
        one_answer(&envelope, &mut verdicts);
        let Verdict::Quarantine(why, here, on) = &verdicts[1] else { panic!("{verdicts:?}") };
        assert_eq!((why.reason, here.len(), on.len()), (Reason::DmarcQuarantine, 0, 1));

        envelope.recipients[1].targets.push(target);
        let verdicts = decide(&envelope, &doubt);
        let Verdict::Deliver(here, on) = &verdicts[1] else { panic!("{verdicts:?}") };
        assert_eq!((here.len(), on.len()), (1, 0));
    }

    #[test]
    fn one_reply_for_all_is_the_mildest() {
        let refusal = || Refusal::new(Reason::SubjectProhibited);
        let refuse = Verdict::Refuse(refusal());
        let later = Verdict::Later(refusal());
        let discard = Verdict::Discard(refusal());
        let hold = Verdict::Quarantine(refusal(), Vec::new(), Vec::new());
        let deliver = Verdict::Deliver(Vec::new(), Vec::new());
        let all = [refuse.clone(), later.clone(), discard.clone(), hold.clone(), deliver.clone()];
        assert_eq!(mildest(&all), Some(&deliver));
        assert_eq!(mildest(&all[..4]), Some(&hold));
        assert_eq!(mildest(&all[..3]), Some(&discard));
        assert_eq!(mildest(&all[..2]), Some(&later));
        assert_eq!(mildest(&all[..1]), Some(&refuse));
        assert_eq!(mildest(&[]), None);
    }

    #[test]
    fn who_would_have_refused_gets_it_held_where_others_get_it() {
        let mut envelope = envelope(&["anna@example.org", "ben@example.org", "c@example.org"]);
        envelope.recipients[2].targets.clear();
        let refusal = || Refusal::new(Reason::SubjectProhibited).rule("subject 7");
        let words = |first: Verdict| {
            let refuse = Verdict::Refuse(refusal().text(ReplyText {
                code: 550,
                enhanced: None,
                text: "no".to_owned(),
            }));
            let mut verdicts = vec![first, refuse, Verdict::Later(refusal())];
            one_answer(&envelope, &mut verdicts);
            verdicts.iter().map(word).collect::<Vec<_>>().join(", ")
        };
        let (held, gone) = ("quarantine subject 7 1+0", "discard subject 7");
        let deliver = Verdict::Deliver(Vec::new(), Vec::new());
        assert_eq!(words(deliver), format!("deliver 0, {held}, {gone}"));
        let hold = Verdict::Quarantine(refusal(), Vec::new(), Vec::new());
        let other = "quarantine subject 7 0+0";
        assert_eq!(words(hold), format!("{other}, {held}, {gone}"));
        assert_eq!(words(Verdict::Discard(refusal())), format!("{gone}, {held}, {gone}"));
        let none = "refuse subject 7, refuse subject 7, later subject 7";
        assert_eq!(words(Verdict::Refuse(refusal())), none);
    }

    #[test]
    fn what_keeps_nothing_holds_nothing() {
        let mut envelope = envelope(&["anna@example.org"]);
        let recipient = &mut envelope.recipients[0];
        recipient.targets.clear();
        recipient.permit = mail::Permit::issue("access x:1", Reason::AccessDiscarded);
        let held = Finding {
            stage: "test",
            rule: String::new(),
            reason: Reason::AccessQuarantined,
            score: 0.0,
            detail: String::new(),
            suggestion: Suggestion::Quarantine,
        };
        assert_eq!(word(&decide(&envelope, &[held])[0]), "discard access x:1");
    }
}
