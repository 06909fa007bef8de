//! Lists of `name=value` with semicolons between: signatures, seals and key records (RFC 6376
//! §3.2).
//!
//! Strict, because two verifiers that read one list differently could be played against each
//! other: a tag that stands twice or a byte that does not belong there spoils the whole list. Tags
//! that nobody knows are kept and never looked at.

use super::canonical::without_line_end;

/// Longest list that is read, in bytes: a signature has 1,000, a key of 4,096 bits 800.
const LIST_MAX: usize = 64 * 1024;
/// Tags of one list: the standards know sixteen.
const TAGS_MAX: usize = 100;

/// A list of tags that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagList {
    tags: Vec<(String, String)>,
}

/// Why a list cannot be used, in words that hold nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TagError {
    #[error("the list of tags is longer than 64 KiB or has more than 100 tags")]
    TooLong,
    #[error("the list of tags has characters that do not belong there")]
    BadCharacter,
    #[error("something between two semicolons is no tag")]
    NoTag,
    #[error("a tag stands twice")]
    Twice,
}

impl TagList {
    /// Reads a list: what follows the colon of a header field, or the text of a DNS record.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, TagError> {
        if text.len() > LIST_MAX {
            return Err(TagError::TooLong);
        }
        let text = unfold(without_line_end(text));
        // Beyond ASCII only UTF-8 may stand, in names of domains and mailboxes (RFC 8616 §4).
        let text = String::from_utf8(text).map_err(|_| TagError::BadCharacter)?;
        if text.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
            return Err(TagError::BadCharacter);
        }
        let mut tags: Vec<(String, String)> = Vec::new();
        let mut pieces = text.split(';').peekable();
        while let Some(piece) = pieces.next() {
            let piece = piece.trim_matches(BLANK);
            if piece.is_empty() && pieces.peek().is_none() && !tags.is_empty() {
                break;
            }
            let (name, value) = piece.split_once('=').ok_or(TagError::NoTag)?;
            let name = name.trim_end_matches(BLANK);
            if !is_name(name) {
                return Err(TagError::NoTag);
            }
            if tags.iter().any(|(other, _)| other == name) {
                return Err(TagError::Twice);
            }
            if tags.len() == TAGS_MAX {
                return Err(TagError::TooLong);
            }
            tags.push((name.to_owned(), value.trim_start_matches(BLANK).to_owned()));
        }
        Ok(Self { tags })
    }

    /// The value of a tag (names are told apart by case), without the blanks around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The name of the first tag.
    pub(crate) fn first(&self) -> Option<&str> {
        self.tags.first().map(|(name, _)| name.as_str())
    }
}

const BLANK: [char; 2] = [' ', '\t'];

/// A letter, then letters, digits and underscores.
fn is_name(name: &str) -> bool {
    let proper = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(proper)
}

/// Takes out the line ends of folding: those that a blank follows.
fn unfold(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        match rest {
            [b'\r', b'\n', b' ' | b'\t', ..] => rest = rest.get(2..).unwrap_or_default(),
            _ => {
                out.push(first);
                rest = behind;
            }
        }
    }
    out
}

/// A value without any blanks: base64 may be folded anywhere.
pub(crate) fn without_blanks(value: &str) -> String {
    value.chars().filter(|c| !BLANK.contains(c)).collect()
}

/// The entries of a value with colons between, without the blanks around them.
pub(crate) fn entries(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(|entry| entry.trim_matches(BLANK))
}

/// A number of at most `digits` digits.
pub(crate) fn number(value: &str, digits: usize) -> Option<u64> {
    let proper = (1..=digits).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    proper.then(|| value.parse().ok()).flatten()
}

/// A header field with the value of its `b` tag taken out, as it was hashed when it was signed
/// (RFC 6376 §3.7): everything else stays, byte by byte.
pub(crate) fn without_signature(field: &[u8]) -> Vec<u8> {
    let text = without_line_end(field);
    let start = memchr::memchr(b':', text).map_or(0, |colon| colon + 1);
    let (head, list) = text.split_at(start);
    let mut out = Vec::with_capacity(field.len());
    out.extend_from_slice(head);
    for (i, piece) in list.split(|&b| b == b';').enumerate() {
        if i > 0 {
            out.push(b';');
        }
        let equals = memchr::memchr(b'=', piece).unwrap_or(piece.len());
        let (name, _) = piece.split_at(equals);
        if name.trim_ascii() == b"b" {
            out.extend_from_slice(piece.get(..=equals).unwrap_or(piece));
        } else {
            out.extend_from_slice(piece);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{TagError, TagList, number, without_signature};

    fn check(text: &str, expected: Result<&[(&str, &str)], TagError>) {
        let tags = TagList::parse(text.as_bytes()).map(|list| list.tags);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let expected = expected.map(|tags| tags.iter().map(owned).collect::<Vec<_>>());
        assert_eq!(tags, expected, "{text:?}");
    }

    #[test]
    fn lists_are_read_as_the_standard_writes_them() {
        check("v=1; a=rsa-sha256;", Ok(&[("v", "1"), ("a", "rsa-sha256")]));
        check(" v = 1 ;\r\n\tb=ab\r\n c ", Ok(&[("v", "1"), ("b", "ab c")]));
        check("p=", Ok(&[("p", "")]));
        check("p= ;", Ok(&[("p", "")]));
        check("a=b=c==", Ok(&[("a", "b=c==")]));
        check("x_1=y", Ok(&[("x_1", "y")]));
        check("A=1;a=2", Ok(&[("A", "1"), ("a", "2")]));
        check("d=bücher.example", Ok(&[("d", "bücher.example")]));
        check("v=1\r\n", Ok(&[("v", "1")]));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        check("v=1; v=1", Err(TagError::Twice));
        check("v=1;; a=2", Err(TagError::NoTag));
        check("v=1;;", Err(TagError::NoTag));
        check("", Err(TagError::NoTag));
        check(";", Err(TagError::NoTag));
        check("v", Err(TagError::NoTag));
        check("1v=1", Err(TagError::NoTag));
        check("v-x=1", Err(TagError::NoTag));
        check("=1", Err(TagError::NoTag));
        check("v=1\0", Err(TagError::BadCharacter));
        check("v=1\r\na=2", Err(TagError::BadCharacter));
        check("v=1\n a=2", Err(TagError::BadCharacter));
        assert_eq!(TagList::parse(b"v=\xff"), Err(TagError::BadCharacter));
    }

    #[test]
    fn long_lists_are_not_read() {
        let tags = |count: usize| (0..count).map(|i| format!("t{i}=x;")).collect::<String>();
        assert!(TagList::parse(tags(100).as_bytes()).is_ok());
        assert_eq!(TagList::parse(tags(101).as_bytes()), Err(TagError::TooLong));
        let long = format!("v={}", "x".repeat(64 * 1024));
        assert_eq!(TagList::parse(long.as_bytes()), Err(TagError::TooLong));
    }

    #[test]
    fn numbers_have_digits_alone() {
        for (text, expected) in
            [("0", Some(0)), ("012", Some(12)), ("123", Some(123)), ("1234", None), ("", None)]
        {
            assert_eq!(number(text, 3), expected, "{text}");
        }
        assert_eq!(number("+1", 3), None);
        assert_eq!(number("1 ", 3), None);
    }

    #[test]
    fn only_the_signature_itself_is_taken_out() {
        for (field, expected) in [
            ("DKIM-Signature: a=1; b=xyz; bh=b\r\n", "DKIM-Signature: a=1; b=; bh=b"),
            ("DKIM-Signature: b = x\r\n y ;c=b=\r\n", "DKIM-Signature: b =;c=b="),
            ("DKIM-Signature:\r\n\tb=x=\r\n", "DKIM-Signature:\r\n\tb="),
            ("DKIM-Signature: bh=b=;b\r\n", "DKIM-Signature: bh=b=;b"),
        ] {
            let out = without_signature(field.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), expected, "{field:?}");
        }
    }
}
