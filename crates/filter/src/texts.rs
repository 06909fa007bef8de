//! Texts for people, from template files: one folder a language, one file a text.
//!
//! The texts of this program are compiled in; a folder that the settings name has precedence, file
//! by file, so that an organisation can speak in its own words.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use std::path::Path;

/// What rendering one text may take: a loop that an administrator wrote wrongly must not hold up
/// mail.
const FUEL: u64 = 200_000;
/// Characters of a stranger's text that are shown.
const LINE_MAX: usize = 120;
/// Bytes of a template file.
const TEMPLATE_MAX: u64 = 64 * 1024;

/// A text, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// In the place of a part that was taken out.
    Removed,
    /// Before a message with doubtful parts.
    Warning,
    /// To a recipient: what is held.
    DigestRecipient,
    /// To the administrator: what is held.
    DigestAdministrator,
    /// To the administrator: somebody asks for a release.
    Request,
    /// To a sender whose message is held.
    Sender,
}

/// Every text with its file's name, in the order of [`BUILT_IN`].
const TEXTS: &[(Text, &str)] = &[
    (Text::Removed, "removed.txt"),
    (Text::Warning, "warning.txt"),
    (Text::DigestRecipient, "digest-recipient.txt"),
    (Text::DigestAdministrator, "digest-administrator.txt"),
    (Text::Request, "request.txt"),
    (Text::Sender, "sender.txt"),
];

macro_rules! language {
    ($code:literal) => {
        (
            $code,
            &[
                include_str!(concat!("../texts/", $code, "/removed.txt")),
                include_str!(concat!("../texts/", $code, "/warning.txt")),
                include_str!(concat!("../texts/", $code, "/digest-recipient.txt")),
                include_str!(concat!("../texts/", $code, "/digest-administrator.txt")),
                include_str!(concat!("../texts/", $code, "/request.txt")),
                include_str!(concat!("../texts/", $code, "/sender.txt")),
            ],
        )
    };
}

/// The languages that are compiled in, with their texts in the order of [`TEXTS`].
const BUILT_IN: &[(&str, &[&str])] = &[language!("en"), language!("de")];

/// What a digest tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// This server.
    pub hostname: String,
    /// Whom it is for.
    pub recipient: String,
    /// Where an answer goes.
    pub reply_to: String,
    /// How many days things are held; 0: for ever.
    pub days: u64,
    /// How many there are beyond those listed.
    pub more: usize,
    /// What is held.
    pub entries: Vec<DigestEntry>,
}

/// One thing that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestEntry {
    /// Its number in the quarantine.
    pub id: i64,
    /// Since when.
    pub at: String,
    /// Until when; empty: for ever.
    pub until: String,
    /// The envelope's sender.
    pub sender: String,
    /// Whom it is held for.
    pub recipient: String,
    /// Its subject, in one line.
    pub subject: String,
    /// Why it is held, in a sentence.
    pub why: String,
    /// The rule that decided.
    pub rule: String,
    /// The names of parts, where only these are held.
    pub parts: Vec<String>,
    /// By which the recipient may ask for it; empty where there is none.
    pub token: String,
    /// Where it is asked for in a browser; empty where there are no web pages.
    pub link: String,
}

/// New requests for a release, as the administrator hears of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// This server.
    pub hostname: String,
    /// How many there are beyond those listed.
    pub more: usize,
    /// What was asked for; one at least.
    pub entries: Vec<RequestEntry>,
}

/// One request for a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestEntry {
    /// The number in the quarantine.
    pub id: i64,
    /// Who asks.
    pub who: String,
    /// Who sent it.
    pub sender: String,
    /// Why it is held.
    pub why: String,
    /// Since when.
    pub at: String,
}

/// What a sender hears of a message that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SenderTold {
    /// This server.
    pub(crate) hostname: String,
    /// The message's subject, in one line.
    pub(crate) subject: String,
    /// Whom it was for.
    pub(crate) recipients: Vec<String>,
    /// Why it is held.
    pub(crate) why: String,
    /// Parts that were taken out, where the rest was delivered.
    pub(crate) parts: Vec<String>,
    /// The message's number.
    pub(crate) message: String,
}

/// What people are told of a part that was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Removed {
    /// Its name, without control characters.
    pub(crate) name: String,
    /// Its declared type.
    pub(crate) media_type: String,
    /// Its true type.
    pub(crate) kind: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// SHA-256 in hex.
    pub(crate) sha256: String,
    /// Why, in a sentence.
    pub(crate) why: String,
    /// Where in it the danger is, if it is an archive.
    pub(crate) inside: String,
    /// The rule that fired.
    pub(crate) rule: String,
    /// The message's number.
    pub(crate) message: String,
    /// This server.
    pub(crate) hostname: String,
    /// Where a request for a release goes.
    pub(crate) ask: String,
    /// By which it is asked for.
    pub(crate) token: String,
    /// Where it is asked for in a browser; empty where there are no web pages.
    pub(crate) link: String,
}

/// The texts of one language.
#[derive(Debug)]
pub struct Texts {
    environment: Environment<'static>,
}

impl Texts {
    /// The texts of a language, those of a folder before ours. What is wrong with a file is logged,
    /// and ours stands in its place.
    pub fn new(language: &str, folder: Option<&Path>) -> Self {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let known = BUILT_IN.iter().find(|(name, _)| *name == language).or(BUILT_IN.first());
        let built_in = known.map_or(&[] as &[&str], |(_, texts)| texts);
        for ((_, name), text) in TEXTS.iter().zip(built_in) {
            let own = folder.and_then(|folder| read(&folder.join(name)));
            if let Some(own) = own {
                match environment.add_template_owned(*name, own) {
                    Ok(()) => continue,
                    Err(error) => tracing::error!(text = name, %error, "a text is not used"),
                }
            }
            if let Err(error) = environment.add_template(name, text) {
                tracing::error!(text = name, %error, "a text is broken");
            }
        }
        Self { environment }
    }

    /// What stands in the place of a part.
    pub(crate) fn removed(&self, told: &Removed) -> String {
        self.render(Text::Removed, Value::from(Serde(told)))
    }

    /// What stands before a message with doubtful parts.
    pub(crate) fn warning(&self, parts: &[Removed]) -> String {
        let hostname = parts.first().map(|part| part.hostname.clone()).unwrap_or_default();
        self.render(Text::Warning, context! { parts => Serde(parts), hostname })
    }

    /// A text whose first line is its subject, and its words below.
    pub fn words(&self, text: Text, values: &impl Serialize) -> (String, String) {
        let rendered = self.render(text, Value::from(Serde(values)));
        let (subject, words) = rendered.split_once("\r\n").unwrap_or((&rendered, ""));
        (one_line(subject), format!("{}\r\n", words.trim_start()))
    }

    /// A text with CRLF line ends. One that cannot be rendered says so: nothing is lost by it.
    fn render(&self, text: Text, values: Value) -> String {
        let name = TEXTS.iter().find(|(known, _)| *known == text).map_or("", |(_, name)| name);
        let rendered = self.environment.get_template(name).and_then(|text| text.render(values));
        let text = rendered.unwrap_or_else(|error| {
            tracing::error!(text = name, %error, "a text cannot be written");
            "The mail server has changed this message; ask your administrator.".to_owned()
        });
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\r\n")
    }
}

/// A text of a stranger in one line: what could pose as another line of ours, or turn what stands
/// behind it round, is shown as one sign.
pub fn one_line(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown = |c: char| if is_odd(c) { '\u{fffd}' } else { c };
    text.chars().map(shown).take(LINE_MAX).collect()
}

fn read(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok()?.len();
    if size > TEMPLATE_MAX {
        tracing::error!(path = %path.display(), size, "a text is too long and not used");
        return None;
    }
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests;
