//! Broken bodies: encodings, blocks in text, messages inside.

use super::{HEAD, Make, Named, TEXT, mail, mixed, parts, wrap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

impl Make<'_> {
    pub(super) fn base64(&self) -> Named {
        let code = self.encoded();
        let lines = wrap(&code, 76);
        let half = self.bytes.len() / 2 / 3 * 3 + 1;
        let (front, back) = self.bytes.split_at(half);
        let two = format!("{}\r\n{}\r\n", STANDARD.encode(front), STANDARD.encode(back));
        let inline = two.replacen("\r\n", "", 1);
        let every = |n: usize, junk: &str| {
            let chunks = code.as_bytes().chunks(n).map(|c| String::from_utf8_lossy(c) + junk);
            wrap(&chunks.collect::<String>(), 76)
        };
        let body = |text: &str| Self::with_body("base64", text);
        vec![
            ("31-clean", body(&lines)),
            ("31-junk-each", body(&every(7, "!"))),
            ("31-junk-many", body(&every(4, "*#"))),
            ("31-blanks", body(&every(5, " "))),
            ("31-dots", body(&every(76, "."))),
            ("31-nul", body(&every(9, "\0"))),
            ("31-eight-bit", body(&every(10, "\u{e9}"))),
            ("31-minus", body(&every(11, "-"))),
            ("31-url", body(&lines.replace('+', "-").replace('/', "_"))),
            ("31-padding-first", body(&format!("=\r\n{lines}"))),
            ("31-padding-early", body(&format!("{}=={}", &code[..2], &code[2..]))),
            ("31-padding-inside", body(&every(8, "="))),
            ("31-padding-line", body(&format!("{}\r\n====\r\n{}", &code[..8], &code[8..]))),
            ("31-concatenated", body(&two)),
            ("31-concatenated-inline", body(&inline)),
            ("31-one-line", body(&code)),
            ("31-lines-of-1", body(&wrap(&code, 1))),
            ("31-lines-of-3", body(&wrap(&code, 3))),
            ("31-lines-of-5", body(&wrap(&code, 5))),
            ("31-lines-of-77", body(&wrap(&code, 77))),
            ("31-long-lines", body(&wrap(&code, 600))),
            ("31-no-padding", body(lines.trim_end().trim_end_matches('='))),
            ("31-cut-short", body(&lines[..lines.trim_end().len() - 5])),
            ("31-one-more", body(&format!("{}A\r\n", lines.trim_end()))),
            ("31-text-before", body(&format!("This is junk.\r\n{lines}"))),
            ("31-text-behind", body(&format!("{lines}-- \r\nA list's footer\r\n"))),
            (
                "31-empty-lines",
                body(&format!("\r\n\r\n{}", wrap(&code, 20).replace("\r\n", "\r\n\r\n"))),
            ),
            ("31-quoted-lines", body(&lines.replace("\r\n", "\r\n> "))),
        ]
    }

    pub(super) fn quoted(&self) -> Named {
        let upper: String = self.bytes.iter().map(|b| format!("={b:02X}")).collect();
        let lower = upper.to_ascii_lowercase();
        let soft = |text: &str, end: &str| {
            let chunks = text.as_bytes().chunks(72).map(|c| String::from_utf8_lossy(c) + end);
            chunks.collect::<String>()
        };
        let body = |text: &str| Self::with_body("quoted-printable", text);
        vec![
            ("31-qp-clean", body(&soft(&upper, "=\r\n"))),
            ("31-qp-lower", body(&soft(&lower, "=\r\n"))),
            ("31-qp-blank-soft", body(&soft(&upper, "= \r\n"))),
            ("31-qp-tab-soft", body(&soft(&upper, "=\t\t\r\n"))),
            ("31-qp-lf-soft", body(&soft(&upper, "=\n"))),
            ("31-qp-cr-soft", body(&soft(&upper, "=\r"))),
            ("31-qp-bare", body(&format!("=\r\n=Z{}=", soft(&upper, "=\r\n")))),
            ("31-qp-double", body(&format!("=={upper}"))),
            ("31-qp-odd", body(&format!("x=3y=G1= a{}", soft(&upper, "=\r\n")))),
            // Longer lines ripmime cuts in the middle of an escape.
            ("31-qp-one-line", body(&upper[..upper.len().min(900)])),
            ("31-qp-blanks-behind", body(&upper.replace("=0A", "  \r\n"))),
        ]
    }

    pub(super) fn encodings(&self) -> Named {
        let lines = wrap(&self.encoded(), 76);
        let with = |word: &str| Self::with_body(word, &lines);
        vec![
            ("31-word-quoted", with("\"base64\"")),
            ("31-word-semicolon", with("base64;")),
            ("31-word-comment", with("base64 (x)")),
            ("31-word-comment-before", with("(x) base64")),
            ("31-word-junk", with("base64 junk")),
            ("31-word-upper", with("BASE64")),
            ("31-word-dash", with("base-64")),
            ("31-word-x", with("x-base64")),
            ("31-word-two", with("7bit, base64")),
            ("31-word-unknown", with("strange")),
            ("31-word-empty", with("")),
            ("31-word-prefix", with("base641")),
            ("31-word-dot", with("base64.")),
            ("31-uuencode", Self::with_body("x-uuencode", &self.uu("a.exe", '`'))),
            ("31-uue", Self::with_body("x-uue", &self.uu("a.exe", '`'))),
            ("31-uuencode-plain", Self::with_body("uuencode", &self.uu("a.exe", '`'))),
        ]
    }

    fn uu(&self, name: &str, zero: char) -> String {
        let mut out = format!("begin 644 {name}\r\n");
        let digit = |n: u32| match n & 63 {
            0 => zero,
            n => char::from(b' ' + n as u8),
        };
        for line in self.bytes.chunks(45) {
            out.push(digit(line.len() as u32));
            for group in line.chunks(3) {
                let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
                let bits = at(0) << 16 | at(1) << 8 | at(2);
                out.extend([18, 12, 6, 0].map(|shift| digit(bits >> shift)));
            }
            out.push_str("\r\n");
        }
        format!("{out}{zero}\r\nend\r\n")
    }

    pub(super) fn blocks(&self) -> Named {
        let text = |body: &str| mail("Content-Type: text/plain\r\n", body);
        let uu = self.uu("a.exe", '`');
        let bare = |body: &str| format!("{HEAD}\r\n{body}").into_bytes();
        let based = format!("begin-base64 644 a.exe\r\n{}====\r\n", wrap(&self.encoded(), 60));
        let mixed_text = format!("Content-Type: text/plain\r\n\r\nhello\r\n{uu}");
        let head = "Content-Type: multipart/mixed; boundary=b0\r\n";
        vec![
            ("21-uu", text(&format!("hello\r\n\r\n{uu}bye\r\n"))),
            ("21-uu-no-mime", bare(&format!("hello\r\n{uu}"))),
            ("21-uu-blanks", text(&self.uu("a.exe", ' '))),
            ("21-uu-no-name", text(&self.uu("", '`'))),
            ("21-uu-blank-name", text(&self.uu("a b.exe", '`'))),
            ("21-uu-no-end", text(uu.trim_end_matches("`\r\nend\r\n"))),
            ("21-uu-twice", text(&format!("{uu}\r\n{uu}"))),
            ("21-uu-in-part", mixed("b0", &[&mixed_text, TEXT])),
            ("21-uu-preamble", mail(head, &format!("{uu}\r\n{}", parts("b0", &[TEXT])))),
            ("21-uu-epilogue", mail(head, &format!("{}{uu}\r\n", parts("b0", &[TEXT])))),
            ("21-uu-base64", text(&based)),
            (
                "22-apple-double",
                mixed(
                    "b0",
                    &[
                        TEXT,
                        &format!(
                            "Content-Type: application/applefile\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                            wrap(&STANDARD.encode(self.apple()), 76)
                        ),
                    ],
                ),
            ),
        ]
    }

    fn apple(&self) -> Vec<u8> {
        let mut out = vec![0, 5, 0x16, 0, 0, 2, 0, 0];
        out.extend([0; 16]);
        out.extend([0, 1, 0, 0, 0, 1, 0, 0, 0, 38]);
        out.extend((self.bytes.len() as u32).to_be_bytes());
        out.extend(self.bytes);
        out
    }

    pub(super) fn messages(&self) -> Named {
        let file = self.file();
        let inner = String::from_utf8(mixed("i0", &[TEXT, &file])).expect("text");
        let with = |header: &str, body: &str| mixed("b0", &[TEXT, &format!("{header}\r\n{body}")]);
        let coded = wrap(&STANDARD.encode(&inner), 76);
        let quoted = inner.replace('=', "=3D");
        let digest = mail(
            "Content-Type: multipart/digest; boundary=\"b0\"\r\n",
            &parts("b0", &[&format!("\r\n{inner}")]),
        );
        let rfc822 = "Content-Type: message/rfc822\r\n";
        let twice = format!("{rfc822}\r\n{HEAD}MIME-Version: 1.0\r\n{rfc822}\r\n{inner}");
        let signed = mail(
            "Content-Type: multipart/signed; protocol=x; micalg=y; boundary=\"b0\"\r\n",
            &parts("b0", &[&file, "Content-Type: application/pgp-signature\r\n\r\nxx"]),
        );
        vec![
            ("23-rfc822", with(rfc822, &inner)),
            (
                "23-rfc822-base64",
                with(&format!("{rfc822}Content-Transfer-Encoding: base64\r\n"), &coded),
            ),
            (
                "23-rfc822-qp",
                with(&format!("{rfc822}Content-Transfer-Encoding: quoted-printable\r\n"), &quoted),
            ),
            ("23-digest", digest),
            ("23-twice", mixed("b0", &[TEXT, &twice])),
            ("23-news", with("Content-Type: message/news\r\n", &inner)),
            (
                "23-eml-base64",
                with(
                    "Content-Type: application/octet-stream; name=a.eml\r\nContent-Transfer-Encoding: base64\r\n",
                    &coded,
                ),
            ),
            (
                "24-partial",
                mail("Content-Type: message/partial; id=x; number=1; total=2\r\n", &inner),
            ),
            (
                "25-external",
                mail("Content-Type: message/external-body; access-type=url; url=x\r\n", &inner),
            ),
            ("26-signed", signed),
            (
                "30-encoded-multipart",
                mail(
                    "Content-Type: multipart/mixed; boundary=i0\r\nContent-Transfer-Encoding: base64\r\n",
                    &wrap(&STANDARD.encode(parts("i0", &[TEXT, &file])), 76),
                ),
            ),
        ]
    }
}
