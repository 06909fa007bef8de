//! The trace fields that this server adds: Return-Path and Received (RFC 5321 §4.4).

use mail::{Domain, Door, Envelope, MessageId, Origin, Peer, ReversePath, Timestamp};
use std::fmt::Write;
use std::net::IpAddr;

/// Longest greeting name that is quoted where it is no name at all.
const GREETING_MAX: usize = 64;

/// What the Received field tells.
#[derive(Clone, Copy)]
pub(crate) struct Stamp<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) message: MessageId,
    pub(crate) hostname: &'a Domain,
    pub(crate) now: Timestamp,
}

/// The field that a mailbox begins a message with.
pub(crate) fn return_path(envelope: &Envelope) -> String {
    match &envelope.sender {
        ReversePath::Null => "Return-Path: <>\r\n".to_owned(),
        ReversePath::Address(sender) => format!("Return-Path: <{sender}>\r\n"),
    }
}

impl Stamp<'_> {
    /// The field of this server.
    pub(crate) fn received(&self) -> String {
        let Self { envelope, message, hostname, now } = self;
        let mut out = String::with_capacity(512);
        out.push_str("Received: ");
        // From where a user writes is nobody's business but ours: the trace has it.
        let is_stranger = envelope.peer.submitter().is_none();
        if envelope.origin == Origin::Session && is_stranger {
            from(&mut out, &envelope.peer);
            out.push_str("\r\n\t");
        }
        let with = protocol(envelope);
        let who = match &envelope.peer.user {
            Some(user) => format!(", from uid {}", user.uid),
            None => String::new(),
        };
        let _ = write!(out, "by {hostname} (Gatepost{who}) with {with} id {message}");
        if let Some(tls) = &envelope.peer.tls {
            let _ = write!(out, "\r\n\t({tls})");
        }
        // Naming one of several recipients would tell it of the others (RFC 5321 §7.2).
        if let [recipient] = envelope.recipients.as_slice() {
            let _ = write!(out, "\r\n\tfor <{}>", recipient.address);
        }
        let _ = write!(out, ";\r\n\t{}\r\n", now.rfc5322());
        out
    }
}

/// The From-domain clause: what the peer called itself, then the address it really had.
fn from(out: &mut String, peer: &Peer) {
    let greeting = peer.helo.as_deref().unwrap_or_default();
    let literal = literal(peer.ip);
    let _ = match (Domain::parse(greeting), greeting_literal(greeting)) {
        (Ok(name), _) => write!(out, "from {name} ({literal})"),
        (_, Some(ip)) => write!(out, "from {} ({literal})", self::literal(ip)),
        // Not a name that the clause may hold: quoted in a comment, harmless characters only.
        (Err(_), None) if !greeting.is_empty() => {
            let harmless = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
            let shown = greeting.chars().take(GREETING_MAX);
            let shown: String = shown.map(|c| if harmless(c) { c } else { '?' }).collect();
            write!(out, "from {literal} ({literal}) (HELO {shown})")
        }
        (Err(_), None) => write!(out, "from {literal} ({literal})"),
    };
}

fn greeting_literal(greeting: &str) -> Option<IpAddr> {
    let inner = greeting.strip_prefix('[')?.strip_suffix(']')?;
    match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner.get(5..)?.parse().ok(),
        _ => inner.parse().ok(),
    }
}

fn literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

/// The keyword of the With clause (RFC 3848; RFC 6531 §4.3). There is none for TLS after HELO.
fn protocol(envelope: &Envelope) -> &'static str {
    let peer = &envelope.peer;
    if envelope.origin == Origin::Own || peer.door == Door::Local {
        return "local";
    }
    if peer.door == Door::Lmtp {
        return match (envelope.smtputf8, peer.tls.is_some()) {
            (false, false) => "LMTP",
            (false, true) => "LMTPS",
            (true, false) => "UTF8LMTP",
            (true, true) => "UTF8LMTPS",
        };
    }
    match (envelope.smtputf8, peer.tls.is_some(), peer.login.is_some()) {
        (true, false, false) => "UTF8SMTP",
        (true, false, true) => "UTF8SMTPA",
        (true, true, false) => "UTF8SMTPS",
        (true, true, true) => "UTF8SMTPSA",
        _ if !peer.esmtp => "SMTP",
        (false, false, false) => "ESMTP",
        (false, false, true) => "ESMTPA",
        (false, true, false) => "ESMTPS",
        (false, true, true) => "ESMTPSA",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Stamp, protocol, return_path};
    use crate::testing::{envelope, recipient};
    use mail::{
        AccountId, Address, Domain, Door, LocalUser, Login, MessageId, Origin, ReversePath,
        Timestamp,
    };

    fn fields(
        envelope: &mail::Envelope,
        message: MessageId,
        hostname: &Domain,
        now: Timestamp,
    ) -> String {
        return_path(envelope) + &Stamp { envelope, message, hostname, now }.received()
    }

    fn check(envelope: &mail::Envelope, expected: &[&str]) {
        let hostname = Domain::parse("mx.example.org").unwrap();
        let at = Timestamp(1_795_545_915_042);
        let text = fields(envelope, MessageId(4711), &hostname, at);
        let lines: Vec<_> = text.split_terminator("\r\n").collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_single_recipient_is_named() {
        let mut envelope = envelope(&["anna@example.org"]);
        envelope.peer.tls = Some("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned());
        check(
            &envelope,
            &[
                "Return-Path: <carl@client.example>",
                "Received: from client.example ([192.0.2.1])",
                "\tby mx.example.org (Gatepost) with ESMTPS id 4711",
                "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)",
                "\tfor <anna@example.org>;",
                "\tTue, 24 Nov 2026 18:45:15 +0000",
            ],
        );
    }

    #[test]
    fn several_recipients_are_not_named() {
        let mut envelope = envelope(&["anna@example.org"]);
        envelope.recipients.push(recipient("ben@example.org"));
        envelope.sender = ReversePath::Null;
        envelope.peer.ip = "2001:db8::1".parse().unwrap();
        check(
            &envelope,
            &[
                "Return-Path: <>",
                "Received: from client.example ([IPv6:2001:db8::1])",
                "\tby mx.example.org (Gatepost) with ESMTP id 4711;",
                "\tTue, 24 Nov 2026 18:45:15 +0000",
            ],
        );
    }

    #[test]
    fn greetings_cannot_forge_clauses() {
        for (greeting, expected) in [
            ("[192.0.2.9]", "from [192.0.2.9] ([192.0.2.1])"),
            ("[IPv6:2001:DB8::9]", "from [IPv6:2001:db8::9] ([192.0.2.1])"),
            ("bücher.example", "from xn--bcher-kva.example ([192.0.2.1])"),
            ("", "from [192.0.2.1] ([192.0.2.1])"),
            (
                "a.example ([10.0.0.1]) by b\r\nX: y",
                "from [192.0.2.1] ([192.0.2.1]) \
                 (HELO a.example???10.0.0.1???by?b??X:?y)",
            ),
        ] {
            let mut envelope = envelope(&["anna@example.org"]);
            envelope.peer.helo = Some(greeting.to_owned());
            let hostname = Domain::parse("mx.example.org").unwrap();
            let text = fields(&envelope, MessageId(1), &hostname, Timestamp(0));
            let line = text.split("\r\n").nth(1).unwrap();
            assert_eq!(line.strip_prefix("Received: "), Some(expected), "{greeting:?}");
        }
    }

    #[test]
    fn our_own_mail_comes_from_nowhere() {
        let mut envelope = envelope(&["anna@example.org"]);
        envelope.origin = Origin::Own;
        check(
            &envelope,
            &[
                "Return-Path: <carl@client.example>",
                "Received: by mx.example.org (Gatepost) with local id 4711",
                "\tfor <anna@example.org>;",
                "\tTue, 24 Nov 2026 18:45:15 +0000",
            ],
        );
    }

    #[test]
    fn a_user_of_this_machine_has_a_number_and_no_address() {
        let mut envelope = envelope(&["anna@example.org"]);
        let address = Address::parse("www-data@mx.example.org").unwrap();
        envelope.peer.door = Door::Local;
        envelope.peer.user = Some(LocalUser { uid: 33, name: "www-data".to_owned(), address });
        check(
            &envelope,
            &[
                "Return-Path: <carl@client.example>",
                "Received: by mx.example.org (Gatepost, from uid 33) with local id 4711",
                "\tfor <anna@example.org>;",
                "\tTue, 24 Nov 2026 18:45:15 +0000",
            ],
        );
    }

    #[test]
    fn lmtp_has_words_of_its_own() {
        for (utf8, tls, expected) in [
            (false, false, "LMTP"),
            (false, true, "LMTPS"),
            (true, false, "UTF8LMTP"),
            (true, true, "UTF8LMTPS"),
        ] {
            let mut envelope = envelope(&["anna@example.org"]);
            envelope.peer.door = Door::Lmtp;
            envelope.peer.tls = tls.then(|| "TLSv1.3".to_owned());
            envelope.smtputf8 = utf8;
            assert_eq!(protocol(&envelope), expected);
        }
    }

    #[test]
    fn the_protocol_has_its_registered_word() {
        let login = || Login {
            account: AccountId(1),
            address: Address::parse("anna@example.org").unwrap(),
        };
        for (esmtp, utf8, tls, auth, expected) in [
            (false, false, false, false, "SMTP"),
            (true, false, false, false, "ESMTP"),
            (true, false, false, true, "ESMTPA"),
            (true, false, true, false, "ESMTPS"),
            (true, false, true, true, "ESMTPSA"),
            (true, true, false, false, "UTF8SMTP"),
            (true, true, false, true, "UTF8SMTPA"),
            (true, true, true, false, "UTF8SMTPS"),
            (true, true, true, true, "UTF8SMTPSA"),
        ] {
            let mut envelope = envelope(&["anna@example.org"]);
            envelope.smtputf8 = utf8;
            envelope.peer.esmtp = esmtp;
            envelope.peer.tls = tls.then(|| "TLSv1.3 X".to_owned());
            envelope.peer.login = auth.then(login);
            assert_eq!(protocol(&envelope), expected);
        }
    }
}
