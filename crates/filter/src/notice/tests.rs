//! What reports say, and that nothing in them can be made to say something else.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Action, HEADER_MAX, Notice, Told};
use mail::index::Index;
use mail::{EnvelopeId, MessageId, OriginalRecipient, Reason, Return, Timestamp};
use proptest::prelude::*;

const MESSAGE: &[u8] = b"Subject: Minutes\r\nFrom: anna@example.org\r\n\r\nSecret.\r\n";

fn told(action: Action, recipient: &str) -> Told {
    Told {
        action,
        recipient: recipient.parse().unwrap(),
        original: None,
        status: (5, 3, 0),
        reason: Reason::RemoteRefused,
        reply: 550,
        text: "no such user".to_owned(),
        host: "mx.far.example".to_owned(),
    }
}

fn built(told: Vec<Told>, content: &[u8], is_whole: bool) -> String {
    let hostname = "mx.example.org".parse().unwrap();
    let notice = Notice {
        hostname: &hostname,
        message: MessageId(4711),
        to: &"anna@example.org".parse().unwrap(),
        envelope_id: EnvelopeId::parse("QQ+2B1"),
        tls_demand: mail::TlsDemand::Usual,
        queued_at: Timestamp(1_795_545_915_042),
        now: Timestamp(1_795_545_999_000),
        told,
        content: content.to_vec(),
        is_whole,
    };
    String::from_utf8(notice.build().unwrap()).unwrap()
}

fn check(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let index = Index::of(text.as_bytes());
    assert_eq!(index.ambiguities, Vec::new(), "{text}");
}

#[test]
fn a_report_is_read_by_people_and_programs() {
    let text = built(vec![told(Action::Failed, "dora@far.example")], MESSAGE, false);
    check(
        &text,
        &[
            "From: \"Mail Delivery System\" <mailer-daemon@mx.example.org>",
            "To: <anna@example.org>",
            "Auto-Submitted: auto-replied",
            "multipart/report",
            "report-type=\"delivery-status\"",
            "mx.far.example said: 550 no such user",
            "Original-Envelope-Id: QQ+1\r\nReporting-MTA: dns; mx.example.org\r\n",
            "Final-Recipient: rfc822; dora@far.example\r\nAction: failed\r\nStatus: 5.3.0\r\n\
             Remote-MTA: dns; mx.far.example\r\nDiagnostic-Code: smtp; 550 no such user\r\n",
            "Subject: Minutes\r\nFrom: anna@example.org",
        ],
    );
    assert!(!text.contains("Secret."), "{text}");
    assert_eq!(Index::of(text.as_bytes()).parts.len(), 4, "{text}");
}

#[test]
fn one_report_tells_of_everything_the_worst_first() {
    let until = Timestamp(1_795_900_000_000);
    let original = OriginalRecipient::parse("rfc822;d+2Bx@old.example");
    let delivered = Told {
        reply: 0,
        host: String::new(),
        original,
        ..told(Action::Delivered, "\u{e4}@far.example")
    };
    let relayed = told(Action::Relayed, "relayed@far.example");
    let (late, failed) =
        (told(Action::Delayed(until), "l@x.example"), told(Action::Failed, "f@x.example"));
    let text = built(vec![delivered.clone(), relayed, late, failed], MESSAGE, false);
    check(
        &text,
        &[
            "Subject: Your message could not be delivered",
            "Action: delayed",
            "Will-Retry-Until: ",
            "\r\n\r\nOriginal-Recipient: rfc822; d+x@old.example\r\n\
             Final-Recipient: utf-8; \\x{E4}@far.example\r\nAction: delivered\r\n",
        ],
    );
    let at = |word: &str| text.find(&format!("Action: {word}")).unwrap();
    assert!(at("failed") < at("delayed") && at("delayed") < at("relayed"));
    assert!(at("relayed") < at("delivered"));
    check(&built(vec![delivered], MESSAGE, false), &["Subject: Your message was delivered"]);
}

#[test]
fn the_message_comes_back_whole_where_that_was_asked_for() {
    let failed = [told(Action::Failed, "f@x.example")];
    let relayed = [told(Action::Relayed, "f@x.example")];
    assert!(Notice::returns_whole(Some(Return::Full), &failed));
    assert!(!Notice::returns_whole(Some(Return::Headers), &failed));
    assert!(!Notice::returns_whole(None, &failed));
    assert!(!Notice::returns_whole(Some(Return::Full), &relayed));
    let text = built(failed.to_vec(), MESSAGE, true);
    let whole = String::from_utf8_lossy(MESSAGE);
    check(&text, &[&format!("Content-Type: message/rfc822\r\n\r\n{whole}")]);
    let eight = "Subject: x\r\n\r\n\u{e4}\r\n".as_bytes();
    let expected = "message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x";
    check(&built(failed.to_vec(), eight, true), &[expected]);
    let global = "Subject: \u{e4}\r\n\r\nSecret.\r\n".as_bytes();
    let text = built(failed.to_vec(), global, true);
    check(&text, &["text/rfc822-headers"]);
    assert!(!text.contains("Secret."), "{text}");
    let large = [&b"Subject: x\r\nX-Long: "[..], &vec![b'x'; 3 * HEADER_MAX]].concat();
    assert!(built(failed.to_vec(), &large, false).len() < 2 * HEADER_MAX);
}

proptest! {
    /// What strangers say never becomes a field of its own.
    #[test]
    fn nothing_is_injected(said in any::<String>(), host in any::<String>()) {
        let hostile = Told { text: said, host, ..told(Action::Failed, "f@x.example") };
        let hostname = "mx.example.org".parse().unwrap();
        let notice = Notice {
            hostname: &hostname,
            message: MessageId(1),
            to: &"anna@example.org".parse().unwrap(),
            envelope_id: None,
            tls_demand: mail::TlsDemand::Usual,
            queued_at: Timestamp(0),
            now: Timestamp(0),
            told: vec![hostile],
            content: Vec::new(),
            is_whole: false,
        };
        let fields = notice.fields();
        let names = ["Reporting-MTA", "Arrival-Date", "Final-Recipient", "Action", "Status",
            "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"];
        for line in fields.split("\r\n").filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default();
            prop_assert!(names.contains(&name) && line.len() < 998, "{}", line);
            prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", line);
        }
    }
}
