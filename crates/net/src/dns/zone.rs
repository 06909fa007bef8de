//! The scripted twin of the real resolver: all answers come from a file (`--zone FILE`).
//!
//! Diagnostic commands work offline by it, and a decision can be asked again as it was then.

use super::zone_file::{self, Data, ZoneError};
use super::{Answer, DnsError, Kind, Name, Record, Resolver};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

/// Aliases followed in a row; a real resolver gives up about there too.
const ALIASES_MAX: usize = 8;

/// Answers from a zone file, at once; what is not in it does not exist.
#[derive(Debug)]
pub struct ZoneResolver {
    names: HashMap<String, Vec<Data>>,
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
        let mut names: HashMap<String, Vec<Data>> = HashMap::new();
        for zone_file::Record { name, data } in records {
            // A name exists if something below it does (RFC 8020 §2).
            let mut above = name.as_str();
            while let Some((_, rest)) = above.split_once('.') {
                names.entry(rest.to_owned()).or_default();
                above = rest;
            }
            names.entry(name).or_default().push(data);
        }
        Self { names }
    }

    fn ask<T>(&self, name: &str, select: impl Fn(&Data) -> Option<T>) -> Result<Vec<T>, DnsError> {
        let mut name = name;
        for _ in 0..=ALIASES_MAX {
            let records = self.names.get(name).ok_or(DnsError::NoSuchName)?;
            let found: Vec<T> = records.iter().filter_map(&select).collect();
            if !found.is_empty() {
                return Ok(found);
            }
            let alias = records.iter().find_map(|data| match data {
                Data::Cname(target) => Some(target.as_str()),
                _ => None,
            });
            name = alias.ok_or(DnsError::NoRecords)?;
        }
        Err(DnsError::Failed("too many aliases in a row".to_owned()))
    }
}

impl Resolver for ZoneResolver {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        Box::pin(std::future::ready(self.ask(name.as_str(), |data| match (kind, data) {
            (Kind::Ipv4, Data::Address(IpAddr::V4(ip))) => Some(Record::Ipv4(*ip)),
            (Kind::Ipv6, Data::Address(IpAddr::V6(ip))) => Some(Record::Ipv6(*ip)),
            (Kind::Mx, Data::Mx(mx)) => {
                Some(Record::Mx(mx.preference, mx.exchange.as_ref().map(Name::from)))
            }
            (Kind::Txt, Data::Txt(text)) => Some(Record::Txt(text.clone())),
            (Kind::Ptr, Data::Ptr(name)) => Some(Record::Ptr(Name::from(name))),
            (Kind::Srv, Data::Srv(service)) => Some(Record::Srv(service.clone())),
            (Kind::Tlsa, Data::Tlsa(association)) => Some(Record::Tlsa(association.clone())),
            _ => None,
        })))
    }
}
