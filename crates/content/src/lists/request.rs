//! Lists on their way to a worker, which can open no file: `h` (hashes) or `p` (patterns), the
//! length (u32, little-endian), the text; one after the other.

use super::{Builder, Lists};

/// One list as its file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List<'a> {
    /// A list of hashes.
    Hashes(&'a str),
    /// A list of patterns.
    Patterns(&'a str),
}

/// The form in which a worker gets lists; empty for none. At most 4 GiB of each.
pub fn encode(lists: &[List<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for list in lists {
        let (kind, text) = match list {
            List::Hashes(text) => (b'h', text),
            List::Patterns(text) => (b'p', text),
        };
        out.push(kind);
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The lists of that form, ready to be used; `None` if it is none, or one of them is wrong.
pub fn decode(mut request: &[u8]) -> Option<Lists> {
    let mut builder = Builder::default();
    while let Some((kind, rest)) = request.split_first() {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let text = std::str::from_utf8(text).ok()?;
        match kind {
            b'h' => builder.hashes(text).ok()?,
            b'p' => builder.patterns(text).ok()?,
            _ => return None,
        }
        request = rest;
    }
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::{List, decode, encode};
    use proptest::prelude::*;

    #[test]
    fn lists_are_read_as_they_were_written() {
        let request = encode(&[List::Patterns("a hex 41424344\n"), List::Hashes("# none\n")]);
        assert!(decode(&request).is_some_and(|lists| lists.is_in(b"xxABCDxx")));
        assert!(decode(&request).is_some_and(|lists| !lists.is_in(b"xxABCxx")));
        assert!(decode(&encode(&[])).is_some_and(|lists| lists.is_plain()));
        assert!(decode(&encode(&[List::Patterns("a wrong line")])).is_none());
        for cut in 1..request.len() {
            // A whole first list is one; whatever else is cut is none.
            let first = 5 + "a hex 41424344\n".len();
            let part = request.get(..cut).unwrap_or_default();
            assert_eq!(decode(part).is_some(), cut == first, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn nothing_in_a_request_panics(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
