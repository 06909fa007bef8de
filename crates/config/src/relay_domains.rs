//! sendmail's `relay-domains`: who may send through us to elsewhere, and what we take mail for.
//!
//! A bare domain means the domain and its hosts, as sendmail has it.

use crate::lines::words;
use crate::network::{Network, network};
use crate::problem::Problem;
use crate::settings::too_wide;
use ipnet::IpNet;
use mail::Domain;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::Path;

/// What may be relayed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Relay {
    /// Mail to this domain and everything below it.
    Domain(Domain),
    /// Mail from clients within.
    Net(IpNet),
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What may be relayed.
    pub relay: Relay,
    /// The line, from 1.
    pub line: usize,
}

/// Reads a whole file known as `path`.
pub fn parse_file(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    let mut seen: HashMap<Relay, usize> = HashMap::new();
    for (line, word) in words(path, text, &mut problems) {
        let mut say = |problem: Problem| problems.push(problem);
        let relay = match network(word.text) {
            Network::Never(why) => {
                let message = format!("`{}` can never match: {why}", word.text);
                say(Problem::warning(path, line, word.column, message));
                continue;
            }
            Network::Is(net, _) if too_wide(&net) => {
                let message = format!("`{}` is too wide: it would make an open relay", word.text);
                say(Problem::error(path, line, word.column, message));
                continue;
            }
            Network::Is(net, note) => {
                if let Some(note) = note {
                    say(Problem::warning(path, line, word.column, note));
                }
                Relay::Net(net)
            }
            Network::Not => match domain(word.text) {
                Ok(domain) => Relay::Domain(domain),
                Err(why) => {
                    let message = format!("`{}`: {why}", word.text);
                    say(Problem::error(path, line, word.column, message));
                    continue;
                }
            },
        };
        if let Relay::Domain(domain) = &relay
            && !domain.as_str().contains('.')
        {
            let message = format!("`{domain}` covers every host below the top level `{domain}`");
            say(Problem::warning(path, line, word.column, message));
        }
        match seen.entry(relay) {
            Slot::Occupied(first) => {
                let message =
                    format!("`{}` is there twice, first in line {}", word.text, first.get());
                say(Problem::warning(path, line, word.column, message));
            }
            Slot::Vacant(slot) => {
                entries.push(Entry { relay: slot.key().clone(), line });
                slot.insert(line);
            }
        }
    }
    (entries, problems)
}

fn domain(text: &str) -> Result<Domain, String> {
    if text.contains('@') {
        return Err("a domain or network is expected here, not an address".to_owned());
    }
    let bare = text.strip_prefix('.').unwrap_or(text);
    Domain::parse(bare).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Relay, parse_file};
    use std::path::Path;

    #[test]
    fn a_real_file() {
        let text = "# relay-domains\nexample.net\n192.0.2\n10.0.0.0/8 # ours\n.sub.example.com\n\
            IPv6:2001:db8:7\n[198.51.100.9]\nEXAMPLE.net\n";
        let (entries, problems) = parse_file(Path::new("r"), text);
        let show = |relay: &Relay| match relay {
            Relay::Domain(domain) => domain.to_string(),
            Relay::Net(net) => net.to_string(),
        };
        let entries: Vec<_> = entries.iter().map(|e| (e.line, show(&e.relay))).collect();
        let expected = [
            (2, "example.net"),
            (3, "192.0.2.0/24"),
            (4, "10.0.0.0/8"),
            (5, "sub.example.com"),
            (6, "2001:db8:7::/48"),
            (7, "198.51.100.9/32"),
        ];
        assert_eq!(entries, expected.map(|(line, text)| (line, text.to_owned())));
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, ["r:8:1: warning: `EXAMPLE.net` is there twice, first in line 2"]);
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let (_, problems) = parse_file(Path::new("r"), line);
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [expected], "for {line}");
    }

    #[test]
    fn what_is_wrong() {
        check("0.0.0.0/0", "r:1:1: error: `0.0.0.0/0` is too wide: it would make an open relay");
        check("IPv6:::/0", "r:1:1: error: `IPv6:::/0` is too wide: it would make an open relay");
        check("com", "r:1:1: warning: `com` covers every host below the top level `com`");
        check("300.1", "r:1:1: warning: `300.1` can never match: `300` is greater than 255");
        check(
            " a@example.org",
            "r:1:2: error: `a@example.org`: a domain or network is expected here, not an address",
        );
        check(
            "a.example b.example",
            "r:1:11: warning: only the first word of a line counts, `b.example` does not",
        );
    }
}
