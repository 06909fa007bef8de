use super::*;

fn wire(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn every_reason_has_its_own_row() {
    for reason in Reason::ALL {
        assert!(table::has(*reason), "{reason} has no row in the table of replies");
    }
}

#[test]
fn every_reply_of_the_table_is_sound() {
    for reason in Reason::ALL {
        for (severity, class) in [(Severity::Permanent, 5), (Severity::Temporary, 4)] {
            let reply = for_reason(severity, *reason);
            assert_eq!(u16::from(class), reply.code / 100, "{reason}");
            assert_eq!(reply.enhanced.map(|(class, ..)| class), Some(class), "{reason}");
            let line = wire(&reply);
            assert!(line.len() <= LINE_MAX && line.ends_with("\r\n"), "{line:?}");
            assert!(!line.contains('?'), "not ASCII: {line:?}");
        }
    }
}

#[test]
fn what_other_rooms_rely_on() {
    let check = |severity, reason, expected| {
        let reply = wire(&for_reason(severity, reason));
        assert!(reply.starts_with(expected), "{reason}: {reply}");
    };
    check(Severity::Permanent, Reason::SubjectProhibited, "553 5.7.1 ");
    check(Severity::Permanent, Reason::RelayDenied, "550 5.7.1 ");
    check(Severity::Permanent, Reason::UnknownRecipient, "550 5.1.1 ");
    check(Severity::Permanent, Reason::TooManyHops, "554 5.4.6 ");
    check(Severity::Permanent, Reason::NeedsSmtputf8, "553 5.6.7 ");
    check(Severity::Permanent, Reason::MessageTooLarge, "552 5.3.4 ");
    check(Severity::Permanent, Reason::BareLineEnd, "550 5.6.0 ");
    check(Severity::Permanent, Reason::TlsRequired, "530 5.7.0 ");
    check(Severity::Permanent, Reason::LoginRequired, "530 5.7.0 ");
    check(Severity::Temporary, Reason::NoRouteYet, "451 4.3.2 ");
    check(Severity::Temporary, Reason::MailboxFull, "452 4.2.2 ");
    check(Severity::Temporary, Reason::StorageFull, "452 4.3.1 ");
    check(Severity::Temporary, Reason::StorageFailed, "451 4.3.0 ");
    check(Severity::Temporary, Reason::FilterTimeout, "451 4.3.0 ");
    check(Severity::Temporary, Reason::TooManyRecipients, "452 4.5.3 ");
    check(Severity::Temporary, Reason::ShuttingDown, "421 4.3.2 ");
}

#[test]
fn details_and_rules_stay_inside() {
    let refusal = Refusal::new(Reason::AccessRejected).rule("access:12").detail("ip=192.0.2.1");
    assert_eq!(wire(&for_refusal(Severity::Permanent, &refusal)), "550 5.7.1 Access denied\r\n");
    assert_eq!(wire(&for_greeting(Severity::Permanent, &refusal)), "554 Access denied\r\n");
}

#[test]
fn own_words() {
    let check = |code, enhanced, text: &str, expected: &str| {
        let text = ReplyText { code, enhanced, text: text.to_owned() };
        let refusal = Refusal::new(Reason::AccessRejected).text(text);
        assert_eq!(wire(&for_refusal(Severity::Permanent, &refusal)), expected);
    };
    check(553, Some((5, 1, 8)), "No", "553 5.1.8 No\r\n");
    check(553, None, "No", "553 5.7.1 No\r\n");
    check(450, Some((5, 1, 8)), "Wait", "450 4.1.8 Wait\r\n");
    check(550, None, "a\r\n250 OK", "550 5.7.1 a??250 OK\r\n");
    let long = wire(&Reply::new(550, Some((5, 999, 999)), "x".repeat(5_000)));
    assert!(long.len() <= LINE_MAX, "{} bytes", long.len());
}

#[test]
fn lines_of_one_reply() {
    let reply = Reply { code: 250, enhanced: None, lines: vec!["a".into(), "b".into()] };
    assert_eq!(wire(&reply), "250-a\r\n250 b\r\n");
}
