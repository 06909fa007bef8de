//! What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1).

use super::reply::Heard;

/// The extensions that make a difference to what is sent. What else a server offers is passed
/// over, CHUNKING too: one way of sending a body is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// SIZE (RFC 1870): the largest message in bytes; 0 where the server names no limit.
    pub size: Option<u64>,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034). Codes are read in any case: many servers write them without
    /// saying so, and nothing else looks like one.
    pub enhanced_status_codes: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// AUTH PLAIN (RFC 4954, RFC 4616).
    pub auth_plain: bool,
    /// AUTH LOGIN.
    pub auth_login: bool,
}

impl Extensions {
    /// Reads the lines behind the first, which greets.
    pub(super) fn read(heard: &Heard) -> Self {
        let mut all = Self::default();
        for line in heard.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "SIZE" => all.size = Some(words.next().map_or(0, size)),
                "PIPELINING" => all.pipelining = true,
                "8BITMIME" => all.eight_bit_mime = true,
                "SMTPUTF8" => all.smtputf8 = true,
                "STARTTLS" => all.starttls = true,
                "ENHANCEDSTATUSCODES" => all.enhanced_status_codes = true,
                "DSN" => all.dsn = true,
                "REQUIRETLS" => all.require_tls = true,
                "AUTH" => words.for_each(|mechanism| {
                    all.auth_plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                    all.auth_login |= mechanism.eq_ignore_ascii_case("LOGIN");
                }),
                _ => {}
            }
        }
        all
    }

    /// Whether a message of so many bytes is above the limit that the server named.
    pub fn is_too_large(&self, size: u64) -> bool {
        self.size.is_some_and(|limit| limit > 0 && size > limit)
    }
}

/// A limit that is no number of 64 bits is none: the server will say so when it is passed.
fn size(digits: &str) -> u64 {
    let number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if number { digits.parse().unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Extensions {
        let lines = [&["mx.example.net"], lines].concat();
        Extensions::read(&Heard {
            code: 250,
            lines: lines.into_iter().map(str::to_owned).collect(),
        })
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let all = read(&["size 1000", "Pipelining", "8BITMIME", "SMTPUTF8", "starttls", "DSN"]);
        let expected = Extensions {
            size: Some(1_000),
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            starttls: true,
            dsn: true,
            ..Extensions::default()
        };
        assert_eq!(all, expected);
        let all = read(&["ENHANCEDSTATUSCODES", "REQUIRETLS", "auth cram-md5 login Plain"]);
        assert!(all.enhanced_status_codes && all.require_tls && all.auth_login && all.auth_plain);
        assert_eq!(read(&["", "CHUNKING", "X-SIZE 5", "STARTTLSX", "AUTH=PLAIN"]), read(&[]));
    }

    #[test]
    fn the_greeting_line_offers_nothing() {
        let heard = Heard { code: 250, lines: vec!["STARTTLS".to_owned()] };
        assert_eq!(Extensions::read(&heard), Extensions::default());
    }

    #[test]
    fn size_limits() {
        let check = |line: &str, size: u64, too_large: bool| {
            assert_eq!(read(&[line]).is_too_large(size), too_large, "{line} {size}");
        };
        check("SIZE 1000", 1_000, false);
        check("SIZE 1000", 1_001, true);
        check("SIZE", u64::MAX, false);
        check("SIZE 0", u64::MAX, false);
        check("SIZE -5", u64::MAX, false);
        check("SIZE +5", u64::MAX, false);
        check("SIZE 99999999999999999999999", u64::MAX, false);
        check("X", u64::MAX, false);
    }
}
