//! sendmail's `local-host-names`: the names that this server takes mail for as its own.
//!
//! Each name means itself alone; hosts below it are other names.

use crate::lines::words;
use crate::network::{Network, network};
use crate::problem::Problem;
use mail::Domain;
use std::path::Path;

/// Reads a whole file known as `path`.
pub fn parse_file(path: &Path, text: &str) -> (Vec<Domain>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut hosts: Vec<Domain> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (line, word) in words(path, text, &mut problems) {
        if !matches!(network(word.text), Network::Not) {
            let message = format!(
                "`{}` has no effect: address literals are taken for the server's own addresses",
                word.text
            );
            problems.push(Problem::warning(path, line, word.column, message));
            continue;
        }
        match Domain::parse(word.text) {
            Err(why) => {
                let message = format!("`{}`: {why}", word.text);
                problems.push(Problem::error(path, line, word.column, message));
            }
            Ok(host) => match seen.get(&host) {
                Some(first) => {
                    let message = format!("`{host}` is there twice, first in line {first}");
                    problems.push(Problem::warning(path, line, word.column, message));
                }
                None => {
                    seen.insert(host.clone(), line);
                    hosts.push(host);
                }
            },
        }
    }
    (hosts, problems)
}

#[cfg(test)]
mod tests {
    use super::parse_file;
    use std::path::Path;

    #[test]
    fn a_real_file() {
        let text = "# local-host-names\nexample.org\n  mail.Example.ORG\n\nlocalhost\n[192.0.2.1]\n\
            exa$mple\nexample.org.\n";
        let (hosts, problems) = parse_file(Path::new("l"), text);
        let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["example.org", "mail.example.org", "localhost"]);
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "l:6:1: warning: `[192.0.2.1]` has no effect: \
                 address literals are taken for the server's own addresses",
                "l:7:1: error: `exa$mple`: the domain has a character that no domain may have",
                "l:8:1: warning: `example.org` is there twice, first in line 2",
            ]
        );
    }
}
