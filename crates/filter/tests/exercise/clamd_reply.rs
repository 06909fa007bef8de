//! Any bytes for an answer of clamd: read as exactly what clamd says, or not at all.
//!
//! Shared by the replay of the corpus and the fuzz target `clamd_reply`.

use filter::scanner::clamd::reply::{self, REPLY_MAX, Reply};

pub(crate) fn exercise(bytes: &[u8]) {
    let said = reply::scan(bytes);
    if said.is_some() {
        assert!(bytes.len() <= REPLY_MAX && bytes.ends_with(b"\0"), "{bytes:?}");
        assert!(!reply::is_pong(bytes) && reply::version(bytes).is_none(), "{bytes:?}");
    }
    // There is one way to be clean.
    assert_eq!(said == Some(Reply::Clean), bytes == b"stream: OK\0", "{bytes:?}");
    if let Some(Reply::Found(word) | Reply::Failed(word)) = &said {
        is_fit(word);
    }
    if let Some(Reply::Found(name)) = &said {
        assert!(!name.is_empty());
    }
    // Whatever is cut off, or comes behind, is no answer.
    if said == Some(Reply::Clean) {
        let cut = bytes.split_last().map_or(bytes, |(_, cut)| cut);
        assert_eq!(reply::scan(cut), None);
        assert_eq!(reply::scan(&[bytes, bytes].concat()), None);
    }
    if let Some(version) = reply::version(bytes) {
        is_fit(&version.text);
        // From 1990 to 9999.
        let millis = version.signatures.map_or(1_000_000_000_000, |at| at.0);
        assert!((631_000_000_000..253_402_400_000_000).contains(&millis), "{bytes:?}");
    }
}

/// What is noted of a stranger's words.
fn is_fit(word: &str) {
    assert!(word.chars().count() <= 200 && !word.chars().any(char::is_control), "{word:?}");
}
