//! The built-in first layer against viruses: hashes, patterns of bytes and of text, and EICAR.
//!
//! Needs no engine and no updates; an administrator names files of it. A list of hashes has lines
//! `SHA-256 NAME`; a list of patterns has lines
//!
//! ```text
//! NAME hex 4d5a9000{2-8}5?455a*6c6f72656d
//! NAME text invoice overdue * enable content
//! ```
//!
//! In `hex`, `?` is any half byte, `{n-m}` and `{n}` are gaps of so many bytes, `*` is a gap of up
//! to [`GAP_MAX`]. In `text`, case does not count, a run of blanks and line ends is one blank, NUL
//! is skipped (so that UTF-16 matches), and `*` is a gap of up to [`GAP_MAX`] characters. Empty
//! lines and lines that begin with `#` are skipped. Before the first gap there must be
//! [`CORE_MIN`] whole bytes in a row: by those a pattern is found in one pass over the content.

mod pattern;
pub mod request;

use crate::inspect::Inspection;
use crate::{Budget, Class, Trouble};
use memchr::memmem;
use pattern::{Matcher, Pattern};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub use pattern::{CORE_MIN, GAP_MAX, PATTERN_MAX};

/// Hashes of all lists together: 100,000 take some 10 MB.
pub const HASHES_MAX: usize = 100_000;
/// Patterns of all lists together; the automaton takes some KB for each.
pub const PATTERNS_MAX: usize = 10_000;
/// Characters of a name: it stands in traces and notices.
pub const NAME_MAX: usize = 80;
/// EICAR is looked for anywhere in what is so small, and at the beginning of what is not larger
/// than its own definition allows: whoever mails an article about it is not a danger.
const EICAR_ANYWHERE: usize = 8 * 1024;
/// The anti-malware test file (EICAR, 2003): in two pieces, so that no scanner takes this program
/// for it.
const EICAR: [&str; 2] =
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// What is wrong with a line of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, for the administrator.
    pub what: String,
}

/// Lists that are being read.
#[derive(Debug, Default)]
pub struct Builder {
    hashes: HashMap<[u8; 32], String>,
    bytes: Vec<Pattern>,
    texts: Vec<Pattern>,
}

impl Builder {
    /// Takes a list of hashes.
    ///
    /// # Errors
    /// The first line that is none; nothing of the list is to be used then.
    pub fn hashes(&mut self, list: &str) -> Result<(), Fault> {
        each_line(list, |line| {
            let (hash, name) = line.split_once(char::is_whitespace).unwrap_or((line, "unnamed"));
            let hash = hex(hash).ok_or("a SHA-256 has 64 hexadecimal digits")?;
            let hash = hash.try_into().map_err(|_| "a SHA-256 has 64 hexadecimal digits")?;
            self.hashes.insert(hash, proper_name(name.trim())?);
            if self.hashes.len() > HASHES_MAX {
                return Err(format!("more than {HASHES_MAX} hashes"));
            }
            Ok(())
        })
    }

    /// Takes a list of patterns.
    ///
    /// # Errors
    /// The first line that is none; nothing of the list is to be used then.
    pub fn patterns(&mut self, list: &str) -> Result<(), Fault> {
        each_line(list, |line| {
            let mut words = line.splitn(3, char::is_whitespace);
            let name = proper_name(words.next().unwrap_or_default())?;
            let kind = words.next().unwrap_or_default();
            let body = words.next().unwrap_or_default().trim();
            match kind {
                "hex" => self.bytes.push(Pattern::hex(name, body)?),
                "text" => self.texts.push(Pattern::text(name, body)?),
                _ => return Err("a pattern is: NAME hex DIGITS, or: NAME text WORDS".to_owned()),
            }
            if self.bytes.len() + self.texts.len() > PATTERNS_MAX {
                return Err(format!("more than {PATTERNS_MAX} patterns"));
            }
            Ok(())
        })
    }

    /// The lists, ready to be used.
    ///
    /// # Errors
    /// The patterns together are too large for one automaton; the text says so.
    pub fn build(self) -> Result<Lists, String> {
        Ok(Lists {
            hashes: self.hashes,
            bytes: Matcher::new(self.bytes)?,
            texts: Matcher::new(self.texts)?,
            eicar: memmem::Finder::new(&EICAR.concat()).into_owned(),
        })
    }
}

/// Lists in use: [`Lists::default`] knows EICAR alone.
#[derive(Debug)]
pub struct Lists {
    hashes: HashMap<[u8; 32], String>,
    bytes: Matcher,
    texts: Matcher,
    eicar: memmem::Finder<'static>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            hashes: HashMap::new(),
            bytes: Matcher::default(),
            texts: Matcher::default(),
            eicar: memmem::Finder::new(&EICAR.concat()).into_owned(),
        }
    }
}

impl Lists {
    /// Whether nothing but EICAR is looked for.
    pub fn is_plain(&self) -> bool {
        self.hashes.is_empty() && self.bytes.is_empty() && self.texts.is_empty()
    }

    /// Whether anything matches: for a text that is looked at nowhere else. Says yes too where the
    /// patterns were given up.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let matches = |matcher: &Matcher, bytes: &[u8]| {
            let mut found = false;
            let whole = matcher.matches(bytes, &mut |_| found = true);
            found || !whole
        };
        (text.len() <= EICAR_ANYWHERE && self.eicar.find(text).is_some())
            || (!self.hashes.is_empty()
                && self.hashes.contains_key(&<[u8; 32]>::from(Sha256::digest(text))))
            || matches(&self.bytes, text)
            || (!self.texts.is_empty() && matches(&self.texts, &pattern::folded(text)))
    }

    /// Adds what matches to `look`: hashes of an administrator as listed, patterns as viruses.
    pub(crate) fn find(&self, bytes: &[u8], budget: &mut Budget, look: &mut Inspection<'_>) {
        if bytes.len() <= EICAR_ANYWHERE && self.eicar.find(bytes).is_some() {
            look.hit(Class::Virus, "pattern eicar", "the anti-malware test file");
        }
        if !self.hashes.is_empty()
            && let Some(name) = self.hashes.get(&<[u8; 32]>::from(Sha256::digest(bytes)))
        {
            look.hit(Class::Listed, format!("hash {name}"), "");
        }
        self.bytes.find(bytes, look);
        if !self.texts.is_empty() {
            match budget.hold(bytes.len()) {
                Ok(()) => {
                    self.texts.find(&pattern::folded(bytes), look);
                    budget.release(bytes.len());
                }
                Err(trouble) => look.trouble(trouble),
            }
        }
    }
}

impl Matcher {
    fn find(&self, bytes: &[u8], look: &mut Inspection<'_>) {
        let whole = self.matches(bytes, &mut |name| {
            look.hit(Class::Virus, format!("pattern {name}"), "");
        });
        if !whole {
            look.trouble(Trouble::Limit("pattern steps"));
        }
    }
}

fn each_line(list: &str, mut take: impl FnMut(&str) -> Result<(), String>) -> Result<(), Fault> {
    for (number, line) in list.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            take(line).map_err(|what| Fault { line: number + 1, what })?;
        }
    }
    Ok(())
}

fn proper_name(name: &str) -> Result<String, String> {
    if name.is_empty() || name.len() > NAME_MAX || name.contains(char::is_control) {
        return Err(format!("a name has 1 to {NAME_MAX} bytes, without control characters"));
    }
    Ok(name.to_owned())
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => {
                let high = char::from(*high).to_digit(16)?;
                let low = char::from(*low).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
