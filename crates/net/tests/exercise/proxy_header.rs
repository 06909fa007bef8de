//! What must hold for any header that a proxy sends, shared by the fuzz target and the test that
//! replays its corpus.

use net::proxy::{Announced, Progress, SIZE_MAX, parse};

/// Reads it as the shell does: never more bytes than the parser asks for. The header that is found
/// is one, whole, and each of its beginnings wants more.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut end = 0;
    while let Ok(Progress::More(missing)) = parse(&bytes[..end]) {
        assert!((1..=SIZE_MAX - end).contains(&missing), "{missing} more at {end}");
        if end == bytes.len() {
            return;
        }
        // The shell may get fewer than it asks for: here one by one, up to what was asked for.
        let asked = end + missing;
        while end < asked.min(bytes.len()) {
            end += 1;
            match parse(&bytes[..end]) {
                Ok(Progress::More(rest)) => assert!(end + rest >= asked, "{rest} more at {end}"),
                Ok(Progress::Done(_)) => assert_eq!(end, asked, "it ended before it could"),
                Err(_) => return,
            }
        }
    }
    if let Ok(Progress::Done(Announced::Client(client))) = parse(&bytes[..end]) {
        assert_eq!(client.ip(), client.ip().to_canonical());
    }
}
