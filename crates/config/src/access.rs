//! The access map: sendmail's `access` file read unchanged, and entries made at run time.
//!
//! Which entry wins for a client, sender or recipient is `policy`'s business.

use crate::lines::{Pair, Word, pairs};
use crate::network::{Network, network, strip_tag};
use crate::problem::{Problem, Severity, nearest};
use crate::reply::{enhanced, reply, reply_code};
use ipnet::IpNet;
use mail::{Address, Domain, ReplyText};
use std::collections::HashMap;
use std::path::Path;

/// What an entry is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    /// The client's address and name.
    Connect,
    /// The sender of the envelope, and the header's From.
    From,
    /// The recipient.
    To,
    /// All of them: an entry without a tag.
    Any,
}

/// What of it must be so.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// One address, letters compared without case.
    Address(Address),
    /// A local part at whatever domain (`user@`), in lower case.
    User(String),
    /// A domain and everything below it; for `Connect:` the client's name.
    Domain(Domain),
    /// The client's address, or an address literal, is within.
    Net(IpNet),
}

/// What is done then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Accepted, even if a wider entry refuses.
    Ok,
    /// Accepted, and may be relayed.
    Relay,
    /// Refused with the usual words.
    Reject,
    /// Accepted in words and thrown away.
    Discard,
    /// Refused with the administrator's words.
    Error(ReplyText),
    /// Accepted and held in the quarantine, for the reason that the administrator wrote.
    Quarantine(String),
}

/// One line of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is looked at.
    pub tag: Tag,
    /// What it must be.
    pub key: Key,
    /// What follows.
    pub action: Action,
    /// The key as it was written.
    pub text: String,
    /// The value as it was written: `RELAY` where strangers choose the key, which means `OK`.
    pub value: String,
    /// The line in the file, from 1; 0 for entries made at run time.
    pub line: usize,
}

/// Why an entry is not taken, or how it is taken otherwise than written.
struct Fault {
    severity: Severity,
    in_value: bool,
    message: String,
    hint: Option<String>,
}

impl Fault {
    fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, in_value: false, message: message.into(), hint: None }
    }

    fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    fn of_value(self) -> Self {
        Self { in_value: true, ..self }
    }

    fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// Reads one entry made at run time; impossible and unsupported ones are refused.
pub fn parse_entry(key: &str, value: &str) -> Result<Entry, String> {
    let mut notes = Vec::new();
    let entry = entry(key.trim(), value.trim(), 0, &mut notes);
    let faults = match entry {
        Ok(entry) if notes.is_empty() => return Ok(entry),
        Ok(_) => notes,
        Err(fault) => vec![fault],
    };
    let show = |fault: Fault| match fault.hint {
        Some(hint) => format!("{} ({hint})", fault.message),
        None => fault.message,
    };
    Err(faults.into_iter().map(show).collect::<Vec<_>>().join("; "))
}

/// Reads a whole file known as `path`. The entries are in the file's order, each key once.
///
/// What sendmail would not read is an error. What can never match, is there twice, or is not
/// supported here is a warning, and not among the entries.
pub fn parse_file(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen: HashMap<(Tag, Key), usize> = HashMap::new();
    for pair in pairs(path, text, &mut problems) {
        let mut notes = Vec::new();
        let found = entry(pair.key.text, pair.value.text, pair.line, &mut notes);
        problems.extend(notes.into_iter().map(|note| place(path, &pair, note)));
        let entry = match found {
            Ok(entry) => entry,
            Err(fault) => {
                problems.push(place(path, &pair, fault));
                continue;
            }
        };
        match seen.entry((entry.tag, comparable(&entry.key))) {
            std::collections::hash_map::Entry::Occupied(first) => {
                let first = first.get();
                let message = format!(
                    "`{}` is there twice; {}:{first} came first and holds",
                    pair.key.text,
                    path.display()
                );
                problems.push(Problem::warning(path, pair.line, pair.key.column, message));
            }
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(entry.line);
                entries.push(entry);
            }
        }
    }
    (entries, problems)
}

fn place(path: &Path, pair: &Pair<'_>, fault: Fault) -> Problem {
    let Word { column, .. } = if fault.in_value { pair.value } else { pair.key };
    let problem = Problem::error(path, pair.line, column, fault.message).hint(fault.hint);
    Problem { severity: fault.severity, ..problem }
}

/// Keys that match the same are the same.
fn comparable(key: &Key) -> Key {
    match key {
        Key::Address(address) => {
            Address::parse(&address.key()).map_or_else(|_| key.clone(), Key::Address)
        }
        other => other.clone(),
    }
}

fn entry(key: &str, value: &str, line: usize, notes: &mut Vec<Fault>) -> Result<Entry, Fault> {
    let (tag, rest) = tag(key)?;
    let found = parse_key(tag, rest, notes)?;
    let mut action = parse_action(value)?;
    if action == Action::Relay
        && let Some(why) = no_right_to_relay(tag, &found)
    {
        notes
            .push(Fault::warning(format!("{why}: RELAY for one means no more than OK")).of_value());
        action = Action::Ok;
    }
    if tag == Tag::To && matches!(action, Action::Quarantine(_)) {
        let message = "only what a sender or a client sends can be held; the entry has no effect";
        let hint = "for one recipient write `REJECT` or `DISCARD`".to_owned();
        return Err(Fault::warning(message).of_value().hint(Some(hint)));
    }
    Ok(Entry { tag, key: found, action, text: key.to_owned(), value: value.to_owned(), line })
}

/// What a stranger can choose must not open the relay.
fn no_right_to_relay(tag: Tag, key: &Key) -> Option<&'static str> {
    match (tag, key) {
        (Tag::From, _) => Some("anybody can write any sender"),
        (Tag::Connect, Key::Domain(_)) => Some("a client's name is what its owner's DNS says"),
        _ => None,
    }
}

/// Tags that sendmail has for things that are decided elsewhere here.
const OTHER_TAGS: &[&str] = &[
    "authinfo",
    "cert",
    "certissuer",
    "certsubject",
    "clientconn",
    "clientrate",
    "delay",
    "greetpause",
    "hello",
    "srv_features",
    "clt_features",
    "spam",
    "tls_clt",
    "tls_rcpt",
    "tls_srv",
    "totalrate",
    "try_tls",
];

fn tag(key: &str) -> Result<(Tag, &str), Fault> {
    for (word, tag) in [("connect:", Tag::Connect), ("from:", Tag::From), ("to:", Tag::To)] {
        if let Some(rest) = strip_tag(key, word) {
            if rest.is_empty() {
                let message = format!("nothing stands behind `{key}`: it can never match");
                let hint = "no white space between the tag and its key".to_owned();
                return Err(Fault::error(message).hint(Some(hint)));
            }
            return Ok((tag, rest));
        }
    }
    let Some((head, rest)) = key.split_once(':') else { return Ok((Tag::Any, key)) };
    let word = head.to_ascii_lowercase();
    if OTHER_TAGS.contains(&word.as_str()) {
        let message = format!("the tag `{head}:` is not supported; the entry has no effect");
        return Err(Fault::warning(message));
    }
    let is_tag = head.len() > 1 && head.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if is_tag
        && word != "ipv6"
        && !rest.starts_with(':')
        && !matches!(network(key), Network::Never(_))
    {
        let hint = nearest(&word, ["Connect:", "From:", "To:"]);
        return Err(Fault::error(format!("there is no tag `{head}:`")).hint(hint));
    }
    Ok((Tag::Any, key))
}

fn parse_key(tag: Tag, text: &str, notes: &mut Vec<Fault>) -> Result<Key, Fault> {
    match network(text) {
        Network::Never(why) => {
            return Err(Fault::warning(format!("`{text}` can never match: {why}")));
        }
        Network::Is(net, note) => {
            if matches!(tag, Tag::From | Tag::To) && !text.starts_with('[') {
                let message =
                    format!("`{text}` can never match: no address of a mail is a network");
                let hint = format!("for clients write `Connect:{text}`");
                return Err(Fault::warning(message).hint(Some(hint)));
            }
            notes.extend(note.map(Fault::warning));
            if matches!(tag, Tag::Connect | Tag::Any)
                && let Some(bare) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'))
            {
                notes.push(bracketed(text, bare));
            }
            return Ok(Key::Net(net));
        }
        Network::Not => {}
    }
    if let Some(user) = text.strip_suffix('@') {
        let invented = Address::parse(&format!("{user}@a.invalid"));
        let user =
            invented.map_err(|e| Fault::error(format!("`{text}` is no user: {}", e.kind)))?;
        return in_addresses(tag, text, Key::User(user.local.key()));
    }
    if text.contains('@') {
        if let Some(domain) = text.strip_prefix('@') {
            let hint = Some(format!("write `{domain}`"));
            return Err(Fault::warning(format!("`{text}` can never match")).hint(hint));
        }
        let address = Address::parse(text)
            .map_err(|e| Fault::error(format!("`{text}` is no address: {e}")))?;
        return in_addresses(tag, text, Key::Address(address));
    }
    if let Some(domain) = text.strip_prefix('.') {
        let hint = Some(format!("write `{domain}`: it covers everything below it"));
        return Err(Fault::warning(format!("`{text}` can never match")).hint(hint));
    }
    let domain = Domain::parse(text).map_err(|e| Fault::error(format!("`{text}`: {e}")))?;
    Ok(Key::Domain(domain))
}

/// To sendmail a key in brackets is the host of an address, `user@[192.0.2.7]`, and no client.
fn bracketed(text: &str, bare: &str) -> Fault {
    let message = format!(
        "`{text}` is taken for the client `{bare}` too: for sendmail brackets are for the host \
         of a mail address alone"
    );
    let hint = format!("write `Connect:{bare}` for the client, `From:{text}` for senders");
    Fault::warning(message).hint(Some(hint))
}

/// A client has a name and an address, but it is no mailbox.
fn in_addresses(tag: Tag, text: &str, key: Key) -> Result<Key, Fault> {
    if tag != Tag::Connect {
        return Ok(key);
    }
    let message = format!("`Connect:{text}` can never match: a client is no mail address");
    Err(Fault::warning(message).hint(Some(format!("for senders write `From:{text}`"))))
}

/// Values that sendmail knows and Gatepost has other means for.
const OTHER_VALUES: &[&str] = &["skip", "subject", "local", "friend", "hater", "spam"];
/// Bytes of the reason behind `QUARANTINE:`.
const QUARANTINE_REASON_MAX: usize = 200;
/// What is answered where the administrator gave a code alone.
const NO_TEXT: &str = "Access denied";

fn parse_action(value: &str) -> Result<Action, Fault> {
    let word = value.to_ascii_lowercase();
    match word.as_str() {
        "ok" => return Ok(Action::Ok),
        "relay" => return Ok(Action::Relay),
        "reject" => return Ok(Action::Reject),
        "discard" => return Ok(Action::Discard),
        _ => {}
    }
    if let Some(rest) = strip_tag(value, "error:") {
        return parse_error(rest);
    }
    if let Some(reason) = strip_tag(value, "quarantine:") {
        return quarantine(unquoted(reason.trim()));
    }
    if unquoted(value).starts_with(|c: char| c.is_ascii_digit()) {
        return parse_error(value);
    }
    let head = word.split([':', ' ', '\t']).next().unwrap_or_default();
    if OTHER_VALUES.contains(&head) {
        let message = format!("the value `{value}` is not supported; the entry has no effect");
        return Err(Fault::warning(message).of_value());
    }
    if value.contains('#') {
        let message = format!("the value is all of `{value}`: a comment has a line of its own");
        return Err(Fault::error(message).of_value());
    }
    let hint = nearest(head, ["OK", "RELAY", "REJECT", "DISCARD", "ERROR", "QUARANTINE"]);
    let message = format!("there is no value `{value}`");
    Err(Fault::error(message).of_value().hint(hint))
}

/// As sendmail has it since 8.13: the reason is for the administrator alone, and has to be there.
fn quarantine(reason: &str) -> Result<Action, Fault> {
    if reason.is_empty() || reason.len() > QUARANTINE_REASON_MAX {
        let message = format!("a reason of 1 to {QUARANTINE_REASON_MAX} bytes has to follow");
        return Err(Fault::error(message).of_value());
    }
    if reason.contains(char::is_control) {
        return Err(Fault::error("a reason has no control characters").of_value());
    }
    Ok(Action::Quarantine(reason.to_owned()))
}

/// `d.s.n:code text`, `code text` or `code d.s.n text`; the text, or all from the code on, may be
/// in double quotes.
fn parse_error(text: &str) -> Result<Action, Fault> {
    let (status, rest) = match text.split_once(':') {
        Some((head, rest)) if enhanced(head.trim()).is_some() => (enhanced(head.trim()), rest),
        _ => (None, text),
    };
    let rest = unquoted(rest.trim());
    let (code, words) = rest.split_once([' ', '\t']).unwrap_or((rest, NO_TEXT));
    let Some(code) = reply_code(code) else {
        let message = format!("`{code}` is no code from 400 to 599");
        return Err(Fault::error(message).of_value());
    };
    let words = unquoted(words.trim());
    let (first, tail) = words.split_once(' ').unwrap_or((words, NO_TEXT));
    let (status, words) = match (status, enhanced(first)) {
        (None, Some(status)) => (Some(status), tail),
        (status, _) => (status, words),
    };
    reply(code, status, words).map(Action::Error).map_err(|why| Fault::error(why).of_value())
}

/// Without the double quotes around it, if it has them.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests;
