//! The list of who exists at the domains that are relayed for: an address a line, or `@domain` for
//! everybody at a domain.
//!
//! A domain of which any line speaks is known by the list alone.

use crate::lines::words;
use crate::problem::Problem;
use mail::{Address, Domain};
use std::collections::HashMap;
use std::path::Path;

/// Who exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Known {
    /// This address; in lower case ([`Address::key`]).
    Address(String),
    /// Every address of this domain.
    Domain(Domain),
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who exists.
    pub known: Known,
    /// The domain that it speaks of.
    pub domain: Domain,
    /// The line, from 1.
    pub line: usize,
}

/// Reads a whole file known as `path`.
pub fn parse_file(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    let mut seen: HashMap<Known, usize> = HashMap::new();
    for (line, word) in words(path, text, &mut problems) {
        let (known, domain) = match parse(word.text) {
            Ok(read) => read,
            Err(why) => {
                let message = format!("`{}`: {why}", word.text);
                problems.push(Problem::error(path, line, word.column, message));
                continue;
            }
        };
        if let Some(first) = seen.get(&known) {
            let message = format!("`{}` is there twice, first in line {first}", word.text);
            problems.push(Problem::warning(path, line, word.column, message));
            continue;
        }
        seen.insert(known.clone(), line);
        entries.push(Entry { known, domain, line });
    }
    (entries, problems)
}

fn parse(text: &str) -> Result<(Known, Domain), String> {
    if let Some(name) = text.strip_prefix('@') {
        let domain = Domain::parse(name).map_err(|error| error.to_string())?;
        return Ok((Known::Domain(domain.clone()), domain));
    }
    let address = Address::parse(text).map_err(|error| error.to_string())?;
    let literal = || "an address literal is no domain that mail is relayed for".to_owned();
    let domain = address.domain().ok_or_else(literal)?.clone();
    Ok((Known::Address(address.key()), domain))
}

#[cfg(test)]
mod tests {
    use super::{Known, parse_file};
    use std::path::Path;

    #[test]
    fn addresses_and_domains() {
        let text = "# who is there\nAnna@Branch.example\n  @all.example # everybody\n\nanna\n\
            anna@branch.example\n@\nx@[192.0.2.1]\n@all.example.\nben@branch.example carl\n";
        let (entries, problems) = parse_file(Path::new("r"), text);
        let shown = |known: &Known| match known {
            Known::Address(key) => key.clone(),
            Known::Domain(domain) => format!("@{domain}"),
        };
        let entries: Vec<_> = entries
            .iter()
            .map(|e| format!("{}:{} {}", e.line, shown(&e.known), e.domain))
            .collect();
        assert_eq!(
            entries,
            [
                "2:anna@branch.example branch.example",
                "3:@all.example all.example",
                "10:ben@branch.example branch.example",
            ]
        );
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "r:10:20: warning: only the first word of a line counts, `carl` does not",
                "r:5:1: error: `anna`: there is no @ (at byte 4)",
                "r:6:1: warning: `anna@branch.example` is there twice, first in line 2",
                "r:7:1: error: `@`: the domain is empty",
                "r:8:1: error: `x@[192.0.2.1]`: an address literal is no domain that mail is \
                 relayed for",
                "r:9:1: warning: `@all.example.` is there twice, first in line 3",
            ]
        );
    }
}
