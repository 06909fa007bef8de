//! Broken messages: families of evasion (numbers as in the list of families) times payloads.

mod bodies;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Name and bytes of each message.
pub(crate) fn messages() -> BTreeMap<String, Vec<u8>> {
    let mut binary = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".to_vec();
    binary.extend((0..300_u16).flat_map(|n| n.wrapping_mul(7919).to_be_bytes()));
    let script = b"WScript.Echo \"one\"\r\nCreateObject(\"x\").Run \"calc\"\r\n".repeat(3);
    let small = b"#!/bin/sh\nrm -rf x\n".to_vec();
    let mut messages = BTreeMap::new();
    for (payload, bytes) in [("binary", binary), ("script", script), ("small", small)] {
        let make = Make { bytes: &bytes };
        let families = [
            make.boundaries(),
            make.delimiters(),
            make.headers(),
            make.base64(),
            make.quoted(),
            make.encodings(),
            make.blocks(),
            make.messages(),
            make.line_ends(),
            make.parameters(),
        ];
        for (name, message) in families.into_iter().flatten() {
            let known = messages.insert(format!("{name}-{payload}"), message);
            assert!(known.is_none(), "{name} twice");
        }
    }
    messages
}

type Named = Vec<(&'static str, Vec<u8>)>;

struct Make<'a> {
    bytes: &'a [u8],
}

const HEAD: &str = "From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n";

/// A message with this header and body.
fn mail(header: &str, body: &str) -> Vec<u8> {
    format!("{HEAD}MIME-Version: 1.0\r\n{header}\r\n{body}").into_bytes()
}

/// Delimiters of one boundary around parts.
fn parts(boundary: &str, inner: &[&str]) -> String {
    let part = |inner: &&str| format!("--{boundary}\r\n{inner}\r\n");
    inner.iter().map(part).collect::<String>() + &format!("--{boundary}--\r\n")
}

fn mixed(boundary: &str, inner: &[&str]) -> Vec<u8> {
    let header = format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n");
    mail(&header, &parts(boundary, inner))
}

const TEXT: &str = "Content-Type: text/plain\r\n\r\nhello";

fn wrap(text: &str, width: usize) -> String {
    let lines = text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line) + "\r\n");
    lines.collect()
}

impl Make<'_> {
    fn encoded(&self) -> String {
        STANDARD.encode(self.bytes)
    }

    fn file_header(encoding: &str) -> String {
        format!(
            "Content-Type: application/octet-stream; name=a.exe\r\n\
             Content-Disposition: attachment; filename=a.exe\r\n\
             Content-Transfer-Encoding: {encoding}\r\n"
        )
    }

    /// The file as a part.
    fn file(&self) -> String {
        format!("{}\r\n{}", Self::file_header("base64"), wrap(&self.encoded(), 76))
    }

    fn with_body(encoding: &str, body: &str) -> Vec<u8> {
        mixed("b0", &[TEXT, &format!("{}\r\n{body}", Self::file_header(encoding))])
    }

    fn boundaries(&self) -> Named {
        let file = self.file();
        let with = |header: &str, boundary: &str| {
            mail(&format!("Content-Type: {header}\r\n"), &parts(boundary, &[TEXT, &file]))
        };
        let twice = "Content-Type: multipart/mixed; boundary=a1\r\n\
            Content-Type: multipart/mixed; boundary=b2\r\n";
        let text_first =
            "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=a1\r\n";
        let text_last =
            "Content-Type: multipart/mixed; boundary=a1\r\nContent-Type: text/plain\r\n";
        let both = |header: &str, name: &str| mail(header, &parts(name, &[TEXT, &file]));
        vec![
            ("30-boundary-twice-first", with("multipart/mixed; boundary=a1; boundary=b2", "a1")),
            ("30-boundary-twice-last", with("multipart/mixed; boundary=a1; boundary=b2", "b2")),
            ("30-type-twice-first", both(twice, "a1")),
            ("30-type-twice-last", both(twice, "b2")),
            ("30-text-then-multipart", both(text_first, "a1")),
            ("30-multipart-then-text", both(text_last, "a1")),
            ("30-no-boundary", with("multipart/mixed", "a1")),
            ("30-empty-boundary", with("multipart/mixed; boundary=\"\"", "")),
            ("30-escaped-boundary", with("multipart/mixed; boundary=\"a\\1\"", "a1")),
            ("30-backslash-boundary", with("multipart/mixed; boundary=\"a\\1\"", "a\\1")),
            ("30-quote-in-boundary", with("multipart/mixed; boundary=\"a\\\"1\"", "a\"1")),
            ("30-comment-behind", with("multipart/mixed; boundary=a1 (x)", "a1")),
            ("30-comment-inside", with("multipart/mixed; boundary=a1(x)", "a1(x)")),
            ("30-comment-before", with("multipart/mixed; boundary=(x)a1", "a1")),
            ("30-blank-boundary", with("multipart/mixed; boundary=\"a1 \"", "a1 ")),
            ("30-blank-lost", with("multipart/mixed; boundary=\"a1 \"", "a1")),
            ("30-two-words", with("multipart/mixed; boundary=a1 b2", "a1 b2")),
            ("30-two-words-first", with("multipart/mixed; boundary=a1 b2", "a1")),
            ("30-rfc2231-boundary", with("multipart/mixed; boundary*=us-ascii''a%311", "a11")),
            ("30-rfc2231-raw", with("multipart/mixed; boundary*=us-ascii''a1", "us-ascii''a1")),
            ("30-continued", with("multipart/mixed; boundary*0=a; boundary*1=1", "a1")),
            ("30-continued-half", with("multipart/mixed; boundary*0=a; boundary*1=1", "a")),
            ("30-single-quotes", with("multipart/mixed; boundary='a1'", "a1")),
            ("30-single-quotes-kept", with("multipart/mixed; boundary='a1'", "'a1'")),
            ("30-open-quote", with("multipart/mixed; boundary=\"a1", "a1")),
            ("30-half-quote", with("multipart/mixed; boundary=a1\"", "a1")),
            ("30-text-behind-quote", with("multipart/mixed; boundary=\"a1\"b", "a1")),
            ("30-no-semicolon", with("multipart/mixed boundary=a1", "a1")),
            ("30-blanks-around-equals", with("multipart/mixed; boundary = a1", "a1")),
            ("30-quoted-type", with("\"multipart/mixed\"; boundary=a1", "a1")),
            ("30-half-type", with("multipart; boundary=a1", "a1")),
            ("30-unknown-multipart", with("multipart/x-strange; boundary=a1", "a1")),
            ("30-text-with-boundary", with("text/plain; boundary=a1", "a1")),
            ("30-encoded-word", with("multipart/mixed; boundary=\"=?us-ascii?q?a1?=\"", "a1")),
            ("30-colon", with("multipart/mixed; boundary=:a1", ":a1")),
            ("30-case", with("Multipart/Mixed; BOUNDARY=AbC", "AbC")),
            ("30-case-differs", with("multipart/mixed; boundary=AbC", "abc")),
            ("30-long-boundary", with(&format!("multipart/mixed; boundary={LONG}"), LONG)),
        ]
    }

    fn delimiters(&self) -> Named {
        let file = self.file();
        let head = "Content-Type: multipart/mixed; boundary=\"b0\"\r\n";
        let body = |text: String| mail(head, &text);
        let inner = |outer: &str, inner: &str, missing: bool| {
            let mut nested = format!(
                "Content-Type: multipart/mixed; boundary=\"{inner}\"\r\n\r\n{}",
                parts(inner, &[TEXT, &file])
            );
            if missing {
                nested = nested.replace(&format!("--{inner}--\r\n"), "");
            }
            mixed(outer, &[TEXT, &nested, TEXT])
        };
        let mut deep = format!("--d19\r\n{file}\r\n--d19--\r\n");
        for level in (0..19).rev() {
            let next = level + 1;
            deep = format!(
                "--d{level}\r\nContent-Type: multipart/mixed; boundary=\"d{next}\"\r\n\r\n{deep}\r\n\
                 --d{level}--\r\n"
            );
        }
        vec![
            ("30-no-close", body(format!("--b0\r\n{TEXT}\r\n--b0\r\n{file}"))),
            ("30-preamble", body(format!("{file}\r\n{}", parts("b0", &[TEXT])))),
            ("30-epilogue", body(format!("{}--b0\r\n{file}\r\n", parts("b0", &[TEXT])))),
            ("30-epilogue-closed", body(parts("b0", &[TEXT]) + &parts("b0", &[&file]))),
            ("30-blanks-behind", body(parts("b0", &[TEXT, &file]).replace("--b0\r", "--b0 \t\r"))),
            ("30-text-behind", body(parts("b0", &[TEXT, &file]).replace("--b0\r", "--b0x\r"))),
            (
                "30-text-behind-once",
                body(parts("b0", &[TEXT]).replace("--b0--", "--b0x\r\n") + &file),
            ),
            ("30-close-blank", body(format!("--b0\r\n{TEXT}\r\n--b0-- \r\n--b0\r\n{file}\r\n"))),
            (
                "30-close-text",
                body(format!("--b0\r\n{TEXT}\r\n--b0--x\r\n--b0\r\n{file}\r\n--b0--")),
            ),
            ("30-only-close", body(format!("--b0--\r\n{file}\r\n--b0--\r\n"))),
            ("30-blank-before", body(format!("--b0\r\n{TEXT}\r\n --b0\r\n{file}\r\n--b0--\r\n"))),
            (
                "30-delimiter-in-file",
                Self::with_body("base64", &split(&self.encoded(), "--b0x\r\n")),
            ),
            ("30-dashes-in-file", Self::with_body("base64", &split(&self.encoded(), "--\r\n"))),
            ("30-nested", inner("o1", "i2", false)),
            ("30-nested-no-close", inner("o1", "i2", true)),
            ("30-nested-prefix", inner("b", "b1", false)),
            ("30-nested-prefix-back", inner("b1", "b", false)),
            ("30-nested-same", inner("b", "b", false)),
            ("30-deep", mail("Content-Type: multipart/mixed; boundary=\"d0\"\r\n", &deep)),
        ]
    }

    fn headers(&self) -> Named {
        let encoded = wrap(&self.encoded(), 76);
        let part = |header: &str| mixed("b0", &[TEXT, &format!("{header}\r\n{encoded}")]);
        let kind = "Content-Type: application/octet-stream; name=a.exe\r\n";
        let base64 = "Content-Transfer-Encoding: base64\r\n";
        let file = self.file();
        let top = |header: &str| {
            format!("{HEAD}{header}\r\n{}", parts("b0", &[TEXT, &file])).into_bytes()
        };
        let multipart = "Content-Type: multipart/mixed; boundary=b0\r\n";
        vec![
            (
                "30-encoding-twice-first",
                part(&format!("{kind}{base64}Content-Transfer-Encoding: 7bit\r\n")),
            ),
            (
                "30-encoding-twice-last",
                part(&format!("{kind}Content-Transfer-Encoding: 7bit\r\n{base64}")),
            ),
            (
                "30-encoding-qp-base64",
                part(&format!("{kind}Content-Transfer-Encoding: quoted-printable\r\n{base64}")),
            ),
            (
                "30-blank-colon-encoding",
                part(&format!("{kind}Content-Transfer-Encoding : base64\r\n")),
            ),
            (
                "30-blank-colon-type",
                part(&format!("Content-Type : application/x; name=a.exe\r\n{base64}")),
            ),
            ("30-odd-line", part(&format!("{kind}this is no field\r\n{base64}"))),
            ("30-blank-line", part(&format!("{kind} \r\n{base64}"))),
            ("30-tab-line", part(&format!("{kind}\t\r\n{base64}"))),
            ("30-no-type", part(base64)),
            (
                "30-folded-encoding",
                part(&format!("{kind}Content-Transfer-Encoding:\r\n base64\r\n")),
            ),
            ("30-mbox-line", part(&format!("From x\r\n{kind}{base64}"))),
            ("30-no-colon", part(&format!("{kind}Content-Transfer-Encoding base64\r\n"))),
            ("30-first-continued", part(&format!(" {kind}{base64}"))),
            ("30-no-mime-version", top(multipart)),
            ("30-mime-version-odd", top(&format!("MIME-Version: 2.0 (x)\r\n{multipart}"))),
            ("30-top-odd-line", top(&format!("no field\r\nMIME-Version: 1.0\r\n{multipart}"))),
            ("30-top-blank-line", top(&format!(" \r\nMIME-Version: 1.0\r\n{multipart}"))),
            (
                "30-top-blank-colon",
                top("MIME-Version : 1.0\r\nContent-Type : multipart/mixed; boundary=b0\r\n"),
            ),
            (
                "30-top-late",
                format!(
                    "{HEAD}\r\nMIME-Version: 1.0\r\n{multipart}\r\n{}",
                    parts("b0", &[TEXT, &file])
                )
                .into_bytes(),
            ),
            ("33-nul-in-header", top(&format!("MIME-Version: 1.0\r\nX: \0\r\n{multipart}"))),
            ("33-nul-before-type", top(&format!("MIME-Version: 1.0\r\n\0{multipart}"))),
            ("30-top-file", mail(&Self::file_header("base64"), &encoded)),
        ]
    }

    fn line_ends(&self) -> Named {
        let whole = String::from_utf8(mixed("b0", &[TEXT, &self.file()])).expect("text");
        let (head, body) = whole.split_once("\r\n\r\n").expect("a header");
        vec![
            ("33-lf", whole.replace("\r\n", "\n").into_bytes()),
            ("33-cr", whole.replace("\r\n", "\r").into_bytes()),
            ("33-lf-header", format!("{}\n\n{body}", head.replace("\r\n", "\n")).into_bytes()),
            ("33-cr-header", format!("{}\r\r{body}", head.replace("\r\n", "\r")).into_bytes()),
            ("33-lf-delimiters", whole.replace("--b0\r\n", "--b0\n").into_bytes()),
            ("33-cr-delimiters", whole.replace("--b0\r\n", "--b0\r").into_bytes()),
            ("33-cr-before", whole.replace("\r\n--b0", "\r--b0").into_bytes()),
            ("33-lf-before", whole.replace("\r\n--b0", "\n--b0").into_bytes()),
            ("33-cr-cr-lf", whole.replace("\r\n", "\r\r\n").into_bytes()),
            ("33-cr-part-header", whole.replace("a.exe\r\n", "a.exe\r").into_bytes()),
            ("33-cr-end-of-header", whole.replace("base64\r\n\r\n", "base64\r\r").into_bytes()),
            ("33-lf-end-of-header", whole.replace("base64\r\n\r\n", "base64\n\n").into_bytes()),
            ("33-nul-delimiter", whole.replace("--b0\r\n", "--b0\0\r\n").into_bytes()),
        ]
    }

    fn parameters(&self) -> Named {
        let encoded = wrap(&self.encoded(), 76);
        let with = |value: &str| {
            mixed(
                "b0",
                &[
                    TEXT,
                    &format!(
                        "Content-Type: application/octet-stream; {value}\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
                    ),
                ],
            )
        };
        vec![
            ("34-open-quote", with("name=\"a.exe")),
            ("34-no-semicolon", with("name=a.exe charset=x")),
            ("34-comment", with("name=(x)a.exe(y)")),
            ("34-backslash", with("name=\"a\\.exe\"")),
            ("34-upper", with("NAME=A.EXE")),
            ("34-folded", with("name=\"a.\r\n exe\"")),
            ("34-many", with(&format!("{}name=a.exe", "x=y; ".repeat(3_000)))),
            ("34-rfc2231", with("name*0*=us-ascii''a%2E; name*1=exe")),
        ]
    }
}

const LONG: &str = "0123456789012345678901234567890123456789012345678901234567890123456789012345";

/// `code` in lines, with `between` in its middle.
fn split(code: &str, between: &str) -> String {
    let (front, back) = code.split_at(code.len() / 8 * 4);
    format!("{}{between}{}", wrap(front, 76), wrap(back, 76))
}
