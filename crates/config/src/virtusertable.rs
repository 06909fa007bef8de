//! sendmail's `virtusertable`: whole addresses and domains that lead elsewhere.

use crate::lines::pairs;
use crate::network::strip_tag;
use crate::problem::Problem;
use crate::reply::{enhanced, parse_reply, reply, reply_code};
use mail::{Address, Domain, Host, ReplyText};
use std::collections::HashMap;
use std::path::Path;

/// What mail is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// One address; its local part is in lower case.
    Address(Address),
    /// Every other address at the domain (`@domain`).
    Domain(Domain),
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VirtualGoal {
    /// To an address.
    Address(Address),
    /// To a local name.
    Local(String),
    /// To the same local part at another domain (`%1@domain`).
    SameUserAt(Domain),
    /// Nowhere: it is refused with these words (`error:nouser text`).
    Error(ReplyText),
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What mail is for.
    pub key: Key,
    /// Where it goes.
    pub goal: VirtualGoal,
    /// The line, from 1.
    pub line: usize,
}

/// Reads a whole file known as `path`.
pub fn parse_file(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    let mut seen: HashMap<Key, usize> = HashMap::new();
    for pair in pairs(path, text, &mut problems) {
        let key = match parse_key(pair.key.text) {
            Ok(key) => key,
            Err(why) => {
                problems.push(Problem::error(path, pair.line, pair.key.column, why));
                continue;
            }
        };
        if let Some(first) = seen.get(&key) {
            let message =
                format!("`{}` is there twice; line {first} came first and holds", pair.key.text);
            problems.push(Problem::warning(path, pair.line, pair.key.column, message));
            continue;
        }
        match parse_goal(pair.value.text) {
            Ok(goal) => {
                seen.insert(key.clone(), pair.line);
                entries.push(Entry { key, goal, line: pair.line });
            }
            Err(why) => {
                problems.push(Problem::error(path, pair.line, pair.value.column, why));
            }
        }
    }
    (entries, problems)
}

fn parse_key(text: &str) -> Result<Key, String> {
    if let Some(domain) = text.strip_prefix('@') {
        let domain = Domain::parse(domain);
        return domain.map(Key::Domain).map_err(|e| format!("`{text}` is no domain: {e}"));
    }
    if !text.contains('@') {
        return Err(format!("`{text}` is neither an address nor `@domain`"));
    }
    let address = Address::parse(text).and_then(|address| Address::parse(&address.key()));
    address.map(Key::Address).map_err(|e| format!("`{text}` is no address: {e}"))
}

fn parse_goal(text: &str) -> Result<VirtualGoal, String> {
    if let Some(rest) = strip_tag(text, "error:") {
        return parse_error(rest).map(VirtualGoal::Error);
    }
    if let Some(domain) = text.strip_prefix("%1@") {
        let domain = Domain::parse(domain);
        return domain.map(VirtualGoal::SameUserAt).map_err(|e| format!("`{text}`: {e}"));
    }
    if text.contains('%') {
        return Err(format!("`{text}`: only `%1@domain` is supported"));
    }
    if text.contains([' ', '\t', ',']) {
        return Err(format!("`{text}`: one address only; for several make an alias"));
    }
    if text.starts_with(['|', '/', ':']) {
        return Err(format!("`{text}`: programs and files are never given mail"));
    }
    if text.contains('@') {
        let address = Address::parse(text);
        return address.map(VirtualGoal::Address).map_err(|e| format!("`{text}`: {e}"));
    }
    match Address::parse(&format!("{text}@a.invalid")) {
        Ok(Address { local, host: Host::Domain(_) }) => {
            Ok(VirtualGoal::Local(local.as_str().to_owned()))
        }
        Ok(_) => Err(format!("`{text}` is no local name")),
        Err(e) => Err(format!("`{text}` is no local name: {}", e.kind)),
    }
}

/// The words of sendmail's error mailer, with what they answer.
const WORDS: &[(&str, &str)] = &[
    ("nouser", "550 5.1.1 User unknown"),
    ("nohost", "550 5.1.2 Host unknown"),
    ("unavailable", "550 5.7.1 Unavailable"),
    ("tempfail", "450 4.3.0 Try again later"),
    ("protocol", "554 5.5.0 Protocol error"),
    ("usage", "550 5.1.0 Bad address"),
    ("config", "554 5.3.5 Configuration error"),
];

/// `nouser text`, or `d.s.n:code text`.
fn parse_error(text: &str) -> Result<ReplyText, String> {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let lower = word.to_ascii_lowercase();
    if let Some((_, usual)) = WORDS.iter().find(|(word, _)| *word == lower) {
        let usual = parse_reply(usual)?;
        let words = if rest.trim().is_empty() { &usual.text } else { rest };
        return reply(usual.code, usual.enhanced, words);
    }
    let (status, code) = word.split_once(':').unwrap_or(("", word));
    let code = reply_code(code).ok_or_else(|| format!("`error:{word}` is not known"))?;
    reply(code, enhanced(status), if rest.trim().is_empty() { "User unknown" } else { rest })
}

#[cfg(test)]
mod tests {
    use super::{Key, VirtualGoal, parse_file};
    use proptest::prelude::*;
    use std::path::Path;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let (entries, problems) = parse_file(Path::new("v"), line);
        let key = |key: &Key| match key {
            Key::Address(address) => address.to_string(),
            Key::Domain(domain) => format!("@{domain}"),
        };
        let goal = |goal: &VirtualGoal| match goal {
            VirtualGoal::Address(address) => format!("<{address}>"),
            VirtualGoal::Local(name) => name.clone(),
            VirtualGoal::SameUserAt(domain) => format!("same at {domain}"),
            VirtualGoal::Error(r) => format!("{} {:?} {}", r.code, r.enhanced, r.text),
        };
        let mut found: Vec<_> =
            entries.iter().map(|e| format!("{} -> {}", key(&e.key), goal(&e.goal))).collect();
        found.extend(problems.iter().map(ToString::to_string));
        assert_eq!(found, [expected], "for {line}");
    }

    #[test]
    fn lines() {
        check("Info@Foo.com\tfoo-info", "info@foo.com -> foo-info");
        check("@bar.com  jane@elsewhere.net", "@bar.com -> <jane@elsewhere.net>");
        check("@bar.org %1@bar.com", "@bar.org -> same at bar.com");
        check("old@bar.com error:nouser No such user", {
            "old@bar.com -> 550 Some((5, 1, 1)) No such user"
        });
        check("@dead.com error:5.7.0:550 Address invalid", {
            "@dead.com -> 550 Some((5, 7, 0)) Address invalid"
        });
        check("@dead.com error:nouser", "@dead.com -> 550 Some((5, 1, 1)) User unknown");
        check("foo bar", "v:1:1: error: `foo` is neither an address nor `@domain`");
        check("a@b.com c, d", "v:1:9: error: `c, d`: one address only; for several make an alias");
        check("a@b.com |prog", "v:1:9: error: `|prog`: programs and files are never given mail");
        check("a@b.com %2@c.com", "v:1:9: error: `%2@c.com`: only `%1@domain` is supported");
        check("a@b.com error:what", "v:1:9: error: `error:what` is not known");
    }

    #[test]
    fn the_first_of_two_holds() {
        let (entries, problems) = parse_file(Path::new("v"), "a@b.com x\nA@B.com y\n");
        assert_eq!(entries.len(), 1);
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let expected = "v:2:1: warning: `A@B.com` is there twice; line 1 came first and holds";
        assert_eq!(problems, [expected]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-z@.%:|]{0,9}[ \t]?(error:)?[a-z0-9@.%: ]{0,12}\n){0,6}") {
            let _ = parse_file(Path::new("v"), &text);
        }
    }
}
