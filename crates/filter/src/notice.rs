//! What a sender hears of mail: that it could not be delivered, is late, or has arrived
//! (RFC 3461, 3462, 3464).
//!
//! A report has three parts: words for people, fields for programs, and the message that it is
//! about or its header. It is sent from the null path, so that no notice is ever made about a
//! notice, and comes through intake like all mail; [`prepare`] makes it ready for the commit that
//! settles what it tells. Whoever calls it has seen to it that the sender may be told.

use crate::{Filter, intake};
use mail::index::Index;
use mail::{
    Address, BodyKind, Domain, Door, Envelope, EnvelopeDsn, EnvelopeId, MessageId, Origin,
    OriginalRecipient, Peer, Reason, Recipient, ReversePath, SessionId, Timestamp, TlsDemand,
};
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use net::Clock;
use smtp::reply::Enhanced;
use std::fmt::Write;
use std::net::Ipv4Addr;
use store::Acceptance;

/// Bytes of a message's header that are given back.
pub const HEADER_MAX: usize = 32 * 1024;
/// Bytes of a message that are given back whole, where its sender asked for that (RET=FULL);
/// of larger ones the header: a notice must not be what fills a mailbox.
pub const WHOLE_MAX: usize = 1024 * 1024;
/// Bytes of one value in the fields for programs: a line may have 998.
const VALUE_MAX: usize = 900;

/// What is told of a copy (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was given up.
    Failed,
    /// It is tried on until then.
    Delayed(Timestamp),
    /// Another server took it, which tells nothing more.
    Relayed,
    /// It is in its mailbox.
    Delivered,
    /// It went to the members of an alias; what they got is not told (RFC 3461 §5.2.7.2).
    Expanded,
}

/// One recipient, and what was met.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is told.
    pub action: Action,
    /// For whom the message was.
    pub recipient: Address,
    /// What ORCPT named.
    pub original: Option<OriginalRecipient>,
    /// RFC 3463.
    pub status: Enhanced,
    /// Why.
    pub reason: Reason,
    /// The other server's code, 0 where it gave none.
    pub reply: u16,
    /// Its words, or ours.
    pub text: String,
    /// The other server; empty where none was reached or asked.
    pub host: String,
}

/// A notice about copies of one message.
#[derive(Debug)]
pub struct Notice<'a> {
    /// Who tells.
    pub hostname: &'a Domain,
    /// The message that it is about.
    pub message: MessageId,
    /// Who sent it, and hears.
    pub to: &'a Address,
    /// What ENVID named.
    pub envelope_id: Option<EnvelopeId>,
    /// What was asked for of TLS for the message.
    pub tls_demand: TlsDemand,
    /// When it came.
    pub queued_at: Timestamp,
    /// When this is told.
    pub now: Timestamp,
    /// For whom, and what was met; at least one.
    pub told: Vec<Told>,
    /// The message from its beginning, whole or not: [`Notice::returns_whole`] says how much of
    /// it is wanted, and no more is given back.
    pub content: Vec<u8>,
    /// Whether all of the message is in `content`.
    pub is_whole: bool,
}

/// Makes a notice ready to be kept: the caller commits it with what it tells. `recipient` is the
/// sender of the message, with the permit for our own mail.
///
/// # Errors
/// Why nobody can be told, in words.
pub async fn prepare(
    filter: &Filter,
    clock: &Clock,
    notice: Notice<'_>,
    recipient: Recipient,
) -> Result<Acceptance, String> {
    let (smtputf8, tls_demand) = (notice.to.needs_smtputf8(), notice.tls_demand);
    let bytes = notice.build().map_err(|error| error.to_string())?;
    let mut ready = ours(filter, clock, vec![recipient], smtputf8, &bytes).await?;
    // It tells of the message, and is guarded as that was (RFC 8689 §5).
    if tls_demand == TlsDemand::Required {
        ready.envelope.tls_demand = TlsDemand::Required;
    }
    Ok(ready)
}

/// Makes a message of our own ready to be kept, from the null path: like all mail it comes
/// through intake. Each of `recipients` has the permit for our own mail; `bytes` is the message
/// with CRLF line ends, `smtputf8` whether its header holds other characters than ASCII.
///
/// # Errors
/// Why it cannot be kept, in words.
pub async fn ours(
    filter: &Filter,
    clock: &Clock,
    recipients: Vec<Recipient>,
    smtputf8: bool,
    bytes: &[u8],
) -> Result<Acceptance, String> {
    let store = &filter.store;
    let index = Index::of(bytes);
    let mut incoming = store.incoming();
    incoming.write(bytes).await.map_err(|error| error.to_string())?;
    let body = incoming.seal().await.map_err(|error| error.to_string())?;
    let session = store.ids(1).await.map_err(|error| error.to_string())?.start;
    let envelope = Envelope {
        peer: ourselves(SessionId(session)),
        origin: Origin::Own,
        from_outside: false,
        sender: ReversePath::Null,
        recipients,
        body: BodyKind::SevenBit,
        smtputf8,
        limits: None,
        dsn: EnvelopeDsn::default(),
        tls_demand: TlsDemand::Usual,
    };
    let ready = intake::prepare(filter, store, clock, envelope, index, body).await;
    ready.map_err(|refusal| refusal.reason.word().to_owned())
}

/// Our own mail comes from this machine, through no door.
fn ourselves(session: SessionId) -> Peer {
    Peer {
        session,
        door: Door::Local,
        ip: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        helo: None,
        esmtp: true,
        tls: None,
        login: None,
        user: None,
    }
}

impl Action {
    /// The word for programs.
    fn word(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed(_) => "delayed",
            Action::Relayed => "relayed",
            Action::Delivered => "delivered",
            Action::Expanded => "expanded",
        }
    }

    /// What comes first is told first, and gives the notice its subject.
    fn rank(self) -> u8 {
        match self {
            Action::Failed => 0,
            Action::Delayed(_) => 1,
            Action::Relayed => 2,
            Action::Delivered => 3,
            Action::Expanded => 4,
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Action::Failed => "Your message could not be delivered",
            Action::Delayed(_) => "Your message is late",
            Action::Relayed => "Your message was passed on",
            Action::Delivered | Action::Expanded => "Your message was delivered",
        }
    }

    /// The sentence above its recipients.
    fn words(self) -> String {
        match self {
            Action::Failed => {
                "It could not be delivered, and nothing more is tried, for:".to_owned()
            }
            Action::Delayed(until) => format!(
                "It is not delivered yet, and you need not send it again: it is tried until\r\n{} \
                 for:",
                until.rfc5322()
            ),
            Action::Relayed => {
                "It was passed on to a server that tells no more of it, for:".to_owned()
            }
            Action::Delivered => "It was delivered to the mailbox of:".to_owned(),
            Action::Expanded => "It was passed on to the members of:".to_owned(),
        }
    }
}

impl Notice<'_> {
    /// Whether the whole message is to be given back: only where its sender asked for it, and with
    /// a failure (RFC 3461 §4.3).
    pub fn returns_whole(ret: Option<mail::Return>, told: &[Told]) -> bool {
        let failed = |told: &Told| told.action == Action::Failed;
        ret == Some(mail::Return::Full) && told.iter().any(failed)
    }

    /// The whole message, with CRLF line ends.
    ///
    /// # Errors
    /// Not with what we give it: the builder writes to memory.
    fn build(mut self) -> std::io::Result<Vec<u8>> {
        self.told.sort_by_key(|told| told.action.rank());
        let subject = self.told.first().map_or("", |told| told.action.subject());
        let report =
            ContentType::new("multipart/report").attribute("report-type", "delivery-status");
        let parts = vec![
            MimePart::new("text/plain", self.words()),
            // Not text/*, so that nothing is encoded: programs read it as it is.
            MimePart::raw(format!(
                "Content-Type: message/delivery-status\r\n\r\n{}",
                self.fields()
            )),
            self.returned(),
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

    /// What is given back: the message, or its header. A header with other characters than ASCII
    /// would make another kind of message of it (RFC 6532 §3.7): then the header alone, encoded.
    fn returned(&self) -> MimePart<'static> {
        let end = self.content.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let header = end.and_then(|end| self.content.get(..end + 2)).unwrap_or(&self.content);
        if self.is_whole && header.is_ascii() {
            let mut part = b"Content-Type: message/rfc822\r\n".to_vec();
            if !self.content.is_ascii() {
                part.extend_from_slice(b"Content-Transfer-Encoding: 8bit\r\n");
            }
            part.extend_from_slice(b"\r\n");
            part.extend_from_slice(&self.content);
            return MimePart::raw(part);
        }
        let header = header.get(..HEADER_MAX).unwrap_or(header);
        MimePart::new("text/rfc822-headers", String::from_utf8_lossy(header).into_owned())
    }

    /// For people.
    fn words(&self) -> String {
        let sent = self.queued_at.rfc5322();
        let mut text = format!(
            "This is the mail server {}. It tells of your message of\r\n{sent}.\r\n",
            self.hostname
        );
        let mut last = None;
        for Told { action, recipient, reason, reply, text: said, host, .. } in &self.told {
            if last != Some(*action) {
                let _ = write!(text, "\r\n{}\r\n", action.words());
                last = Some(*action);
            }
            let _ = write!(text, "\r\n  {recipient}\r\n");
            let _ = match (host.as_str(), reply) {
                ("", _) if said.is_empty() => Ok(()),
                ("", _) => write!(text, "    {said}\r\n"),
                (host, 0) => write!(text, "    {host}: {said}\r\n"),
                (host, code) => write!(text, "    {host} said: {code} {said}\r\n"),
            };
            if matches!(action, Action::Failed | Action::Delayed(_)) {
                let _ = write!(text, "    {}\r\n", reason.meaning());
            }
        }
        text
    }

    /// For programs (RFC 3464 §2).
    fn fields(&self) -> String {
        let mut text = String::new();
        if let Some(id) = &self.envelope_id {
            field(&mut text, "Original-Envelope-Id", &id.text());
        }
        field(&mut text, "Reporting-MTA", &format!("dns; {}", self.hostname));
        field(&mut text, "Arrival-Date", &self.queued_at.rfc5322());
        for told in &self.told {
            text.push_str("\r\n");
            if let Some(original) = &told.original {
                field(&mut text, "Original-Recipient", &original.field());
            }
            let recipient = OriginalRecipient::of(&told.recipient);
            // One that is too long for its own type is shown as far as it is ASCII.
            let rest = || format!("rfc822; {}", told.recipient);
            let recipient = recipient.map_or_else(rest, |recipient| recipient.field());
            field(&mut text, "Final-Recipient", &recipient);
            let (class, subject, detail) = told.status;
            field(&mut text, "Action", told.action.word());
            field(&mut text, "Status", &format!("{class}.{subject}.{detail}"));
            if !told.host.is_empty() {
                field(&mut text, "Remote-MTA", &format!("dns; {}", told.host));
            }
            if told.reply > 0 {
                let said = format!("smtp; {} {}", told.reply, told.text);
                field(&mut text, "Diagnostic-Code", &said);
            }
            field(&mut text, "Last-Attempt-Date", &self.now.rfc5322());
            if let Action::Delayed(until) = told.action {
                field(&mut text, "Will-Retry-Until", &until.rfc5322());
            }
        }
        text
    }
}

/// One field. Whatever the value holds, it stays one line of printable ASCII.
fn field(text: &mut String, name: &str, value: &str) {
    let shown = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    let value: String = value.chars().take(VALUE_MAX).map(shown).collect();
    let _ = write!(text, "{name}: {value}\r\n");
}

#[cfg(test)]
mod tests;
