//! A message on its way out, window by window: dots doubled (RFC 1939 §3), lines ended.
//!
//! Messages that came in over SMTP have CRLF and nothing else. What was imported may not: a bare LF
//! goes out as CRLF, because some clients take a bare LF for a line end and others do not, and what
//! one of them takes for the end of the message must be it for all.

/// How far a message has been sent.
#[derive(Debug)]
pub(super) struct Content {
    /// Where a line begins now.
    at_start: bool,
    /// The last byte was CR.
    after_cr: bool,
    /// Bytes of this line so far.
    length: usize,
    /// The empty line after the header has not come yet.
    in_header: bool,
    /// Body lines that may still be sent (TOP).
    lines_left: Option<u64>,
}

impl Content {
    /// All of a message, or its header with so many lines of the body.
    pub(super) fn new(lines: Option<u64>) -> Self {
        let lines_left = lines;
        Self { at_start: true, after_cr: false, length: 0, in_header: true, lines_left }
    }

    /// Sends the next bytes; true if no more are wanted.
    pub(super) fn push(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> bool {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_start {
                if !self.in_header && self.lines_left == Some(0) {
                    return true;
                }
                if piece.first() == Some(&b'.') {
                    output.push(b'.');
                }
                self.at_start = false;
            }
            match piece.strip_suffix(b"\n") {
                Some(text) => self.end_line(text, output),
                None => {
                    output.extend_from_slice(piece);
                    self.length += piece.len();
                    self.after_cr = piece.last() == Some(&b'\r');
                }
            }
        }
        false
    }

    /// Ends the message, with the line that says so.
    pub(super) fn finish(self, output: &mut Vec<u8>) {
        if !self.at_start {
            output.extend_from_slice(if self.after_cr { b"\n" } else { b"\r\n" });
        }
        output.extend_from_slice(b".\r\n");
    }

    fn end_line(&mut self, text: &[u8], output: &mut Vec<u8>) {
        let ends_in_cr = text.last().map_or(self.after_cr, |last| *last == b'\r');
        output.extend_from_slice(text);
        output.extend_from_slice(if ends_in_cr { b"\n" } else { b"\r\n" });
        let length = self.length + text.len() - usize::from(ends_in_cr);
        if self.in_header {
            self.in_header = length > 0;
        } else if let Some(left) = &mut self.lines_left {
            *left = left.saturating_sub(1);
        }
        (self.at_start, self.after_cr, self.length) = (true, false, 0);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

    use super::Content;
    use proptest::prelude::*;

    fn sent(message: &[u8], lines: Option<u64>, window: usize) -> Vec<u8> {
        let mut content = Content::new(lines);
        let mut output = Vec::new();
        for piece in message.chunks(window.max(1)) {
            if content.push(piece, &mut output) {
                break;
            }
        }
        content.finish(&mut output);
        output
    }

    fn check(message: &str, lines: Option<u64>, expected: &str) {
        for window in [1, 2, 3, 5, 1_000] {
            let output = sent(message.as_bytes(), lines, window);
            assert_eq!(String::from_utf8(output).unwrap(), expected, "{message:?} by {window}");
        }
    }

    #[test]
    fn whole_messages() {
        check("A: b\r\n\r\nhi\r\n", None, "A: b\r\n\r\nhi\r\n.\r\n");
        check("A: b\r\n\r\n.\r\n..x\r\n", None, "A: b\r\n\r\n..\r\n...x\r\n.\r\n");
        check(".", None, "..\r\n.\r\n");
        check("", None, ".\r\n");
        check("no end", None, "no end\r\n.\r\n");
        check("cut end\r", None, "cut end\r\n.\r\n");
        check("a\n.\nb\n", None, "a\r\n..\r\nb\r\n.\r\n");
        check("a\rb\r\r\n", None, "a\rb\r\r\n.\r\n");
    }

    #[test]
    fn tops() {
        let message = "A: b\r\nC: d\r\n\r\none\r\n\r\nthree\r\n";
        check(message, Some(0), "A: b\r\nC: d\r\n\r\n.\r\n");
        check(message, Some(1), "A: b\r\nC: d\r\n\r\none\r\n.\r\n");
        check(message, Some(2), "A: b\r\nC: d\r\n\r\none\r\n\r\n.\r\n");
        check(message, Some(99), "A: b\r\nC: d\r\n\r\none\r\n\r\nthree\r\n.\r\n");
        check("A: b\n\none\ntwo\n", Some(1), "A: b\r\n\r\none\r\n.\r\n");
        check("A: b\r\n", Some(0), "A: b\r\n.\r\n");
        check("\r\nbody\r\n", Some(0), "\r\n.\r\n");
    }

    /// What a client does: lines by CRLF, one dot off, until the dot alone.
    fn unstuff(output: &[u8]) -> Option<Vec<u8>> {
        let mut rest = output;
        let mut message = Vec::new();
        loop {
            let end = rest.windows(2).position(|two| two == b"\r\n")?;
            let (line, after) = rest.split_at_checked(end + 2)?;
            if line == b".\r\n" {
                return after.is_empty().then_some(message);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            rest = after;
        }
    }

    proptest! {
        #[test]
        fn a_client_gets_the_message_back_and_nothing_ends_it_early(
            text in "[.\r\nab]{0,60}",
            window in 1_usize..9,
        ) {
            let output = sent(text.as_bytes(), None, window);
            let got = unstuff(&output).expect("one end, at the end");
            // What came with CRLF alone comes back byte by byte.
            let crlf_alone = !text.replace("\r\n", "").contains(['\r', '\n']);
            if crlf_alone && (text.is_empty() || text.ends_with("\r\n")) {
                prop_assert_eq!(got, text.clone().into_bytes());
            }
            // However a client ends its lines, it sees the end only at the end.
            let lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
            let ends = lines.iter().filter(|line| **line == b".\r" || **line == b".").count();
            prop_assert_eq!(ends, 1);
        }
    }
}
