//! Charsets to text: the labels of the WHATWG list through `encoding_rs`.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes `bytes`; `None` if the charset is not known (UTF-7 among them, by intent).
///
/// Broken sequences become U+FFFD. UTF-16 without a byte order mark is big-endian
/// (RFC 2781 §4.3), where the WHATWG list would have it little-endian.
pub fn decode(label: &[u8], bytes: &[u8]) -> Option<String> {
    let mut encoding = Encoding::for_label_no_replacement(label)?;
    if encoding == UTF_16LE && label.trim_ascii().eq_ignore_ascii_case(b"utf-16") {
        encoding = UTF_16BE;
    }
    let (text, _, _) = encoding.decode(bytes);
    Some(text.into_owned())
}

/// Bytes whose charset nobody named: UTF-8 if they are, else Windows-1252, the superset of Latin-1.
pub fn guess(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Text that may stand in one line: line ends become blanks, NUL becomes U+FFFD, because
/// databases and terminals choke on them.
pub(crate) fn one_line(text: &str, out: &mut String) {
    out.extend(text.chars().map(|c| match c {
        '\r' | '\n' => ' ',
        '\0' => char::REPLACEMENT_CHARACTER,
        other => other,
    }));
}
