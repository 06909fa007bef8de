//! The message that a program writes to us, as SMTP wants it: lines that end in CRLF, addresses
//! with a domain, a From, and 8-bit text called what it is.
//!
//! Programs of Unix write LF, and names of this machine alone (`To: root`). That is mended here, on
//! the side of who wrote it; the server stays as strict as it is to everybody. Pure.

use mail::address_list::{AddressList, MAILBOXES_MAX, Mailbox};
use mail::{Address, AddressError, Domain, ReversePath};
use std::fmt::Write;

mod encode;

/// Bytes of a header: more than any server takes.
const HEADER_MAX: usize = 1 << 20;
/// Longest body line that goes as it is (RFC 5321 §4.5.3.1.6), without its end.
const LINE_MAX: usize = 998;

/// What is wrong with a message or an address: a sentence for who called us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(pub(crate) String);

/// A message, taken apart as far as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    fields: Vec<Field>,
    /// With CRLF at each line's end.
    body: Vec<u8>,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// In lower case.
    name: String,
    /// The whole of it, with CRLF at each line's end.
    text: Vec<u8>,
}

/// Who sends, for what the message lacks.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// The domain of names without one.
    pub(crate) hostname: Domain,
    /// The envelope's sender.
    pub(crate) sender: ReversePath,
    /// The address that is the user's own.
    pub(crate) own: Address,
    pub(crate) full_name: Option<String>,
    /// Root may call itself by every name of this machine.
    pub(crate) is_root: bool,
}

impl Message {
    /// Takes apart what was written; `ignore_dots`: a line that is a dot alone does not end it.
    pub(crate) fn read(input: &[u8], ignore_dots: bool) -> Result<Self, Unfit> {
        let mut lines = Lines { rest: input, ignore_dots };
        let mut fields: Vec<Field> = Vec::new();
        let (mut size, mut body) = (0, Vec::new());
        for line in lines.by_ref() {
            size += line.len() + 2;
            if size > HEADER_MAX {
                return Err(Unfit(format!("the header is larger than {HEADER_MAX} bytes")));
            }
            // The first line of a mailbox of old, which some programs leave there.
            if fields.is_empty() && line.starts_with(b"From ") {
                continue;
            }
            match (field_name(line), fields.last_mut()) {
                (_, Some(field)) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    put(&mut field.text, line);
                }
                (Some(name), _) => {
                    let mut field = Field { name, text: Vec::new() };
                    put(&mut field.text, line);
                    fields.push(field);
                }
                // No field: the header is over, with or without an empty line behind it.
                (None, _) => {
                    if !line.is_empty() {
                        put(&mut body, line);
                    }
                    break;
                }
            }
        }
        for line in lines {
            put(&mut body, line);
        }
        Ok(Self { fields, body })
    }

    /// Whom the header names, with Resent- fields in place of the others where there are any
    /// (RFC 5322 §3.6.6).
    pub(crate) fn recipients(&self, hostname: &Domain) -> Result<Vec<Address>, Unfit> {
        const PLAIN: [&str; 3] = ["to", "cc", "bcc"];
        const RESENT: [&str; 3] = ["resent-to", "resent-cc", "resent-bcc"];
        let has = |names: [&str; 3]| self.fields.iter().any(|f| names.contains(&f.name.as_str()));
        let names = if has(RESENT) { RESENT } else { PLAIN };
        let mut found = Vec::new();
        for field in self.fields.iter().filter(|field| names.contains(&field.name.as_str())) {
            let list = field.addresses();
            if list.mailboxes.len() >= MAILBOXES_MAX {
                let text = format!("{} names more than {MAILBOXES_MAX} recipients", field.name);
                return Err(Unfit(text));
            }
            for mailbox in list.mailboxes.iter().filter(|mailbox| !mailbox.text.is_empty()) {
                found.push(address(&mailbox.text, hostname)?);
            }
        }
        Ok(found)
    }

    /// The message as it is sent, with what it lacked and without Bcc.
    pub(crate) fn finish(self, author: &Author) -> Result<Vec<u8>, Unfit> {
        let Self { mut fields, body } = self;
        fields.retain(|field| !matches!(field.name.as_str(), "bcc" | "resent-bcc"));
        for field in &mut fields {
            field.qualify(author);
            field.encode_subject();
        }
        let mut out = Vec::with_capacity(body.len() + 4_096);
        if !fields.iter().any(|field| field.name == "from") {
            out.extend_from_slice(from(author).as_bytes());
        }
        let is_mime =
            |field: &Field| field.name == "mime-version" || field.name.starts_with("content-");
        let (declared, body) = match fields.iter().any(is_mime) {
            true => (String::new(), sendable(body)?),
            false => encode::declare(body, LINE_MAX),
        };
        for field in fields {
            out.extend_from_slice(&field.text);
        }
        out.extend_from_slice(declared.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&body);
        Ok(out)
    }
}

/// A body that says by itself how it is encoded goes as it is, or not at all.
fn sendable(body: Vec<u8>) -> Result<Vec<u8>, Unfit> {
    let long = body.split(|byte| *byte == b'\n').any(|line| line.len() > LINE_MAX + 1);
    if long {
        let text = format!("a line is longer than {LINE_MAX} bytes; encode the body (RFC 2045)");
        return Err(Unfit(text));
    }
    Ok(body)
}

impl Field {
    fn value(&self) -> Vec<u8> {
        let colon = self.text.iter().position(|byte| *byte == b':').map_or(0, |at| at + 1);
        let value = self.text.get(colon..).unwrap_or_default();
        value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
    }

    fn addresses(&self) -> AddressList {
        AddressList::parse(&self.value())
    }

    /// Gives names without a domain this machine's. Whom a program calls its author so is who runs
    /// it: cron writes `From: root (Cron Daemon)` for everybody.
    fn qualify(&mut self, author: &Author) {
        const FIELDS: &[&str] = &["from", "sender", "reply-to", "to", "cc"];
        if !FIELDS.contains(&self.name.as_str()) {
            return;
        }
        let names_author = matches!(self.name.as_str(), "from" | "sender");
        let list = self.addresses();
        let bare = |mailbox: &Mailbox| !mailbox.text.is_empty() && !mailbox.text.contains('@');
        if !list.mailboxes.iter().any(bare) || list.mailboxes.len() >= MAILBOXES_MAX {
            return;
        }
        let written = list.mailboxes.iter().filter(|mailbox| !mailbox.text.is_empty());
        let written: Option<Vec<String>> = written
            .map(|mailbox| {
                let is_bare = bare(mailbox) && names_author && !author.is_root;
                let named = || address(&mailbox.text, &author.hostname).ok();
                let address = if is_bare { author.own.clone() } else { named()? };
                Some(encode::mailbox(mailbox.name.as_deref(), &address))
            })
            .collect();
        // What is no address at all stays as it is: the server says what it thinks of it.
        let Some(written) = written else { return };
        let (first, rest) = self.name.split_at_checked(1).unwrap_or((&self.name, ""));
        let name = format!("{}{rest}", first.to_ascii_uppercase());
        self.text = format!("{name}: {}\r\n", written.join(",\r\n\t")).into_bytes();
    }

    /// Writes a Subject in plain UTF-8 as the standard has it (RFC 2047).
    fn encode_subject(&mut self) {
        if self.name != "subject" || self.text.is_ascii() {
            return;
        }
        if let Ok(value) = String::from_utf8(self.value()) {
            self.text = format!("Subject: {}\r\n", encode::words(value.trim())).into_bytes();
        }
    }
}

/// An address as it is typed: `anna@example.org`, or a name of this machine.
pub(crate) fn address(text: &str, hostname: &Domain) -> Result<Address, Unfit> {
    let bare = text.trim();
    let bare = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(bare);
    let read = match bare.contains('@') {
        true => Address::parse(bare),
        false => Address::at(bare, hostname),
    };
    read.map_err(|error: AddressError| Unfit(format!("`{text}` is no address: {error}")))
}

fn from(author: &Author) -> String {
    let address = author.sender.address().unwrap_or(&author.own);
    let mut line = String::from("From: ");
    let _ = write!(line, "{}\r\n", encode::mailbox(author.full_name.as_deref(), address));
    line
}

fn put(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.extend_from_slice(b"\r\n");
}

/// The name of the field that a line begins, in lower case (RFC 5322 §3.6.8).
fn field_name(line: &[u8]) -> Option<String> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(|byte| (b'!'..=b'~').contains(byte));
    good.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// Lines that end in LF or CRLF, until the end or the line that is a dot.
struct Lines<'a> {
    rest: &'a [u8],
    ignore_dots: bool,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = match end {
            Some(at) => (self.rest.get(..at)?, self.rest.get(at + 1..)?),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == b"." && !self.ignore_dots {
            self.rest = &[];
            return None;
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests;
