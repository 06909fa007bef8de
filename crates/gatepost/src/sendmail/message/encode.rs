//! Text that is not ASCII, or whose lines are too long, as the standards of 7-bit mail write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::Address;
use std::fmt::Write;

/// Bytes of text in one encoded word: its base64 and frame stay within 75 characters
/// (RFC 2047 §2).
const WORD_MAX: usize = 39;
/// Characters of a display name; a line of a header has 998 bytes (RFC 5322 §2.1.1).
const NAME_MAX: usize = 200;
/// Characters of a line in quoted-printable, with the `=` of a soft break (RFC 2045 §6.7).
const QUOTED_MAX: usize = 76;

/// Names the body's kind where nobody did, and encodes it where its lines are longer than
/// `line_max`. The fields to add (none for plain ASCII), and the body.
pub(super) fn declare(body: Vec<u8>, line_max: usize) -> (String, Vec<u8>) {
    let long = body.split(|byte| *byte == b'\n').any(|line| line.len() > line_max + 1);
    let odd = body.contains(&0) || has_bare_cr(&body);
    if body.is_ascii() && !long && !odd {
        return (String::new(), body);
    }
    // Text of an unknown charset is called that (RFC 1428 §3).
    let charset = match (body.is_ascii(), std::str::from_utf8(&body)) {
        (true, _) => "us-ascii",
        (false, Ok(_)) => "utf-8",
        (false, Err(_)) => "unknown-8bit",
    };
    let (encoding, body) = match long || odd {
        true => ("quoted-printable", quoted_printable(&body)),
        false => ("8bit", body),
    };
    let mut fields = String::from("MIME-Version: 1.0\r\n");
    let _ = write!(
        fields,
        "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    );
    (fields, body)
}

fn has_bare_cr(body: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', body).any(|at| body.get(at + 1) != Some(&b'\n'))
}

/// RFC 2045 §6.7; line ends stay.
pub(super) fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 8);
    let mut column = 0;
    let mut bytes = body.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let following = body.get(at + 1).copied();
        if byte == b'\r' && following == Some(b'\n') {
            out.extend_from_slice(b"\r\n");
            column = 0;
            bytes.next();
            continue;
        }
        let ends_line = matches!(following, None | Some(b'\r'));
        let literal = match byte {
            b' ' | b'\t' => !ends_line,
            b'=' => false,
            _ => (b'!'..=b'~').contains(&byte),
        };
        let width = if literal { 1 } else { 3 };
        if column + width >= QUOTED_MAX {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += width;
        match literal {
            true => out.push(byte),
            false => out.extend_from_slice(format!("={byte:02X}").as_bytes()),
        }
    }
    out
}

/// Text as encoded words, folded (RFC 2047 §2).
pub(super) fn words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut put = |part: &str| words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(part)));
    for c in text.chars() {
        // A word may not end within a character.
        if part.len() + c.len_utf8() > WORD_MAX {
            put(&part);
            part.clear();
        }
        part.push(c);
    }
    put(&part);
    words.join("\r\n ")
}

/// A mailbox with its display name, if it has one.
pub(super) fn mailbox(name: Option<&str>, address: &Address) -> String {
    let clean =
        |name: &str| name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect::<String>();
    match name.map(clean).filter(|name| !name.trim().is_empty()) {
        None => address.to_string(),
        Some(name) if name.is_ascii() => {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{}\" <{address}>", quoted.trim())
        }
        Some(name) => format!("{} <{address}>", words(name.trim())),
    }
}
