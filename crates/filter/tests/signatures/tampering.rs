//! What a change of the message or of the signature does.

use crate::{ED25519, MESSAGE, NOW, RSA, check, keys, only, signed_by, told};
use filter::authentication::dkim::{Outcome, SignError, sign};
use filter::authentication::message::Message;
use mail::index::Index;

const GOOD: (Outcome, &str) = (Outcome::Pass, "");
const HEADER: (Outcome, &str) = (Outcome::Fail, "the signature does not match the header");
const BODY: (Outcome, &str) = (Outcome::Fail, "the body is not what was signed");

/// Both kinds of signature over the message, after a change.
#[track_caller]
fn changed(from: &str, to: &str, expected: (Outcome, &str)) {
    let message = signed_by(MESSAGE.as_bytes(), &[&RSA, &ED25519], None);
    let text = String::from_utf8(message).unwrap();
    assert!(text.contains(from), "{from:?} is in the message");
    let report = check(text.replace(from, to).as_bytes(), &keys(&[&RSA, &ED25519]), NOW);
    assert_eq!(told(&report), [expected, expected], "{from:?} -> {to:?}");
}

#[test]
fn what_a_relay_may_do_is_forgiven() {
    changed("X-Mailer: none\r\n", "", GOOD);
    changed("X-Mailer: none\r\n", "Received: by us\r\nX-Seen: yes\r\n", GOOD);
    changed("bob@example.net,\r\n\tcarl", "bob@example.net, carl", GOOD);
    changed("Subject: Supper", "SUBJECT :\r\n\t\t Supper", GOOD);
    changed("Supper  tonight\r\n", "Supper tonight \t\r\n", GOOD);
    changed("eight. \r\n", "eight.\t\t\r\n", GOOD);
    changed("Anna\r\n\r\n", "Anna\r\n\r\n\r\n\r\n", GOOD);
    changed("Anna\r\n\r\n", "Anna", GOOD);
    changed("h=From", "h= From", HEADER);
}

#[test]
fn any_other_change_is_seen() {
    changed("Subject: Supper", "Subject: Dinner", HEADER);
    changed("Supper  tonight", "Supper ton ight", HEADER);
    changed("<anna@", "<Anna@", HEADER);
    changed("Date: Tue", "Date: tue", HEADER);
    changed("Subject:", "Subject-X:", HEADER);
    changed("supper is", "Supper is", BODY);
    changed("supper is", " supper is", BODY);
    changed("Dear Bob,\r\n\r\n", "Dear Bob,\r\n", BODY);
    changed("eight. \r\n", "eight. \n", BODY);
    changed("Anna\r\n\r\n", "Anna\r\n\r\nPS: pay here\r\n", BODY);
    changed("t=1795000000", "t=1795000001", HEADER);
    changed("d=example.org", "d=EXAMPLE.org", HEADER);
}

#[test]
fn no_second_field_can_be_added() {
    for field in ["From", "from", "To", "Cc", "Subject", "Date", "Reply-To", "Content-Type"] {
        // At the top and at the bottom of what was there: above the signatures, and below.
        for place in ["DKIM-Signature: v=1; a=rsa", "X-Mailer"] {
            changed(place, &format!("{field}: evil@example.com\r\n{place}"), HEADER);
        }
    }
}

/// Each byte of header and body in turn is made another one.
#[test]
fn every_byte_of_what_is_signed_counts() {
    let text = "From: a@b.example\r\nSubject: xy\r\n\r\nab c\r\n";
    let message = signed_by(text.as_bytes(), &[&ED25519], None);
    let zone = keys(&[&ED25519]);
    assert_eq!(told(&check(&message, &zone, NOW)), [GOOD]);
    let start = message.len() - text.len();
    for at in 0..message.len() {
        for byte in [b'x', b'0', 0xff] {
            let mut other = message.clone();
            if std::mem::replace(&mut other[at], byte).eq_ignore_ascii_case(&byte) {
                continue;
            }
            let report = check(&other, &zone, NOW);
            // A blank more or less is forgiven, and base64 has bits that say nothing; any other
            // change is not.
            let passes = report.passing().count() > 0;
            let last = start.saturating_sub(6)..start;
            let silent = last.contains(&at);
            assert!(!passes || silent, "{at} {byte} {:?}", String::from_utf8_lossy(&other));
        }
    }
}

#[test]
fn the_whole_body_is_signed_whatever_its_windows() {
    let body = "0123456789 abc\r\n".repeat(20_000);
    let text = format!("From: a@b.example\r\n\r\n{body}");
    let message = signed_by(text.as_bytes(), &[&RSA], None);
    let zone = keys(&[&RSA]);
    assert_eq!(told(&check(&message, &zone, NOW)), [GOOD]);
    for at in [message.len() - 3, message.len() / 2, message.len() - body.len()] {
        let mut other = message.clone();
        other[at] ^= 1;
        assert_eq!(told(&check(&other, &zone, NOW)), [BODY], "{at}");
    }
}

#[test]
fn a_message_without_from_is_not_signed() {
    let text = b"To: a@b.example\r\n\r\n";
    let index = Index::of(text);
    let signed = crate::run(sign(&Message::at_hand(&index, text), &[&RSA], crate::at(NOW), None));
    assert!(matches!(signed, Err(SignError::NoFrom)));
    let many = format!("From: a\r\n{}\r\n", "To: a@b.example\r\n".repeat(1_001));
    let index = Index::of(many.as_bytes());
    let message = Message::at_hand(&index, many.as_bytes());
    let signed = crate::run(sign(&message, &[&RSA], crate::at(NOW), None));
    assert!(matches!(signed, Err(SignError::TooManyFields)));
}

#[test]
fn fields_are_folded_and_several_of_one_name_are_signed() {
    let text = format!("From: a@b.example\r\n{}\r\nx\r\n", "Cc: c@d.example\r\n".repeat(50));
    let message = signed_by(text.as_bytes(), &[&RSA, &ED25519], Some(60));
    let head = String::from_utf8_lossy(&message[..message.len() - text.len()]).into_owned();
    for line in head.lines() {
        assert!(line.replace('\t', "        ").len() < 78, "{line:?}");
    }
    assert!(head.contains("x=1795000060"), "{head}");
    assert_eq!(told(&check(&message, &keys(&[&RSA, &ED25519]), NOW)), [GOOD, GOOD]);
    let fewer = String::from_utf8(message).unwrap().replacen("Cc: c@d.example\r\n", "", 1);
    assert_eq!(told(&check(fewer.as_bytes(), &keys(&[&RSA, &ED25519]), NOW)), [HEADER, HEADER]);
}

#[test]
fn a_signature_ends_when_it_says() {
    let message = signed_by(MESSAGE.as_bytes(), &[&ED25519], Some(100));
    let zone = keys(&[&ED25519]);
    for (seconds, expected) in [
        (NOW, GOOD),
        (NOW + 100, GOOD),
        (NOW + 101, (Outcome::Fail, "the signature has ended")),
        (NOW - 3_600, GOOD),
        (NOW - 3_601, (Outcome::Policy, "the signature is of a time to come")),
    ] {
        assert_eq!(told(&check(&message, &zone, seconds)), [expected], "{seconds}");
    }
    assert_eq!(only(&message, &zone).result, Outcome::Pass);
}
