//! The scripted twin of the real resolver: all answers come from a file (`--zone FILE`).
//!
//! Diagnostic commands work offline by it, and a decision can be asked again as it was then.

use super::zone_file::{self, Data, Proof, ZoneError};
use super::{Answer, DnsError, Kind, Name, Proven, ProvenAnswer, Record, Resolver};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

/// Aliases followed in a row; a real resolver gives up about there too.
const ALIASES_MAX: usize = 8;

/// Answers from a zone file, at once; what is not in it does not exist.
#[derive(Debug)]
pub struct ZoneResolver {
    names: HashMap<String, Vec<(Data, Proof)>>,
}

impl ZoneResolver {
    /// Reads a zone file (the part of RFC 1035 §5 that mail needs).
    ///
    /// # Errors
    /// The file cannot be read, or a line of it; the error names file and line.
    pub fn load(file: &Path) -> Result<Self, ZoneError> {
        Ok(Self::from_records(zone_file::read(file)?))
    }

    /// As [`ZoneResolver::load`], from text; `file` is what errors call it.
    ///
    /// # Errors
    /// A line cannot be read.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ZoneError> {
        Ok(Self::from_records(zone_file::parse(text, file)?))
    }

    fn from_records(records: Vec<zone_file::Record>) -> Self {
        let mut names: HashMap<String, Vec<(Data, Proof)>> = HashMap::new();
        for zone_file::Record { name, data, proof } in records {
            // A name exists if something below it does (RFC 8020 §2).
            let mut above = name.as_str();
            while let Some((_, rest)) = above.split_once('.') {
                names.entry(rest.to_owned()).or_default();
                above = rest;
            }
            names.entry(name).or_default().push((data, proof));
        }
        Self { names }
    }

    fn ask(&self, asked: &Name, kind: Kind) -> Result<Proven, DnsError> {
        let mut name = asked.as_str();
        let mut is_secure = true;
        for _ in 0..=ALIASES_MAX {
            let records = self.names.get(name).ok_or(DnsError::NoSuchName)?;
            let of_kind = |(data, proof): &(Data, Proof)| Some((select(kind, data)?, *proof));
            let found: Vec<(Record, Proof)> = records.iter().filter_map(of_kind).collect();
            let alias = records.iter().find_map(|(data, proof)| match data {
                Data::Cname(target) => Some((target.as_str(), *proof)),
                _ => None,
            });
            // As a validating resolver: what is not what its zone signed is not handed on.
            let mut proofs = found.iter().map(|(_, proof)| *proof).chain(alias.map(|(_, p)| p));
            if proofs.clone().any(|proof| proof == Proof::Bogus) {
                return Err(DnsError::Bogus);
            }
            is_secure &= proofs.all(|proof| proof == Proof::Secure);
            if !found.is_empty() {
                let records = found.into_iter().map(|(record, _)| record).collect();
                let name = Name::parse(name).ok_or(DnsError::NoRecords)?;
                return Ok(Proven { records, is_secure, name });
            }
            name = alias.ok_or(DnsError::NoRecords)?.0;
        }
        Err(DnsError::Failed("too many aliases in a row".to_owned()))
    }
}

impl Resolver for ZoneResolver {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        Box::pin(std::future::ready(self.ask(name, kind).map(|found| found.records)))
    }

    fn proven<'a>(&'a self, name: &'a Name, kind: Kind) -> ProvenAnswer<'a> {
        Box::pin(std::future::ready(self.ask(name, kind)))
    }
}

/// The record that a line of the zone is, if it is of this kind.
fn select(kind: Kind, data: &Data) -> Option<Record> {
    match (kind, data) {
        (Kind::Ipv4, Data::Address(IpAddr::V4(ip))) => Some(Record::Ipv4(*ip)),
        (Kind::Ipv6, Data::Address(IpAddr::V6(ip))) => Some(Record::Ipv6(*ip)),
        (Kind::Mx, Data::Mx(mx)) => {
            Some(Record::Mx(mx.preference, mx.exchange.as_ref().map(Name::from)))
        }
        (Kind::Txt, Data::Txt(text)) => Some(Record::Txt(text.clone())),
        (Kind::Ptr, Data::Ptr(name)) => Some(Record::Ptr(Name::from(name))),
        (Kind::Srv, Data::Srv(service)) => Some(Record::Srv(service.clone())),
        (Kind::Tlsa, Data::Tlsa(tlsa)) => Some(Record::Tlsa(tlsa.clone())),
        _ => None,
    }
}
