//! The zone file: RFC 1035 §5, as far as mail asks.
//!
//! `$ORIGIN`, `$TTL`, comments, relative names, `@`, the name left out, strings in quotes with
//! `\"` and `\nnn`, parentheses over several lines; A, AAAA, MX, TXT, PTR, SRV, TLSA, CNAME, NS,
//! and SOA (read over); and of our own `$DNSSEC secure`, `insecure` or `bogus`: what a validating
//! resolver would find of the records that follow (at first `insecure`). What is not understood is
//! an error with its line, never a record less.

mod tokens;

use super::{Mx, Name, Service, Tlsa};
use mail::Domain;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use tokens::{Entry, Token};

/// A scripted zone is written by hand; what is larger is something else.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// Why a zone file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// It cannot be read.
    #[error("{file}: {cause}", file = file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A line of it cannot be understood.
    #[error("{file}:{line}: {problem}", file = file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// A record of the zone: its name in lower case without a final dot, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) data: Data,
    pub(super) proof: Proof,
}

/// What a validating resolver finds of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is signed.
    Secure,
    /// Its zone is not signed.
    Insecure,
    /// Its signature is wrong.
    Bogus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Address(IpAddr),
    Mx(Mx),
    Txt(String),
    Ptr(Domain),
    Srv(Service),
    Cname(String),
    Tlsa(Tlsa),
    /// Kept so that the name exists.
    Ns,
}

pub(super) fn read(file: &Path) -> Result<Vec<Record>, ZoneError> {
    let failed = |cause| ZoneError::File { file: file.to_owned(), cause };
    if std::fs::metadata(file).map_err(failed)?.len() > FILE_MAX {
        let problem = "larger than 16 MiB".to_owned();
        return Err(ZoneError::Line { file: file.to_owned(), line: 1, problem });
    }
    parse(&std::fs::read_to_string(file).map_err(failed)?, file)
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Vec<Record>, ZoneError> {
    let (origin, proof) = (String::new(), Proof::Insecure);
    let mut zone = Zone { origin, owner: None, proof, records: Vec::new() };
    let at = |line| move |problem| ZoneError::Line { file: file.to_owned(), line, problem };
    for entry in tokens::entries(text) {
        let entry = entry.map_err(|(line, problem)| at(line)(problem))?;
        zone.entry(&entry).map_err(at(entry.line))?;
    }
    Ok(zone.records)
}

/// What is known while reading.
struct Zone {
    /// What relative names are relative to; empty at the root.
    origin: String,
    /// The name of the record before.
    owner: Option<String>,
    /// Of the records that follow.
    proof: Proof,
    records: Vec<Record>,
}

impl Zone {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let mut words = entry.tokens.iter();
        if let Some(Token::Word(word)) = entry.tokens.first()
            && word.starts_with('$')
        {
            return self.directive(word, entry.tokens.get(1));
        }
        let owner = if entry.indented {
            self.owner.clone().ok_or("no record before has a name to go on with")?
        } else {
            let word = words.next().ok_or("a name is missing")?;
            self.name(word)?
        };
        self.owner = Some(owner.clone());
        let kind = kind(&mut words)?;
        let data = match kind.as_str() {
            "SOA" => return Ok(()),
            "A" => Data::Address(IpAddr::V4(parsed::<Ipv4Addr>(words.next(), "an IPv4 address")?)),
            "AAAA" => {
                Data::Address(IpAddr::V6(parsed::<Ipv6Addr>(words.next(), "an IPv6 address")?))
            }
            "MX" => self.mx(&mut words)?,
            "TXT" => return self.txt(owner, words),
            "TLSA" => {
                let words: Vec<&str> = words.by_ref().map(Token::text).collect();
                let tlsa = Tlsa::parse(&words.join(" "));
                Data::Tlsa(tlsa.ok_or("TLSA needs three numbers and hexadecimal digits")?)
            }
            "PTR" => Data::Ptr(self.domain(words.next())?),
            "SRV" => self.srv(&mut words)?,
            "CNAME" => Data::Cname(self.name(words.next().ok_or("a name is missing")?)?),
            "NS" => {
                self.domain(words.next())?;
                Data::Ns
            }
            other => return Err(format!("records of type {other} are not supported")),
        };
        if words.next().is_some() {
            return Err(format!("there is more after the {kind} record"));
        }
        self.push(owner, data)
    }

    fn directive(&mut self, word: &str, argument: Option<&Token>) -> Result<(), String> {
        match word.to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                self.origin = self.name(argument.ok_or("$ORIGIN needs a name")?)?;
                Ok(())
            }
            // Read and not needed: a scripted answer is not kept.
            "$TTL" if argument.is_some_and(|token| is_ttl(token.text())) => Ok(()),
            "$TTL" => Err("$TTL needs a time".to_owned()),
            "$DNSSEC" => {
                self.proof = match argument.map(Token::text) {
                    Some("secure") => Proof::Secure,
                    Some("insecure") => Proof::Insecure,
                    Some("bogus") => Proof::Bogus,
                    _ => return Err("$DNSSEC needs secure, insecure or bogus".to_owned()),
                };
                Ok(())
            }
            _ => Err(format!("{word} is not supported")),
        }
    }

    fn mx(&self, words: &mut std::slice::Iter<'_, Token>) -> Result<Data, String> {
        let preference = parsed::<u16>(words.next(), "a preference from 0 to 65535")?;
        let exchange = match words.next() {
            Some(token) if token.text() == "." => None,
            token => Some(self.domain(token)?),
        };
        Ok(Data::Mx(Mx { preference, exchange }))
    }

    fn srv(&self, words: &mut std::slice::Iter<'_, Token>) -> Result<Data, String> {
        let mut number = |what: &str| parsed::<u16>(words.next(), &format!("a {what} up to 65535"));
        let (priority, weight, port) = (number("priority")?, number("weight")?, number("port")?);
        let target = match words.next() {
            Some(token) if token.text() == "." => None,
            token => Some(Name::from(&self.domain(token)?)),
        };
        Ok(Data::Srv(Service { priority, weight, port, target }))
    }

    fn txt(&mut self, owner: String, words: std::slice::Iter<'_, Token>) -> Result<(), String> {
        let mut text = Vec::new();
        let mut strings = 0_usize;
        for token in words {
            if token.text().len() > 255 {
                return Err("a string has more than 255 bytes: write it as several".to_owned());
            }
            text.extend_from_slice(token.text().as_bytes());
            strings += 1;
        }
        if strings == 0 {
            return Err("a text is missing".to_owned());
        }
        self.push(owner, Data::Txt(String::from_utf8_lossy(&text).into_owned()))
    }

    fn push(&mut self, name: String, data: Data) -> Result<(), String> {
        let alias = matches!(data, Data::Cname(_));
        let beside = |r: &Record| r.name == name && (alias || matches!(r.data, Data::Cname(_)));
        if self.records.iter().rev().take_while(|r| r.name == name).any(beside) {
            // RFC 1034 §3.6.2
            return Err(format!("{name} has an alias (CNAME) and another record"));
        }
        self.records.push(Record { name, data, proof: self.proof });
        Ok(())
    }

    /// A name made complete: lower case, without a final dot.
    fn name(&self, token: &Token) -> Result<String, String> {
        let word = token.text();
        let complete = match word {
            "@" => self.origin.clone(),
            "." => String::new(),
            _ => match word.strip_suffix('.') {
                Some(absolute) => absolute.to_owned(),
                None if self.origin.is_empty() => word.to_owned(),
                None => format!("{word}.{}", self.origin),
            },
        };
        if complete.is_empty() {
            return Ok(complete);
        }
        let domain =
            Domain::parse(&complete).map_err(|error| format!("{word} is no name: {error}"))?;
        Ok(domain.as_str().to_owned())
    }

    fn domain(&self, token: Option<&Token>) -> Result<Domain, String> {
        let token = token.ok_or("a name is missing")?;
        let name = self.name(token)?;
        Domain::parse(&name).map_err(|error| format!("{} is no name: {error}", token.text()))
    }
}

/// Reads over time and class, which may come in either order (RFC 1035 §5.1).
fn kind(words: &mut std::slice::Iter<'_, Token>) -> Result<String, String> {
    loop {
        let word = words.next().ok_or("the record's type is missing")?.text();
        match word.to_ascii_uppercase().as_str() {
            "IN" => {}
            "CH" | "HS" | "CS" => return Err(format!("the class {word} is not supported")),
            _ if is_ttl(word) => {}
            kind => return Ok(kind.to_owned()),
        }
    }
}

/// Seconds, or `1h30m` as everybody writes.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || "smhdwSMHDW".contains(c))
}

fn parsed<T: std::str::FromStr>(token: Option<&Token>, what: &str) -> Result<T, String> {
    let token = token.ok_or_else(|| format!("{what} is missing"))?;
    token.text().parse().map_err(|_| format!("{} is not {what}", token.text()))
}
