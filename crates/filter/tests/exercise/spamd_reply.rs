//! Any bytes for an answer of spamd: read as exactly what spamd says, or not at all.
//!
//! Shared by the replay of the corpus and the fuzz target `spamd_reply`.

use filter::scanner::spamd::reply::{self, REPLY_MAX, Reply};

pub(crate) fn exercise(bytes: &[u8]) {
    let word = match reply::symbols(bytes) {
        None => return,
        Some(Reply::Failed(word)) => word,
        Some(Reply::Score(score)) => {
            assert!(score.points.is_finite() && score.threshold.is_finite(), "{bytes:?}");
            // What is cut short, or longer than it says, has no points.
            let cut = bytes.split_last().map_or(bytes, |(_, cut)| cut);
            let cut = reply::symbols(cut);
            assert!(!matches!(cut, Some(Reply::Score(_))), "{bytes:?}");
            let longer = reply::symbols(&[bytes, b"x"].concat());
            assert!(!matches!(longer, Some(Reply::Score(_))), "{bytes:?}");
            assert!(!score.to_string().contains(['\r', '\n']), "{bytes:?}");
            score.rules
        }
    };
    assert!(bytes.len() <= REPLY_MAX && bytes.starts_with(b"SPAMD/"), "{bytes:?}");
    assert!(word.chars().count() <= 200 && !word.chars().any(char::is_control), "{word:?}");
}
