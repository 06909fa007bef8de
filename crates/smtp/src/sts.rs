//! What domains say of TLS on the way to them, as it is written: MTA-STS (RFC 8461), and where they
//! want reports of it (RFC 8460). Pure: nothing is fetched here.

use mail::{Address, Domain};

/// Names of servers that one policy may list: more than any domain has.
pub const MX_MAX: usize = 100;
/// Longest life of a policy: a year and a day, in seconds (RFC 8461 §3.2).
pub const AGE_MAX: u64 = 31_557_600;
/// Longest id (RFC 8461 §3.1).
const ID_MAX: usize = 32;
/// Addresses for reports that are taken of one record.
pub const REPORT_ADDRESSES_MAX: usize = 4;

/// What is to be done where a server does not fit its domain's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It gets no mail.
    Enforce,
    /// It is reported.
    Testing,
    /// Nothing: the domain has no policy any more.
    None,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it asks for.
    pub mode: Mode,
    /// The servers that may take mail; at least one, unless the mode is none.
    pub mx: Vec<Pattern>,
    /// How long it is in force after it was fetched, in seconds.
    pub max_age: u64,
}

/// The name of a server, or all names that are one label longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Whether one label stands before the name.
    any_label: bool,
    name: Domain,
}

/// Why an answer is no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is of another type.
    #[error("it is not of type text/plain")]
    MediaType,
    /// It is not UTF-8.
    #[error("it is no text in UTF-8")]
    Text,
    /// A line is no `key: value`.
    #[error("a line has no colon")]
    Line,
    /// It is not of the version that is known.
    #[error("its version is not STSv1")]
    Version,
    /// The mode is missing, or not one of the three.
    #[error("its mode is missing or unknown")]
    Mode,
    /// The life is missing, no number, or longer than a year.
    #[error("its max_age is missing or no number of seconds up to a year")]
    MaxAge,
    /// A server's name is none, or there are too many, or none at all.
    #[error("its mx are missing, too many, or no host names")]
    Mx,
}

/// Where a domain's policy is (RFC 8461 §3.3).
pub fn policy_url(domain: &Domain) -> String {
    format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
}

/// Reads what a server gave as its policy: the text, and what it says. `media_type` is in lower
/// case and without parameters.
///
/// # Errors
/// What is wrong with it: then there is no policy.
pub fn read<'a>(media_type: &str, body: &'a [u8]) -> Result<(&'a str, Policy), Fault> {
    // RFC 8461 §3.2: so that nobody's uploads are taken for it.
    if media_type != "text/plain" {
        return Err(Fault::MediaType);
    }
    let text = std::str::from_utf8(body).map_err(|_| Fault::Text)?;
    Ok((text, Policy::parse(text)?))
}

impl Policy {
    /// Reads a policy (RFC 8461 §3.2). Keys that are not known are passed over; of one that stands
    /// twice the first counts, `mx` excepted.
    ///
    /// # Errors
    /// What is wrong with it: then there is no policy.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut mx = Vec::new();
        for line in text.split('\n') {
            let line = line.trim_matches([' ', '\t', '\r']);
            if line.is_empty() {
                continue;
            }
            let (key, value) = line.split_once(':').ok_or(Fault::Line)?;
            let value = value.trim_matches([' ', '\t']);
            match key.trim_end_matches([' ', '\t']) {
                "version" => drop(version.get_or_insert(value)),
                "mode" => drop(mode.get_or_insert(value)),
                "max_age" => drop(max_age.get_or_insert(value)),
                "mx" if mx.len() < MX_MAX => mx.push(Pattern::parse(value).ok_or(Fault::Mx)?),
                "mx" => return Err(Fault::Mx),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(Fault::Version);
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            _ => return Err(Fault::Mode),
        };
        let number = max_age.filter(|it| (1..=10).contains(&it.len()) && is_digits(it));
        let max_age = number.and_then(|it| it.parse().ok()).ok_or(Fault::MaxAge)?;
        if mx.is_empty() && mode != Mode::None {
            return Err(Fault::Mx);
        }
        // One that would last longer lasts as long as any may.
        Ok(Self { mode, mx, max_age: std::cmp::min(max_age, AGE_MAX) })
    }

    /// Whether a server of this name is one of the policy's (RFC 8461 §4.1).
    pub fn names(&self, server: &Domain) -> bool {
        self.mx.iter().any(|pattern| pattern.fits(server))
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (any_label, name) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let name = Domain::parse(name).ok()?;
        Some(Self { any_label, name })
    }

    fn fits(&self, server: &Domain) -> bool {
        let name = match self.any_label {
            true => server.as_str().split_once('.').map(|(_, rest)| rest),
            false => Some(server.as_str()),
        };
        name == Some(self.name.as_str())
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.any_label { "*." } else { "" }, self.name)
    }
}

/// The id of the one record among the texts at `_mta-sts` that announces a policy; none or several
/// announce nothing (RFC 8461 §3.1).
pub fn announced(texts: &[String]) -> Option<String> {
    let record = only(texts, "v=STSv1")?;
    let id = fields(record).find_map(|(key, value)| (key == "id").then_some(value))?;
    let good = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then(|| id.to_owned())
}

/// Where reports are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportTo {
    /// By mail.
    Mail(Address),
    /// By POST to this address, which begins with `https://`.
    Https(String),
}

/// Where the one record among the texts at `_smtp._tls` wants reports; at most
/// [`REPORT_ADDRESSES_MAX`], none for no record or several (RFC 8460 §3).
pub fn report_to(texts: &[String]) -> Vec<ReportTo> {
    let Some(record) = only(texts, "v=TLSRPTv1") else { return Vec::new() };
    let rua = fields(record).find_map(|(key, value)| (key == "rua").then_some(value));
    let destination = |text: &str| {
        let text = text.trim_matches([' ', '\t']);
        let (scheme, rest) = text.split_once(':')?;
        match scheme.to_ascii_lowercase().as_str() {
            "mailto" => Address::parse(rest.split('?').next()?).ok().map(ReportTo::Mail),
            "https" => Some(ReportTo::Https(format!("https:{rest}"))),
            _ => None,
        }
    };
    let all = rua.unwrap_or_default().split(',').filter_map(destination);
    all.take(REPORT_ADDRESSES_MAX).collect()
}

/// The one text that begins with this version.
fn only<'a>(texts: &'a [String], version: &str) -> Option<&'a str> {
    let is = |text: &&String| {
        let rest = text.strip_prefix(version);
        rest.is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(';'))
    };
    let mut found = texts.iter().filter(is);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn fields(record: &str) -> impl Iterator<Item = (&str, &str)> {
    let trimmed = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
    record.split(';').filter_map(move |field| {
        let (key, value) = field.get(trimmed(field)..)?.split_once('=')?;
        Some((key.trim_end_matches([' ', '\t']), value.trim_matches([' ', '\t'])))
    })
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
