//! One goal of an alias.

use super::Goal;
use mail::{Address, Domain, LocalPart};

/// What a goal says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Goal(Goal),
    /// The path behind `:include:`.
    Include(String),
    /// It says what is never done, and why not.
    Refused(&'static str),
}

const PROGRAM: &str = "a program is never run for a mail";
const FILE: &str = "mail is never written to a file";
const NULL: &str = "mail is never written to a file; to discard it, give the access map an entry \
    `To:name@ DISCARD`";
const MAILER: &str = "sendmail's error: goals are not supported; give the access map an entry \
    `To:name@ ERROR:...`";

/// Reads one goal; an error is a sentence about text that is no goal at all.
pub(super) fn parse(text: &str) -> Result<Said, String> {
    let bare = without_comments(text)?;
    let text = bare.trim();
    // `"|/bin/prog -x"`: the quotes hold the goal together and are no part of it.
    let inner = whole_quotes(text);
    let looked = inner.as_deref().unwrap_or(text).trim_start();
    if let Some(why) = never_done(looked) {
        return Ok(Said::Refused(why));
    }
    if let Some(path) = crate::network::strip_tag(looked, ":include:") {
        return match path.trim() {
            "" => Err("no path stands behind `:include:`".to_owned()),
            path => Ok(Said::Include(path.to_owned())),
        };
    }
    if crate::network::strip_tag(looked, "error:").is_some() {
        return Ok(Said::Refused(MAILER));
    }
    address(angle(text)?)
}

/// Why a goal that begins so is refused.
fn never_done(text: &str) -> Option<&'static str> {
    match text.chars().next()? {
        '|' => Some(PROGRAM),
        '/' if text == "/dev/null" => Some(NULL),
        '/' => Some(FILE),
        _ => None,
    }
}

fn address(text: &str) -> Result<Said, String> {
    if has_unquoted_at(text) {
        let found = Address::parse(text).map_err(|e| format!("`{text}` is no address: {e}"))?;
        return Ok(Said::Goal(Goal::Address(found)));
    }
    let (name, is_final) = match text.strip_prefix('\\') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let name = local_part(name)?.as_str().to_owned();
    // Behind a backslash or in angle brackets it means the same.
    if let Some(why) = never_done(&name) {
        return Ok(Said::Refused(why));
    }
    Ok(Said::Goal(if is_final { Goal::Final(name) } else { Goal::Local(name) }))
}

/// Reads a local part that stands alone, with or without quotes.
pub(super) fn local_part(text: &str) -> Result<LocalPart, String> {
    let domain = Domain::parse("a.invalid").map_err(|e| e.to_string())?;
    Address::parse(&format!("{text}@{domain}"))
        .map(|address| address.local)
        .map_err(|e| format!("`{text}` is no local name: {}", e.kind))
}

/// Whether a domain follows: an `@` outside quotes.
pub(super) fn has_unquoted_at(text: &str) -> bool {
    let (mut in_quotes, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            '@' if !in_quotes => return true,
            _ => {}
        }
    }
    false
}

/// What is within the quotes, if they are around all of the text.
fn whole_quotes(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            '"' => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

/// `Name <address>` is the address (RFC 5322 §3.4).
fn angle(text: &str) -> Result<&str, String> {
    let Some(rest) = text.strip_suffix('>') else { return Ok(text) };
    let open = rest.rfind('<').ok_or_else(|| format!("`{text}` has `>` without `<`"))?;
    Ok(rest.get(open + 1..).unwrap_or_default().trim())
}

/// Comments in parentheses are left out (RFC 5322 §3.2.2).
fn without_comments(text: &str) -> Result<String, String> {
    let mut kept = String::new();
    let (mut in_quotes, mut escaped, mut depth) = (false, false, 0_usize);
    for c in text.chars() {
        let keep = depth == 0;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if depth == 0 => in_quotes = !in_quotes,
            '(' if !in_quotes => {
                depth += 1;
                continue;
            }
            ')' if !in_quotes => {
                depth = depth.checked_sub(1).ok_or_else(|| format!("`{text}` has a stray `)`"))?;
                continue;
            }
            _ => {}
        }
        if keep {
            kept.push(c);
        }
    }
    match (in_quotes, depth) {
        (true, _) => Err(format!("the quotes in `{text}` do not end")),
        (_, 0) => Ok(kept),
        _ => Err(format!("the parentheses in `{text}` do not end")),
    }
}
