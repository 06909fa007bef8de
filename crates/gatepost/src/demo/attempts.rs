//! What the demo tries against its server, over real sockets, and what must come of it.

use super::held::{self, EICAR, PROGRAM, PROGRAM_BYTES};
use super::mailbox;
use super::site::{self, Site};
use super::talk::Talk;
use crate::output;
use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mail::{Event, MessageId};
use mail_builder::MessageBuilder;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use store::{Store, TraceQuery};

/// A stranger whom no rule knows.
const STRANGER: &str = "carol@elsewhere.example";

/// One attempt and what came of it.
#[derive(Serialize)]
pub(crate) struct Tried {
    what: &'static str,
    expected: &'static str,
    answered: String,
    why: String,
    pub(crate) right: bool,
}

/// What an attempt does; most are one mail transaction that ends at the first refusal.
enum Deed {
    Mail {
        from: &'static str,
        to: To,
        subject: &'static str,
        body: Body,
    },
    FromNetwork(IpAddr),
    /// Anna sends, over submission under TLS, in this name.
    Send {
        name: &'static str,
        to: &'static str,
    },
    Command(&'static str),
    /// What Anna is told of the part that was taken out.
    Told,
    /// Anna asks for it.
    Ask,
    /// The administrator releases it.
    Release,
    DeclaredSize,
    SmtpLogin,
    Pop3Login,
    Pop3Read {
        user: usize,
    },
}

#[derive(Clone, Copy)]
enum To {
    Anna,
    Alias,
    Nobody,
    Elsewhere,
}

#[derive(Clone, Copy)]
enum Body {
    Attachment,
    Program,
    Virus,
    Short,
    TooLarge,
    BareLineEnds,
}

struct Attempt {
    what: &'static str,
    expected: &'static str,
    deed: Deed,
}

/// Mail transactions: what is tried, what must be answered, who sends it to whom.
#[rustfmt::skip]
const MAILS: &[(&str, &str, &str, To, &str, Body)] = &[
    ("a clean message with an attachment", "250", STRANGER, To::Anna, "Minutes", Body::Attachment),
    ("a message for an alias", "250", STRANGER, To::Alias, "To the team", Body::Short),
    ("a prohibited subject", "553", STRANGER, To::Anna, site::SUBJECT, Body::Short),
    ("the same behind FW: and in other case", "553", STRANGER, To::Anna, "FW: re: DETAILS", Body::Short),
    ("a sender that the access map rejects", "550", site::REJECTED_ADDRESS, To::Anna, "Hello", Body::Short),
    ("a domain that the access map rejects", "550", "x@mail.hostile.example", To::Anna, "Hello", Body::Short),
    ("a relay attempt", "550", STRANGER, To::Elsewhere, "Relay me", Body::Short),
    ("a recipient who does not exist", "550", STRANGER, To::Nobody, "Hello", Body::Short),
    ("a forged sender of a bank", "550", "ceo@bank.example", To::Anna, "Urgent", Body::Short),
    ("a stranger in one of our own names", "550", "ben@gatepost.example", To::Anna, "Lunch?", Body::Short),
    ("a program attached", "250", STRANGER, To::Anna, "Invoice", Body::Program),
    ("a test virus (EICAR) attached", "250", STRANGER, To::Anna, "Look", Body::Virus),
    ("a message over the limit", "552", STRANGER, To::Anna, "Large", Body::TooLarge),
    ("a smuggled end of data (bare LF)", "550", STRANGER, To::Anna, "Smuggled", Body::BareLineEnds),
];

/// What users send: what is tried, what must come of it, in whose name, to whom.
const SENT: &[(&str, &str, &str, &str)] = &[
    ("Anna sends to elsewhere, logged in under TLS", "arrived", "anna", "dora@far.example"),
    ("the other server refuses the recipient", "returned", "anna", "refused@far.example"),
    ("Anna sends in Ben's name", "553", "ben", "dora@far.example"),
];

/// Everything that is tried, in order. Of another server than the demo's own nobody knows what it
/// refuses.
fn list(own_elsewhere: bool) -> Vec<Attempt> {
    let mails = MAILS.iter().map(|&(what, expected, from, to, subject, body)| Attempt {
        what,
        expected,
        deed: Deed::Mail { from, to, subject, body },
    });
    let known = move |to: &str| own_elsewhere || !to.starts_with("refused@");
    let sent = SENT.iter().filter(move |(_, _, _, to)| known(to));
    let sent = sent.map(|&(what, expected, name, to)| Attempt {
        what,
        expected,
        deed: Deed::Send { name, to },
    });
    let other = |what, expected, deed| Attempt { what, expected, deed };
    let read = |user| Deed::Pop3Read { user };
    let hostile = IpAddr::V4(Ipv4Addr::new(127, 66, 0, 1));
    let count = if own_elsewhere { "5 messages" } else { "4 messages" };
    let others = [
        other("a network that the access map rejects", "554", Deed::FromNetwork(hostile)),
        other("VRFY", "502", Deed::Command("VRFY anna")),
        other("EXPN", "502", Deed::Command("EXPN team")),
        other("a size over the limit, only declared", "552", Deed::DeclaredSize),
        other("a log-in on the door for strangers", "502", Deed::SmtpLogin),
        other("a POP3 log-in without TLS", "-ERR", Deed::Pop3Login),
    ];
    let held = [
        other("what Anna reads in the program's place", "told", Deed::Told),
        other("Anna asks for it by an answer", "asked for", Deed::Ask),
        other("the administrator releases it", "released", Deed::Release),
    ];
    let read_back = [
        other("Anna's mail, read over POP3 with TLS", count, read(0)),
        other("Ben's mail, read over POP3 with TLS", "1 message", read(1)),
    ];
    mails.chain(held).chain(sent).chain(others).chain(read_back).collect()
}

/// Tries everything in turn; with `progress`, says so on a terminal.
pub(crate) async fn all(
    site: &Site,
    store: &Store,
    own_elsewhere: bool,
    progress: bool,
) -> Vec<Tried> {
    let attempts = list(own_elsewhere);
    let bar = if progress {
        indicatif::ProgressBar::new(attempts.len() as u64)
    } else {
        indicatif::ProgressBar::hidden()
    };
    let mut tried = Vec::new();
    for attempt in attempts {
        bar.set_message(attempt.what);
        let before = store.trace_position().await.unwrap_or(0);
        let answered = attempt.deed.run(site, store).await;
        let answered = answered.unwrap_or_else(|error| format!("failed: {error:#}"));
        let why = why(store, before, &attempt.deed).await;
        let right = answered.starts_with(attempt.expected);
        tried.push(Tried { what: attempt.what, expected: attempt.expected, answered, why, right });
        bar.inc(1);
    }
    bar.finish_and_clear();
    tried
}

/// The table for people.
pub(crate) fn table(tried: &[Tried]) -> String {
    let rows: Vec<[String; 4]> = tried
        .iter()
        .map(|t| {
            let mark = if t.right { "ok" } else { "WRONG" };
            [t.what.to_owned(), t.answered.clone(), t.why.clone(), mark.to_owned()]
        })
        .collect();
    output::table(
        &["What was tried", "What the server answered", "Why (from the trace)", ""],
        &rows,
    )
}

/// Why something is held, or else the first row that the trace gained: reason and rule.
async fn why(store: &Store, before: i64, deed: &Deed) -> String {
    if matches!(deed, Deed::Pop3Read { .. } | Deed::Told) {
        return String::new();
    }
    // Rows of refusals ride the next commit: give it a moment.
    for _ in 0..100 {
        let rows = store.trace_since(before).await.unwrap_or_default();
        let mut told = rows.iter().filter(|row| row.event != Event::Login).peekable();
        let first = told.peek().copied();
        if let Some(row) = told.find(|row| row.event == Event::Quarantined).or(first) {
            let rule = if row.rule.is_empty() { String::new() } else { format!(" ({})", row.rule) };
            return format!("{}{rule}", row.reason);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    "no trace".to_owned()
}

impl Deed {
    async fn run(&self, site: &Site, store: &Store) -> Result<String> {
        match self {
            Deed::Mail { from, to, subject, body } => {
                let to = to.address(site);
                let message = body.message(site, from, &to, subject)?;
                send(site, from, &to, &message).await
            }
            Deed::Told => held::told(site).await,
            Deed::Ask => held::ask(site, store).await,
            Deed::Release => held::release(site, store).await,
            Deed::Send { name, to } => submit(site, store, name, to).await,
            Deed::FromNetwork(ip) => Talk::connect(site.smtp(), Some(*ip)).await?.reply().await,
            Deed::Command(command) => greeted(site).await?.smtp(command).await,
            Deed::DeclaredSize => {
                let size = site.settings.limits.message_size_max + 1;
                greeted(site).await?.smtp(&format!("MAIL FROM:<{STRANGER}> SIZE={size}")).await
            }
            Deed::SmtpLogin => greeted(site).await?.smtp("AUTH PLAIN AGFubmEAc2VjcmV0").await,
            Deed::Pop3Login => {
                let mut talk = Talk::connect(site.pop3(), None).await?;
                talk.line().await?;
                talk.pop3(&format!("USER {}", first(site)?.address)).await
            }
            Deed::Pop3Read { user } => read_back(site, *user).await,
        }
    }
}

impl To {
    fn address(self, site: &Site) -> String {
        match self {
            To::Anna => format!("anna@{}", site.domain()),
            To::Alias => site.alias(),
            To::Nobody => format!("nobody@{}", site.domain()),
            To::Elsewhere => "dora@far.example".to_owned(),
        }
    }
}

impl Body {
    /// The message as its sender writes it, CRLF line ends, without the final dot.
    fn message(self, site: &Site, from: &str, to: &str, subject: &str) -> Result<Vec<u8>> {
        let builder = MessageBuilder::new()
            .from(from.to_owned())
            .to(to.to_owned())
            .subject(subject.to_owned())
            .text_body("A message of the demo.\r\n");
        let message = match self {
            Body::Attachment => builder.attachment(
                "text/csv",
                "minutes.csv",
                "when,what\r\n9:00,coffee\r\n".as_bytes(),
            ),
            Body::Program => builder.attachment("application/octet-stream", PROGRAM, PROGRAM_BYTES),
            Body::Virus => builder.attachment("text/plain", "look.txt", EICAR.concat()),
            _ => builder,
        };
        let mut bytes = message.write_to_vec().context("the message cannot be built")?;
        match self {
            Body::TooLarge => {
                let size = usize::try_from(site.settings.limits.message_size_max)?;
                let line = [b"x".repeat(76).as_slice(), b"\r\n"].concat();
                while bytes.len() <= size {
                    bytes.extend_from_slice(&line);
                }
            }
            Body::BareLineEnds => {
                bytes.extend_from_slice(b"\n.\nMAIL FROM:<admin@gatepost.example>\r\n");
            }
            Body::Attachment | Body::Program | Body::Virus | Body::Short => {}
        }
        Ok(bytes)
    }
}

fn first(site: &Site) -> Result<&site::Person> {
    site.users.first().context("the demo has no users")
}

/// A session after its EHLO.
async fn greeted(site: &Site) -> Result<Talk> {
    let mut talk = Talk::connect(site.smtp(), None).await?;
    talk.reply().await?;
    talk.smtp("EHLO client.elsewhere.example").await?;
    Ok(talk)
}

/// One transaction of a stranger.
async fn send(site: &Site, from: &str, to: &str, message: &[u8]) -> Result<String> {
    transact(&mut greeted(site).await?, from, to, message).await
}

/// One transaction; the answer is the first refusal, or that of the end of the data.
pub(super) async fn transact(
    talk: &mut Talk,
    from: &str,
    to: &str,
    message: &[u8],
) -> Result<String> {
    for command in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
        let reply = talk.smtp(&command).await?;
        if !reply.starts_with(['2', '3']) {
            return Ok(reply);
        }
    }
    talk.send(message).await?;
    talk.send(b"\r\n.\r\n").await?;
    let reply = talk.reply().await?;
    // The session ends as it should; its answer no longer matters.
    let _ = talk.smtp("QUIT").await;
    Ok(reply)
}

/// Anna's submission; a message that is taken is followed until it has arrived elsewhere or has
/// come back.
async fn submit(site: &Site, store: &Store, name: &str, to: &str) -> Result<String> {
    let from = format!("{name}@{}", site.domain());
    let message = Body::Short.message(site, &from, to, "From Anna")?;
    let reply = transact(&mut logged_in(site).await?, &from, to, &message).await?;
    match reply.rsplit(' ').next().and_then(|id| id.parse().ok()) {
        Some(id) if reply.starts_with("250") => fate(store, MessageId(id)).await,
        _ => Ok(reply),
    }
}

/// A session over submission under TLS, as Anna.
pub(super) async fn logged_in(site: &Site) -> Result<Talk> {
    let anna = first(site)?;
    let talk = Talk::connect(site.submissions(), None).await?;
    let mut talk = talk.secure(&format!("mail.{}", site.domain()), &site.certificate).await?;
    talk.reply().await?;
    talk.smtp("EHLO anna.example").await?;
    let login = BASE64_STANDARD.encode(format!("\0{}\0{}", anna.address, anna.password));
    let login = talk.smtp(&format!("AUTH PLAIN {login}")).await?;
    anyhow::ensure!(login.starts_with("235"), "the log-in was answered {login}");
    Ok(talk)
}

/// What became of a message for elsewhere, in the words of the trace.
async fn fate(store: &Store, message: MessageId) -> Result<String> {
    for _ in 0..500 {
        for row in store.trace(TraceQuery::message(message)).await? {
            let said = row.detail.split_once("said=").map_or("", |(_, said)| said);
            match row.event {
                Event::Relayed => return Ok(format!("arrived; the other server said: {said}")),
                Event::Failed => return Ok(format!("returned to Anna: {said}")),
                _ => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("it is still on its way after ten seconds")
}

/// Reads everything; fails if a message has no From.
async fn read_back(site: &Site, user: usize) -> Result<String> {
    let messages = mailbox::read(site, user).await?;
    for (message, number) in messages.iter().zip(1..) {
        let has_from = message.iter().any(|line| line.starts_with("From:"));
        anyhow::ensure!(has_from, "message {number} has no From");
    }
    let count = messages.len();
    Ok(format!("{count} message{}, whole", if count == 1 { "" } else { "s" }))
}
