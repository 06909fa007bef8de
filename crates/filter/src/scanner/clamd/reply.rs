//! What clamd answers, read from bytes that are not trusted: exactly what is known, or nothing.
//!
//! Commands are sent in the form with NUL at their ends (clamd(8), `z` prefix), and so are
//! answered: an answer without its NUL is cut short, and one that goes on behind it is two.

use crate::scanner::word;
use mail::Timestamp;

/// Bytes of an answer; the longest has a name in it, which clamd bounds much earlier.
pub const REPLY_MAX: usize = 1024;

/// What clamd says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It found nothing.
    Clean,
    /// It found this.
    Found(String),
    /// The message is longer than its `StreamMaxLength`.
    TooLong,
    /// It failed, in its own words.
    Failed(String),
}

/// What clamd says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its whole words.
    pub text: String,
    /// When its newest signatures of ClamAV's own were made; none if it has none of those.
    pub signatures: Option<Timestamp>,
}

/// The one text of an answer, without its NUL.
fn text(answer: &[u8]) -> Option<&str> {
    let text = answer.strip_suffix(b"\0").filter(|text| !text.contains(&0))?;
    std::str::from_utf8(text).ok().filter(|_| answer.len() <= REPLY_MAX)
}

/// Reads the answer to INSTREAM. `None`: it is nothing that clamd says.
pub fn scan(answer: &[u8]) -> Option<Reply> {
    let text = text(answer)?;
    if text == "stream: OK" {
        return Some(Reply::Clean);
    }
    if let Some(found) = text.strip_prefix("stream: ").and_then(|rest| rest.strip_suffix(" FOUND"))
    {
        let name = word(found);
        return (!name.is_empty()).then_some(Reply::Found(name));
    }
    let error = text.strip_suffix(" ERROR")?;
    match error.contains("INSTREAM size limit exceeded") {
        true => Some(Reply::TooLong),
        false => Some(Reply::Failed(word(error))),
    }
}

/// Whether this is the answer to PING.
pub fn is_pong(answer: &[u8]) -> bool {
    text(answer) == Some("PONG")
}

/// Reads the answer to VERSION: `ClamAV 1.4.6/27500/Wed Nov 25 08:15:00 2026`, or without what is
/// behind the version where there are no signatures of ClamAV's own.
pub fn version(answer: &[u8]) -> Option<Version> {
    let text = text(answer)?;
    let mut parts = text.strip_prefix("ClamAV ")?.splitn(3, '/');
    parts.next().filter(|version| !version.is_empty() && !version.contains(' '))?;
    let signatures = match (parts.next(), parts.next()) {
        (None, _) => None,
        (Some(number), Some(date)) if number.bytes().all(|b| b.is_ascii_digit()) => {
            Some(date_of(date)?)
        }
        _ => return None,
    };
    Some(Version { text: word(text), signatures })
}

/// A time as C's ctime(3) writes it. In which zone nobody says: UTC is taken, and days are counted.
fn date_of(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_ascii_whitespace();
    let (_, month, day, time, year) =
        (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let day: i64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year: i64 = year.parse().ok().filter(|year| (1990..=9999).contains(year))?;
    let mut clock = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second);
    if !fits || clock.next().is_some() {
        return None;
    }
    // Days since the epoch of a date of the Gregorian calendar, its year beginning in March.
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5 + day;
    let seconds = (days - 719_469) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000))
}

#[cfg(test)]
mod tests {
    use super::{REPLY_MAX, Reply, is_pong, scan, version};

    #[test]
    fn only_what_clamd_says_is_believed() {
        let found = |name: &str| Some(Reply::Found(name.to_owned()));
        let failed = |text: &str| Some(Reply::Failed(text.to_owned()));
        for (answer, expected) in [
            (&b"stream: OK\0"[..], Some(Reply::Clean)),
            (b"stream: Eicar-Test-Signature FOUND\0", found("Eicar-Test-Signature")),
            (b"stream: a\x1b[0m b FOUND\0", found("a\u{fffd}[0m b")),
            (b"stream: OK FOUND\0", found("OK")),
            (b"INSTREAM size limit exceeded. ERROR\0", Some(Reply::TooLong)),
            (b"stream: Can't allocate memory ERROR\0", failed("stream: Can't allocate memory")),
            (b"COMMAND READ TIMED OUT ERROR\0", failed("COMMAND READ TIMED OUT")),
            (b"stream: OK", None),
            (b"stream: OK\n", None),
            (b"stream: OK\0stream: Eicar FOUND\0", None),
            (b"stream: OK\0\0", None),
            (b"\0", None),
            (b"", None),
            (b"OK\0", None),
            (b"stream: FOUND\0", None),
            (b"stream:  FOUND\0", None),
            (b"UNKNOWN COMMAND\0", None),
            (b"stream: \xff FOUND\0", None),
            (b"220 mx.example.org ESMTP\r\n", None),
        ] {
            assert_eq!(scan(answer), expected, "{:?}", String::from_utf8_lossy(answer));
        }
        let long = [b"stream: ", "a".repeat(REPLY_MAX).as_bytes(), b" FOUND\0"].concat();
        assert_eq!(scan(&long), None);
        assert!(is_pong(b"PONG\0") && !is_pong(b"PONG") && !is_pong(b"PONG\0PONG\0"));
    }

    #[test]
    fn the_date_of_signatures_is_read() {
        let date = |text: &str| {
            let answer = [text.as_bytes(), b"\0"].concat();
            version(&answer).map(|v| v.signatures.map(|at| at.rfc3339()))
        };
        for (text, expected) in [
            ("ClamAV 1.4.6/27500/Wed Nov 25 08:15:00 2026", "2026-11-25T08:15:00.000Z"),
            ("ClamAV 1.4.6/27500/Sat Feb  1 00:00:09 2025", "2025-02-01T00:00:09.000Z"),
            ("ClamAV 0.103.8/1/Thu Feb 29 23:59:59 2024", "2024-02-29T23:59:59.000Z"),
            ("ClamAV 1.0/1/Sat Jan  1 00:00:00 2000", "2000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(date(text), Some(Some(expected.to_owned())), "{text}");
        }
        assert_eq!(date("ClamAV 1.4.6"), Some(None));
        for text in [
            "",
            "ClamAV ",
            "ClamAV x ERROR",
            "ClamAV 1.4.6/27500",
            "ClamAV 1.4.6/x/Wed Nov 25 08:15:00 2026",
            "ClamAV 1.4.6/1/Wed Nov 32 08:15:00 2026",
            "ClamAV 1.4.6/1/Wed Nox 25 08:15:00 2026",
            "ClamAV 1.4.6/1/Wed Nov 25 08:15 2026",
            "ClamAV 1.4.6/1/Wed Nov 25 08:15:00 99999999999",
            "ClamAV 1.4.6/1/Wed Nov 25 08:15:00 2026 x",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
