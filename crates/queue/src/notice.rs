//! What a sender hears: that mail could not be delivered, or is late (RFC 3461, 3462, 3464).
//!
//! A report has three parts: words for people, fields for programs, and the header of the message
//! that it is about. It is sent from the null path, so that no notice is ever made about a notice.

use crate::met::Met;
use mail::{Address, Domain, MessageId, Timestamp};
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use std::fmt::Write;

/// Bytes of the message's header that are given back.
pub(crate) const HEADER_MAX: usize = 32 * 1024;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was given up.
    Failed,
    /// It is tried on until then.
    Delayed(Timestamp),
}

/// A notice about copies of one message.
pub(crate) struct Notice<'a> {
    pub(crate) kind: Kind,
    pub(crate) hostname: &'a Domain,
    /// The message that it is about.
    pub(crate) message: MessageId,
    pub(crate) to: &'a Address,
    pub(crate) queued_at: Timestamp,
    pub(crate) now: Timestamp,
    /// For whom, and what was met.
    pub(crate) copies: Vec<(Address, Met)>,
    /// The header of the message, as it was sent on.
    pub(crate) header: Vec<u8>,
}

impl Notice<'_> {
    /// The whole message, with CRLF line ends.
    ///
    /// # Errors
    /// Not with what we give it: the builder writes to memory.
    pub(crate) fn build(self) -> std::io::Result<Vec<u8>> {
        let (subject, kind) = match self.kind {
            Kind::Failed => ("Your message could not be delivered", "failed"),
            Kind::Delayed(_) => ("Your message is late", "delayed"),
        };
        let header = String::from_utf8_lossy(&self.header).into_owned();
        let report =
            ContentType::new("multipart/report").attribute("report-type", "delivery-status");
        let parts = vec![
            MimePart::new("text/plain", self.words()),
            // Not text/*, so that nothing is encoded: programs read it as it is.
            MimePart::raw(format!(
                "Content-Type: message/delivery-status\r\n\r\n{}",
                self.fields(kind)
            )),
            MimePart::new("text/rfc822-headers", header),
        ];
        let from = "Mail Delivery System".to_owned();
        let id = format!("{}.{}.notice@{}", self.message, self.now.0, self.hostname);
        MessageBuilder::new()
            .from((from, format!("mailer-daemon@{}", self.hostname)))
            .to(self.to.to_string())
            .subject(subject)
            .header("Date", Raw::new(self.now.rfc5322()))
            .message_id(id)
            .header("Auto-Submitted", Raw::new("auto-replied"))
            .body(MimePart::new(report, parts))
            .write_to_vec()
    }

    /// For people.
    fn words(&self) -> String {
        let mut text = format!("This is the mail server {}.\r\n\r\n", self.hostname);
        let sent = self.queued_at.rfc5322();
        let _ = match self.kind {
            Kind::Failed => write!(
                text,
                "Your message of {sent} could not be delivered to everybody.\r\nNothing more is \
                 tried for these recipients:\r\n"
            ),
            Kind::Delayed(until) => write!(
                text,
                "Your message of {sent} is not delivered to everybody yet.\r\nYou need not send it \
                 again: it is tried until {}.\r\nStill waiting:\r\n",
                until.rfc5322()
            ),
        };
        for (recipient, met) in &self.copies {
            let _ = write!(text, "\r\n  {recipient}\r\n    ");
            let _ = match (met.host.as_str(), met.reply) {
                ("", _) => write!(text, "{}", met.text),
                (host, 0) => write!(text, "{host}: {}", met.text),
                (host, code) => write!(text, "{host} said: {code} {}", met.text),
            };
            let _ = write!(text, "\r\n    {}\r\n", met.reason.meaning());
        }
        text
    }

    /// For programs (RFC 3464 §2).
    fn fields(&self, action: &str) -> String {
        let mut text = format!(
            "Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n",
            self.hostname,
            self.queued_at.rfc5322()
        );
        for (recipient, met) in &self.copies {
            // Addresses with other characters than ASCII have a type of their own (RFC 6533 §3).
            let kind = if recipient.needs_smtputf8() { "utf-8" } else { "rfc822" };
            let (class, subject, detail) = met.status;
            let _ = write!(
                text,
                "\r\nFinal-Recipient: {kind}; {recipient}\r\nAction: {action}\r\n\
                 Status: {class}.{subject}.{detail}\r\n"
            );
            if !met.host.is_empty() {
                let _ = write!(text, "Remote-MTA: dns; {}\r\n", met.host);
            }
            if met.reply > 0 {
                let _ = write!(text, "Diagnostic-Code: smtp; {} {}\r\n", met.reply, met.text);
            }
            let _ = write!(text, "Last-Attempt-Date: {}\r\n", self.now.rfc5322());
            if let Kind::Delayed(until) = self.kind {
                let _ = write!(text, "Will-Retry-Until: {}\r\n", until.rfc5322());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{Kind, Notice};
    use crate::met::Met;
    use mail::index::Index;
    use mail::{MessageId, Reason, Timestamp};
    use smtp::reply::Severity;

    fn notice(kind: Kind, text: &str) -> String {
        let hostname = "mx.example.org".parse().unwrap();
        let to = "anna@example.org".parse().unwrap();
        let met = Met::ours(Severity::Permanent, Reason::RemoteRefused, text);
        let met = Met { reply: 550, host: "mx.far.example".to_owned(), ..met };
        let notice = Notice {
            kind,
            hostname: &hostname,
            message: MessageId(4711),
            to: &to,
            queued_at: Timestamp(1_795_545_915_042),
            now: Timestamp(1_795_545_999_000),
            copies: vec![("dora@far.example".parse().unwrap(), met)],
            header: b"Subject: Minutes\r\nFrom: anna@example.org\r\n".to_vec(),
        };
        String::from_utf8(notice.build().unwrap()).unwrap()
    }

    #[test]
    fn a_report_is_read_by_people_and_programs() {
        let text = notice(Kind::Failed, "no such user");
        for expected in [
            "From: \"Mail Delivery System\" <mailer-daemon@mx.example.org>",
            "To: <anna@example.org>",
            "Auto-Submitted: auto-replied",
            "multipart/report",
            "report-type=\"delivery-status\"",
            "mx.far.example said: 550 no such user",
            "Final-Recipient: rfc822; dora@far.example\r\nAction: failed\r\nStatus: 5.3.0\r\n\
             Remote-MTA: dns; mx.far.example\r\nDiagnostic-Code: smtp; 550 no such user\r\n",
            "Subject: Minutes\r\nFrom: anna@example.org",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        let index = Index::of(text.as_bytes());
        assert_eq!(index.ambiguities, Vec::new(), "{text}");
        assert_eq!(index.parts.len(), 4, "{text}");
        let late = notice(Kind::Delayed(Timestamp(1_795_900_000_000)), "busy");
        assert!(late.contains("Action: delayed") && late.contains("Will-Retry-Until: "), "{late}");
    }
}
