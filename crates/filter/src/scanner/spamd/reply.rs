//! What spamd answers, read from bytes that are not trusted: exactly what is known, or nothing.

use crate::scanner::word;
use std::fmt;

/// Bytes of an answer; the names of rules that fired are the most of it.
pub const REPLY_MAX: usize = 64 * 1024;
/// Fields in the head of an answer; it has a handful.
const FIELDS_MAX: usize = 32;

/// The points of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Whether that is spam, by spamd's own threshold.
    pub is_spam: bool,
    /// The points.
    pub points: f32,
    /// The threshold.
    pub threshold: f32,
    /// The names of the rules that fired.
    pub rules: String,
}

/// What spamd says of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// These points.
    Score(Score),
    /// It failed, in its own words.
    Failed(String),
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_spam, points, threshold, rules } = self;
        let spam = if *is_spam { "yes" } else { "no" };
        write!(f, "spam={spam} points={points} threshold={threshold} rules={rules:?}")
    }
}

/// The first line: the version of the protocol, a code of sysexits(3), a word.
fn status(line: &str) -> Option<(u32, &str)> {
    let mut words = line.strip_prefix("SPAMD/")?.splitn(3, ' ');
    let version = words.next()?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (major, minor) = version.split_once('.')?;
    let code = words.next().filter(|code| code.len() <= 3 && digits(code))?;
    (digits(major) && digits(minor)).then_some((code.parse().ok()?, words.next()?))
}

/// Reads the answer to SYMBOLS. `None`: it is nothing that spamd says.
pub fn symbols(answer: &[u8]) -> Option<Reply> {
    let answer = std::str::from_utf8(answer).ok().filter(|_| answer.len() <= REPLY_MAX)?;
    let (first, rest) = answer.split_once("\r\n")?;
    let (code, why) = status(first)?;
    if code != 0 {
        return Some(Reply::Failed(word(why)));
    }
    let (head, body) = match rest.strip_prefix("\r\n") {
        Some(_) => return None,
        None => rest.split_once("\r\n\r\n")?,
    };
    let (mut length, mut spam) = (None, None);
    for (number, field) in head.split("\r\n").enumerate() {
        let (name, value) = field.split_once(':').filter(|_| number < FIELDS_MAX)?;
        let place = match name.trim() {
            name if name.eq_ignore_ascii_case("content-length") => &mut length,
            name if name.eq_ignore_ascii_case("spam") => &mut spam,
            _ => continue,
        };
        // Two of one kind could be read in two ways.
        if place.replace(value.trim()).is_some() {
            return None;
        }
    }
    // Without the length nobody knows whether it is all.
    if length?.parse() != Ok(body.len()) {
        return None;
    }
    let (is_spam, points) = spam?.split_once(';')?;
    let is_spam = match is_spam.trim() {
        "True" | "Yes" => true,
        "False" | "No" => false,
        _ => return None,
    };
    let (points, threshold) = points.split_once('/')?;
    let number = |text: &str| text.trim().parse::<f32>().ok().filter(|n| n.is_finite());
    let (points, threshold) = (number(points)?, number(threshold)?);
    Some(Reply::Score(Score { is_spam, points, threshold, rules: word(body) }))
}

/// Whether this is the answer to PING.
pub fn is_pong(answer: &[u8]) -> bool {
    let text = std::str::from_utf8(answer).ok().and_then(|text| text.strip_suffix("\r\n"));
    text.and_then(status) == Some((0, "PONG"))
}

#[cfg(test)]
mod tests {
    use super::{REPLY_MAX, Reply, Score, is_pong, symbols};

    const GOOD: &str = "SPAMD/1.1 0 EX_OK\r\nContent-length: 18\r\nSpam: True ; 1000.2 / 5.0\r\n\r\n\
                        GTUBE,NO_RELAYS\r\n\n";

    #[test]
    fn points_are_read() {
        let score = |is_spam, points, threshold, rules: &str| {
            let rules = rules.to_owned();
            Some(Reply::Score(Score { is_spam, points, threshold, rules }))
        };
        for (answer, expected) in [
            (GOOD.to_owned(), score(true, 1000.2, 5.0, "GTUBE,NO_RELAYS")),
            (
                "SPAMD/1.1 0 EX_OK\r\nSpam: False ; -0.1 / 5\r\nCONTENT-LENGTH:0\r\n\r\n"
                    .to_owned(),
                score(false, -0.1, 5.0, ""),
            ),
            (
                "SPAMD/1.0 76 Bad header line: x\r\n".to_owned(),
                Some(Reply::Failed("Bad header line: x".to_owned())),
            ),
            ("SPAMD/1.1 64 \r\n\r\n".to_owned(), Some(Reply::Failed(String::new()))),
        ] {
            assert_eq!(symbols(answer.as_bytes()), expected, "{answer}");
        }
        let shown = symbols(GOOD.as_bytes()).map(|reply| match reply {
            Reply::Score(score) => score.to_string(),
            Reply::Failed(why) => why,
        });
        let expected = "spam=yes points=1000.2 threshold=5 rules=\"GTUBE,NO_RELAYS\"";
        assert_eq!(shown.as_deref(), Some(expected));
    }

    #[test]
    fn only_what_spamd_says_is_believed() {
        for (what, with) in [
            ("SPAMD/1.1", "SPAMD/1"),
            ("SPAMD/1.1", "SPAMC/1.1"),
            ("SPAMD/1.1 0", "SPAMD/1.1 -0"),
            ("SPAMD/1.1 0", "SPAMD/1.1 0000"),
            ("0 EX_OK", "0"),
            ("18", "19"),
            ("18", "17"),
            ("18", "+18x"),
            ("Content-length: 18\r\n", ""),
            ("Content-length: 18\r\n", "Content-length: 18\r\nContent-length: 18\r\n"),
            ("Spam: True ; 1000.2 / 5.0\r\n", ""),
            ("True", "Maybe"),
            ("1000.2", "NaN"),
            ("1000.2", "inf"),
            ("1000.2 / 5.0", "1000.2"),
            ("\r\n\r\n", "\r\n"),
            ("Spam: ", "Spam: False ; 0 / 5\r\nSpam: "),
        ] {
            let answer = GOOD.replacen(what, with, 1);
            assert_ne!(answer, GOOD);
            assert_eq!(symbols(answer.as_bytes()), None, "{answer}");
        }
        let cut = GOOD.as_bytes().split_last().map(|(_, cut)| cut);
        assert_eq!(cut.and_then(symbols), None);
        assert_eq!(symbols(&[b"SPAMD/1.1 9 ", vec![b'a'; REPLY_MAX].as_slice()].concat()), None);
        assert!(is_pong(b"SPAMD/1.5 0 PONG\r\n"));
        assert!(!is_pong(b"SPAMD/1.5 0 PONG") && !is_pong(b"SPAMD/1.5 1 PONG\r\n"));
    }
}
