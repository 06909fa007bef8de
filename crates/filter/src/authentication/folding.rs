//! Writing header fields of tags: folded below 78 columns (RFC 5322 §2.1.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Columns of a line; a tab counts as eight.
const COLUMNS_MAX: usize = 77;
const TAB: usize = 8;
/// Characters of base64 on a line.
const BASE64_LINE: usize = 64;

/// A header field that is being written, `Name: tag=value; tag=value`.
pub(crate) struct FieldWriter {
    text: String,
    column: usize,
    begun: bool,
}

impl FieldWriter {
    pub(crate) fn new(name: &str) -> Self {
        Self { text: format!("{name}:"), column: name.len() + 1, begun: false }
    }

    /// Appends a tag, on a new line where it does not fit.
    pub(crate) fn tag(&mut self, name: &str, value: &str) {
        self.separate();
        self.word(&format!("{name}={value}"));
    }

    /// Appends a tag whose value is a list with colons between.
    pub(crate) fn list(&mut self, name: &str, values: &[&str]) {
        self.separate();
        self.fold();
        self.push(name);
        self.push("=");
        let mut values = values.iter().peekable();
        while let Some(value) = values.next() {
            let colon = if values.peek().is_some() { ":" } else { "" };
            // A semicolon may still follow.
            if self.column + value.len() + 2 > COLUMNS_MAX {
                self.fold();
            }
            self.push(value);
            self.push(colon);
        }
    }

    /// Appends a word; blanks may stand between words.
    pub(crate) fn word(&mut self, word: &str) {
        // A semicolon may still follow.
        if self.column + word.len() + 2 > COLUMNS_MAX {
            self.fold();
        } else {
            self.push(" ");
        }
        self.push(word);
    }

    /// The field up to its signature, which is still empty: as it is signed.
    pub(crate) fn unsigned(mut self) -> Unsigned {
        self.separate();
        self.fold();
        self.push("b=");
        Unsigned(self.text)
    }

    /// The field with its line end.
    pub(crate) fn finish(self) -> String {
        self.text + "\r\n"
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.push(";");
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n\t");
        self.column = TAB;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}

/// A field that lacks its signature alone.
pub(crate) struct Unsigned(String);

impl Unsigned {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The whole field with its line end.
    pub(crate) fn signed(self, signature: &[u8]) -> String {
        let mut text = self.0;
        let encoded = STANDARD.encode(signature);
        for (i, c) in encoded.chars().enumerate() {
            if i > 0 && i % BASE64_LINE == 0 {
                text.push_str("\r\n\t ");
            }
            text.push(c);
        }
        text + "\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::FieldWriter;

    #[test]
    fn lines_stay_below_78_columns() {
        let mut writer = FieldWriter::new("DKIM-Signature");
        writer.tag("v", "1");
        writer.tag("d", &"x".repeat(50));
        writer.tag("s", &"y".repeat(40));
        writer.list("h", &["Content-Transfer-Encoding"; 9]);
        writer.tag("bh", &"z".repeat(44));
        let text = writer.unsigned().signed(&[7; 512]);
        assert!(text.starts_with("DKIM-Signature: v=1; d=xx"), "{text}");
        for line in text.split("\r\n") {
            assert!(line.replace('\t', "        ").len() < 78, "{line:?}");
        }
        assert!(text.contains(";\r\n\ts=yy") && text.ends_with("=\r\n"), "{text}");
    }
}
