//! TLSA records (RFC 6698, RFC 7671): which certificate or key a server has to show.

use std::fmt;

/// Longest association that is read from text, in bytes: a certificate is a few KiB.
const DATA_MAX: usize = 16 * 1024;

/// One record, as the DNS gives it: any numbers, any bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// Certificate usage: 2 is DANE-TA, 3 DANE-EE; 0 and 1 are not for mail (RFC 7672 §3.1.3).
    pub usage: u8,
    /// 0: the whole certificate; 1: its key (SubjectPublicKeyInfo).
    pub selector: u8,
    /// 0: the bytes themselves; 1: their SHA-256; 2: their SHA-512.
    pub matching: u8,
    /// What must match.
    pub data: Vec<u8>,
}

/// What a usable record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// An authority that signed the server's certificate (DANE-TA).
    Authority,
    /// The server's own certificate (DANE-EE).
    Server,
}

/// What of a certificate is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// All of it.
    Certificate,
    /// Its key.
    Key,
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// Byte by byte.
    Full,
    /// By its SHA-256.
    Sha256,
    /// By its SHA-512.
    Sha512,
}

impl Tlsa {
    /// Reads the form of zone files (RFC 6698 §2.2): three numbers and hexadecimal digits, which
    /// may be cut by blanks; `None` if it is not that, or above 16 KiB.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let mut number = || words.next()?.parse::<u8>().ok();
        let (usage, selector, matching) = (number()?, number()?, number()?);
        let mut data = Vec::new();
        let mut high = None;
        for digit in words.flat_map(str::chars) {
            let digit = u8::try_from(digit.to_digit(16)?).ok()?;
            match high.take() {
                None => high = Some(digit << 4),
                Some(high) => data.push(high | digit),
            }
            if data.len() > DATA_MAX {
                return None;
            }
        }
        let whole = high.is_none() && !data.is_empty();
        whole.then_some(Self { usage, selector, matching, data })
    }

    /// What it asks for, where it can be used for mail: usage 2 or 3, a known selector and way of
    /// matching, and data of that length (RFC 7672 §3.1, RFC 7671 §4).
    pub fn terms(&self) -> Option<(Usage, Selector, Matching)> {
        let usage = match self.usage {
            2 => Usage::Authority,
            3 => Usage::Server,
            _ => return None,
        };
        let selector = match self.selector {
            0 => Selector::Certificate,
            1 => Selector::Key,
            _ => return None,
        };
        let (matching, fits) = match self.matching {
            0 => (Matching::Full, !self.data.is_empty()),
            1 => (Matching::Sha256, self.data.len() == 32),
            2 => (Matching::Sha512, self.data.len() == 64),
            _ => return None,
        };
        fits.then_some((usage, selector, matching))
    }
}

/// The form of zone files.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Tlsa;

    fn check(text: &str, shown: Option<&str>, usable: bool) {
        let read = Tlsa::parse(text);
        assert_eq!(read.as_ref().map(Tlsa::to_string).as_deref(), shown, "{text}");
        assert_eq!(read.is_some_and(|it| it.terms().is_some()), usable, "{text}");
    }

    #[test]
    fn records_are_read_shown_and_weighed() {
        let half = "00112233445566778899AABBCCDDEEFF";
        let sha256 = format!("3 1 1 {half} {half}");
        let low = sha256.to_ascii_lowercase();
        let shown = format!("3 1 1 {}", half.to_ascii_lowercase().repeat(2));
        check(&sha256, Some(&shown), true);
        check(&low, Some(&shown), true);
        check(
            &format!("2 0 2 {}", half.repeat(4)),
            Some(&format!("2 0 2 {}", low.get(6..38).unwrap_or_default().repeat(4))),
            true,
        );
        check("2 0 0 3082", Some("2 0 0 3082"), true);
        for unusable in ["0 1 0 ff", "1 0 0 ff", "4 0 0 ff", "3 2 0 ff", "3 1 3 ff", "3 1 1 ff"] {
            check(unusable, Some(unusable), false);
        }
        for broken in ["", "3", "3 1", "3 1 1", "3 1 1 f", "3 1 1 fg", "256 1 1 ff", "-1 1 1 ff"] {
            check(broken, None, false);
        }
        check(&format!("3 0 0 {}", "ff".repeat(16 * 1024 + 1)), None, false);
    }
}
