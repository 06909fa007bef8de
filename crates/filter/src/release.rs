//! Asking for a release: by mail, or by a link to the page of `web`.
//!
//! By mail it is a message to `release@` and the server's name, with tokens in it.
//!
//! A digest has a token for each message that it tells of, and a text in the place of a part one
//! for the message; whoever answers leaves in the lines of what is wanted. A request is only a
//! request: the administrator releases. It counts if it is proven who sent it, a person did, and
//! the thing is held for that person. Nobody is answered, whatever he sends: there is nothing to
//! probe, and nothing to flood others with.

use crate::automatic::is_automatic;
use config::WebUrl;
use mail::index::Index;
use mail::union::{self, Source, UnionLimits};
use mail::{
    AccountId, Address, Domain, Door, Envelope, Event, MailboxId, RELEASE, Reason, Verdict,
};
use std::ops::ControlFlow;
use store::{Acceptance, Actor, Held, Store};

/// Bytes of a message that is searched for tokens; a whole digest is far smaller.
const SEARCHED_MAX: u64 = 256 * 1024;
/// Tokens that one message may use: as many as a digest lists.
const TOKENS_MAX: usize = 100;
/// Tokens that are wrong, or another's, after which the rest of a message is not looked at.
const WRONG_MAX: usize = 10;
/// Hexadecimal digits behind a token's dash, and digits before it.
const HASH_DIGITS: usize = 32;
const NUMBER_DIGITS: usize = 19;
/// What stands before the number of a message.
const MESSAGE: char = 'm';

/// The address that requests go to.
pub fn address(hostname: &Domain) -> String {
    format!("{RELEASE}@{hostname}")
}

/// The path of the page that a link leads to, before the token.
pub const PATH: &str = "/release/";

/// The link by which a request is made in a browser.
pub fn link(url: &WebUrl, token: &str) -> String {
    format!("{url}{PATH}{token}")
}

/// Whom a message asks for a release, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    who: Address,
    account: Option<AccountId>,
    tokens: Vec<String>,
    door: Door,
}

/// What a message asks for; `None` where it is no request, or one that does not count: then its
/// trace tells why.
pub(crate) async fn read(acceptance: &mut Acceptance) -> Option<Asked> {
    // By the verdict: what another rule discards or refuses asks for nothing.
    let is_request = |verdict: &Verdict| match verdict {
        Verdict::Discard(refusal) => refusal.reason == Reason::ReleaseRequest,
        _ => false,
    };
    acceptance.judgement.verdicts.iter().find(|verdict| is_request(verdict))?;
    let read = asked(acceptance).await;
    let fact = match &read {
        Ok(asked) => format!("request=read tokens={}", asked.tokens.len()),
        Err(why) => format!("request=ignored why={why}"),
    };
    let rows = acceptance.trace.iter_mut().filter(|row| row.event == Event::Discarded);
    for row in rows.filter(|row| row.reason == Reason::ReleaseRequest) {
        row.detail = [row.detail.as_str(), &fact].join(" ").trim_start().to_owned();
    }
    read.ok()
}

/// The request, or why it does not count.
async fn asked(acceptance: &Acceptance) -> Result<Asked, &'static str> {
    let Envelope { sender, peer, .. } = &acceptance.envelope;
    let judgement = &acceptance.judgement;
    let who = sender.address().ok_or("null_sender")?.clone();
    let is_proved = judgement.sender_known && judgement.author_known;
    if !acceptance.envelope.is_ours() && !is_proved {
        return Err("sender_not_proven");
    }
    let size = acceptance.body.size();
    if size > SEARCHED_MAX {
        return Err("too_large");
    }
    let bytes = acceptance.body.read(0..size, SEARCHED_MAX as usize).await;
    let bytes = bytes.map_err(|_| "not_read")?;
    let index = Index::of(&bytes);
    if is_automatic(&index) {
        return Err("automatic");
    }
    let account = peer.login.as_ref().map(|login| login.account);
    match tokens(&bytes, &index) {
        tokens if tokens.is_empty() => Err("no_token"),
        tokens => Ok(Asked { who, account, tokens, door: peer.door }),
    }
}

/// The tokens in a message's subject and in its texts; what is attached is not looked at.
fn tokens(message: &[u8], index: &Index) -> Vec<String> {
    let mut found = Vec::new();
    find(index.subject().unwrap_or_default().as_bytes(), &mut found);
    union::read(message, index, &UnionLimits::default(), &mut |seen| {
        let is_text = seen.types.iter().all(|name| name.starts_with("text/"));
        if seen.source == Source::Part && is_text && seen.names.is_empty() {
            find(seen.content, &mut found);
        }
        match found.len() < TOKENS_MAX {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    found.truncate(TOKENS_MAX);
    found
}

/// `[123-0123456789abcdef0123456789abcdef]`, or the same with `m` before it, wherever it stands;
/// once each.
fn find(text: &[u8], found: &mut Vec<String>) {
    for open in memchr::memchr_iter(b'[', text) {
        let rest = text.get(open + 1..).unwrap_or_default();
        let len = memchr::memchr(
            b']',
            rest.get(..1 + NUMBER_DIGITS + 1 + HASH_DIGITS + 1).unwrap_or(rest),
        );
        let token = len.and_then(|len| std::str::from_utf8(rest.get(..len)?).ok());
        let Some((number, hash)) = token.and_then(|token| token.split_once('-')) else { continue };
        let digits = number.strip_prefix(MESSAGE).unwrap_or(number);
        let is_token = (1..=NUMBER_DIGITS).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && hash.len() == HASH_DIGITS
            && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let token = format!("{number}-{hash}");
        if is_token && !found.contains(&token) {
            found.push(token);
        }
    }
}

/// Writes the requests down; the administrator is told of them by a job of `admin`.
pub(crate) async fn request(store: &Store, asked: Asked) {
    if let Err(error) = write_down(store, &asked).await {
        tracing::error!(%error, "a request for a release is lost");
    }
}

async fn write_down(store: &Store, asked: &Asked) -> Result<(), store::Error> {
    let by = Actor { door: asked.door, name: "recipient", peer: None };
    let who = asked.who.to_string();
    let mailboxes: Vec<MailboxId> = match asked.account {
        Some(account) => store.mailboxes(account).await?.iter().map(|it| it.id).collect(),
        None => Vec::new(),
    };
    let mut wrong = 0;
    for token in &asked.tokens {
        let mut held = store.held_by_token(token).await?;
        held.retain(|held| is_for(held, &asked.who, &mailboxes));
        wrong += usize::from(held.is_empty());
        if wrong > WRONG_MAX {
            tracing::warn!(by = who, "a request has too many wrong tokens");
            return Ok(());
        }
        for held in held {
            if store.request_held(&held, &who, by).await? {
                tracing::info!(id = held.id, by = who, "a release is asked for");
            }
        }
    }
    Ok(())
}

/// Whether something is held for this address, or for a mailbox of who logged in: an alias may lead
/// there.
fn is_for(held: &Held, who: &Address, mailboxes: &[MailboxId]) -> bool {
    let is_his = Address::parse(&held.address).is_ok_and(|address| address.key() == who.key());
    is_his || held.mailboxes.iter().any(|mailbox| mailboxes.contains(mailbox))
}

#[cfg(test)]
mod tests {
    use mail::index::Index;
    use proptest::prelude::*;

    fn tokens(message: &[u8]) -> Vec<String> {
        super::tokens(message, &Index::of(message))
    }

    const TOKEN: &str = "1234-0123456789abcdef0123456789abcdef";

    #[test]
    fn tokens_are_found_wherever_a_mail_program_puts_them() {
        let html = format!("Content-Type: text/html\r\n\r\n<p>&gt; <b>[{TOKEN}]</b></p>\r\n");
        let quoted = "Content-Type: text/plain\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n\
             > Ask: [1234-0123456789abc=\r\ndef0123456789abcdef]\r\n"
            .to_owned();
        let alternative = format!(
            "Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\n> [{TOKEN}]\r\n\
             --x\r\nContent-Type: text/html\r\n\r\n<p>[{TOKEN}]</p>\r\n--x--\r\n"
        );
        let twice = format!("Subject: Re: [{TOKEN}]\r\n\r\n> [{TOKEN}]\r\n");
        for message in [html, quoted, alternative, twice] {
            assert_eq!(tokens(message.as_bytes()), [TOKEN], "{message}");
        }
        let of_message = format!("m{TOKEN}");
        assert_eq!(tokens(format!("A: b\r\n\r\n[{of_message}]\r\n").as_bytes()), [of_message]);
        let attached = format!(
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x\r\n\
             Content-Type: text/plain; name=a.txt\r\n\r\n[{TOKEN}]\r\n--x--\r\n"
        );
        assert!(tokens(attached.as_bytes()).is_empty());
        let long = format!("[{}{TOKEN}]", "1".repeat(20));
        for none in [
            "",
            &long,
            "[mm1-0123456789abcdef0123456789abcdef]",
            "[m-1]",
            "[]",
            "[1-2]",
            "[x-0123456789abcdef0123456789abcdef]",
            "[1234-0123456789",
        ] {
            let none_found: [&str; 0] = [];
            assert_eq!(tokens(format!("Subject: x\r\n\r\n{none}\r\n").as_bytes()), none_found);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_only_tokens_are_found(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for token in tokens(&bytes) {
                prop_assert!(token.len() > 33);
            }
        }
    }
}
