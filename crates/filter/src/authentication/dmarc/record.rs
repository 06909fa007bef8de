//! The DMARC record as it is written (RFC 9989 §4), apart from whose it is and what follows.

use mail::Address;
use serde::Serialize;

/// A text of more bytes than this is no record: sound ones stay below 1 KiB.
pub const RECORD_MAX: usize = 8 * 1024;
/// Addresses for reports that are kept of one tag; what lists more wants to flood somebody.
pub const REPORT_ADDRESSES_MAX: usize = 10;

/// What a domain wants to be done with mail that fails; the later, the harder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing.
    #[default]
    None,
    /// To be treated with suspicion.
    Quarantine,
    /// To be refused.
    Reject,
}

/// How equal two domains must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Alignment {
    /// Of the same organisation.
    #[default]
    Relaxed,
    /// Equal.
    Strict,
}

/// What a record says of its own name (`psd`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Suffix {
    /// Names below belong to others.
    Public,
    /// The name of an organisation.
    Organisation,
    /// Nothing.
    #[default]
    Unknown,
}

/// When a report of a single failure is wanted (`fo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureOption {
    /// `0`: nothing gave an aligned pass.
    All,
    /// `1`: something gave no aligned pass.
    Any,
    /// `d`: a DKIM signature failed.
    Dkim,
    /// `s`: SPF failed.
    Spf,
}

/// A record. What is malformed in it has its default, but for the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The policies; `None` if they cannot be used, and the record must not be.
    pub policies: Option<Policies>,
    /// Alignment of DKIM's domains.
    pub dkim: Alignment,
    /// Alignment of SPF's domain.
    pub spf: Alignment,
    /// What the record says of its name.
    pub suffix: Suffix,
    /// Mail that fails is to be treated one level milder.
    pub is_test: bool,
    /// Where aggregate reports go: `mailto:` only, at most [`REPORT_ADDRESSES_MAX`].
    pub aggregate_reports: Vec<Address>,
    /// Where reports of single failures go, likewise.
    pub failure_reports: Vec<Address>,
    /// When those are wanted; never empty.
    pub failure_options: Vec<FailureOption>,
}

/// What is to be done with mail that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Policies {
    /// For the name itself (`p`).
    pub itself: Policy,
    /// For names below it (`sp`, else `p`).
    pub below: Policy,
    /// For names below it that do not exist (`np`, else `sp`, else `p`).
    pub nonexistent: Policy,
}

impl Record {
    /// Reads a record; `None` if the text is none, because it does not begin with `v=DMARC1`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > RECORD_MAX {
            return None;
        }
        let tags = Tags::split(text);
        if tags.0.first() != Some(&("v".to_owned(), "DMARC1")) {
            return None;
        }
        let aggregate = Addresses::parse(tags.value("rua").given());
        let (p, sp, np) = (tags.policy("p"), tags.policy("sp"), tags.policy("np"));
        let policies = match (p, sp, np) {
            (Value::Given(p), sp, np) if sp != Value::Malformed && np != Value::Malformed => {
                let below = sp.given().unwrap_or(p);
                Some(Policies { itself: p, below, nonexistent: np.given().unwrap_or(below) })
            }
            // Who asks for reports takes part, if only to watch (RFC 9989 §4.7).
            _ => aggregate.any_valid.then(Policies::default),
        };
        Some(Self {
            policies,
            dkim: tags.alignment("adkim"),
            spf: tags.alignment("aspf"),
            suffix: match tags.word("psd").as_str() {
                "y" => Suffix::Public,
                "n" => Suffix::Organisation,
                _ => Suffix::Unknown,
            },
            is_test: tags.word("t") == "y",
            aggregate_reports: aggregate.addresses,
            failure_reports: Addresses::parse(tags.value("ruf").given()).addresses,
            failure_options: failure_options(&tags.word("fo")),
        })
    }
}

/// Tags with their values: names in lower case, blanks around taken off.
struct Tags<'a>(Vec<(String, &'a str)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Value<T> {
    Absent,
    Given(T),
    /// Not what the tag may hold, or given twice: then nobody knows which of them is meant.
    Malformed,
}

impl<T> Value<T> {
    fn given(self) -> Option<T> {
        match self {
            Value::Given(value) => Some(value),
            Value::Absent | Value::Malformed => None,
        }
    }
}

impl<'a> Tags<'a> {
    fn split(text: &'a str) -> Self {
        let blanks = [' ', '\t'];
        let tag = |part: &'a str| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim_matches(blanks).to_ascii_lowercase();
            Some((name, value.trim_matches(blanks)))
        };
        let mut parts = text.split(';');
        // The first part counts as it is: a record that begins otherwise is none.
        let first = parts.next().map(|part| tag(part).unwrap_or_default());
        Self(first.into_iter().chain(parts.filter_map(tag)).collect())
    }

    fn value(&self, name: &str) -> Value<&'a str> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (None, _) => Value::Absent,
            (Some(value), None) => Value::Given(value),
            _ => Value::Malformed,
        }
    }

    /// A value that is one word, in lower case; empty if there is none.
    fn word(&self, name: &str) -> String {
        self.value(name).given().unwrap_or_default().to_ascii_lowercase()
    }

    fn policy(&self, name: &str) -> Value<Policy> {
        let value = match self.value(name) {
            Value::Absent => return Value::Absent,
            Value::Malformed => return Value::Malformed,
            Value::Given(value) => value.to_ascii_lowercase(),
        };
        match value.as_str() {
            "none" => Value::Given(Policy::None),
            "quarantine" => Value::Given(Policy::Quarantine),
            "reject" => Value::Given(Policy::Reject),
            _ => Value::Malformed,
        }
    }

    fn alignment(&self, name: &str) -> Alignment {
        if self.word(name) == "s" { Alignment::Strict } else { Alignment::Relaxed }
    }
}

fn failure_options(value: &str) -> Vec<FailureOption> {
    let mut options = Vec::new();
    for word in value.split(':') {
        let option = match word.trim_matches([' ', '\t']) {
            "0" => FailureOption::All,
            "1" => FailureOption::Any,
            "d" => FailureOption::Dkim,
            "s" => FailureOption::Spf,
            _ => return vec![FailureOption::All],
        };
        if !options.contains(&option) {
            options.push(option);
        }
    }
    options
}

/// A list of report URIs.
struct Addresses {
    addresses: Vec<Address>,
    /// There is a URI that can be read, if of a scheme that nobody uses.
    any_valid: bool,
}

impl Addresses {
    fn parse(value: Option<&str>) -> Self {
        let mut found = Self { addresses: Vec::new(), any_valid: false };
        for uri in value.unwrap_or_default().split(',').take(REPORT_ADDRESSES_MAX) {
            let Some((scheme, rest)) = split_uri(without_size(uri.trim_matches([' ', '\t'])))
            else {
                continue;
            };
            if !scheme.eq_ignore_ascii_case("mailto") {
                found.any_valid = true;
                continue;
            }
            let decoded = percent_decoded(rest.split('?').next().unwrap_or_default());
            if let Some(address) = decoded.and_then(|text| Address::parse(&text).ok()) {
                found.any_valid = true;
                found.addresses.push(address);
            }
        }
        found
    }
}

/// The `!10m` of former times says how large a report may be; nobody heeds it now.
fn without_size(uri: &str) -> &str {
    let Some((head, size)) = uri.rsplit_once('!') else { return uri };
    let digits = size.trim_end_matches(|c: char| "kmgtKMGT".contains(c));
    let is_size = !digits.is_empty()
        && size.len() - digits.len() <= 1
        && digits.bytes().all(|b| b.is_ascii_digit());
    if is_size { head } else { uri }
}

/// Scheme and rest (RFC 3986 §3), of characters that a URI may have.
fn split_uri(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let in_uri = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(in_scheme)
        && !rest.is_empty()
        && rest.chars().all(in_uri);
    sound.then_some((scheme, rest))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
