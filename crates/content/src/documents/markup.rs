//! Pages and pictures in angle brackets: what builds files, downloads by itself, or runs.
//!
//! Script alone is no hit in a page: the letters of ordinary senders have some, and mail programs
//! do not run it. What counts is a page that is a file's wrapping. In a picture, any script counts.

use super::encoded::{from_base64, from_percent, is_base64};
use crate::inspect::{Inspection, Item};
use crate::{Budget, Class, magic};
use aho_corasick::AhoCorasick;
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// Base64 letters in a row that are a file and no token or key.
const LONG_FROM: usize = 2_048;
/// Base64 letters in a row that may be a piece of one; words are shorter.
const PIECE_FROM: usize = 24;
/// Bytes between two such pieces: quotes, a sign, a comma, a line end, indentation.
const BETWEEN_MAX: usize = 80;
/// What joins them.
const JOINTS: &[u8] = b"\"'+,=\\ \r\n\t";
/// `data:` addresses that are looked into.
const ADDRESSES_MAX: usize = 1_000;

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A page that makes a file.
    Builds,
    /// Gives a name to what is saved: with script, a page that makes a file.
    Saves,
    /// The name itself (HTML, `download` of `a`).
    Name,
    /// Something that decodes: with a long literal, a page that makes a file.
    Decodes,
    /// Starts a program of the desktop.
    Starts,
    /// A script of the desktop, not of the page.
    Host,
    /// An office document in one XML file, with macros.
    Macros,
    /// Script, in a picture.
    Script,
    /// A picture.
    Picture,
    /// A page.
    Page,
    /// An address with content.
    Data,
    /// What a tag stands for among the headers of a page.
    Header,
}

const MARKS: &[(&str, Mark)] = &[
    ("msSaveOrOpenBlob", Mark::Builds),
    ("msSaveBlob", Mark::Builds),
    ("createObjectURL", Mark::Builds),
    ("new Blob", Mark::Builds),
    ("new File(", Mark::Builds),
    ("showSaveFilePicker", Mark::Builds),
    ("WebAssembly.instantiate", Mark::Builds),
    ("download", Mark::Name),
    (".download=", Mark::Saves),
    (".download =", Mark::Saves),
    (".setAttribute(\"download\"", Mark::Saves),
    (".setAttribute('download'", Mark::Saves),
    (".setAttribute(`download`", Mark::Saves),
    ("[\"download\"]", Mark::Saves),
    ("['download']", Mark::Saves),
    ("atob(", Mark::Decodes),
    ("fromCharCode", Mark::Decodes),
    ("unescape(", Mark::Decodes),
    ("eval(", Mark::Decodes),
    ("Uint8Array", Mark::Decodes),
    ("charCodeAt", Mark::Decodes),
    ("TextDecoder", Mark::Decodes),
    ("decodeURIComponent(", Mark::Decodes),
    (".join(", Mark::Decodes),
    ("document.write", Mark::Decodes),
    ("ms-msdt:", Mark::Starts),
    ("search-ms:", Mark::Starts),
    ("ms-appinstaller:", Mark::Starts),
    ("ms-officecmd:", Mark::Starts),
    ("<hta:application", Mark::Host),
    ("WScript.Shell", Mark::Host),
    ("new ActiveXObject", Mark::Host),
    ("vbscript:", Mark::Host),
    ("<script type=\"text/vbscript", Mark::Host),
    ("language=\"vbscript", Mark::Host),
    ("language='vbscript", Mark::Host),
    ("language=vbscript", Mark::Host),
    ("/vbaProject.bin", Mark::Macros),
    ("w:macrosPresent=\"yes", Mark::Macros),
    ("editdata.mso", Mark::Macros),
    ("<script", Mark::Script),
    ("javascript:", Mark::Script),
    ("<foreignObject", Mark::Script),
    ("<!ENTITY", Mark::Script),
    ("<svg", Mark::Picture),
    ("<html", Mark::Page),
    ("<body", Mark::Page),
    ("data:", Mark::Data),
    ("http-equiv", Mark::Header),
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let texts = MARKS.iter().map(|(text, _)| text);
    AhoCorasick::builder().ascii_case_insensitive(true).build(texts).ok()
});

/// Looks into a page or picture.
pub(super) fn look(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let held = magic::decoded_size(bytes);
    if let Err(trouble) = budget.look(bytes.len()).and_then(|()| budget.hold(held)) {
        look.trouble(trouble);
        return;
    }
    let text = magic::decoded(bytes);
    let found = Found::of(&text);
    found.tell(&text, look);
    for (number, at) in found.data.iter().take(ADDRESSES_MAX).enumerate() {
        // No further than the next, so that addresses that never end cost nothing.
        let next = found.data.get(number + 1).copied().unwrap_or(text.len());
        let is_saved = !found.names.is_empty();
        address(text.get(*at..next).unwrap_or_default(), is_saved, look, budget);
    }
    for at in found.names.iter().take(ADDRESSES_MAX) {
        if let Some(name) = given_name(&text, *at) {
            let name = name.into_owned();
            let item = Item { names: std::slice::from_ref(&name), types: &[], bytes: b"" };
            look.inside(&name, &item, budget);
        }
    }
    if found.data.len().max(found.headers.len()).max(found.names.len()) > ADDRESSES_MAX {
        look.trouble(crate::Trouble::Limit("addresses"));
    }
    budget.release(held);
}

/// The marks of one text.
#[derive(Debug, Default)]
struct Found {
    marks: Vec<(Mark, &'static str)>,
    data: Vec<usize>,
    headers: Vec<usize>,
    names: Vec<usize>,
}

impl Found {
    fn of(text: &[u8]) -> Self {
        let mut found = Self::default();
        let Some(finder) = FINDER.as_ref() else { return found };
        // A mark may stand within another.
        for place in finder.find_overlapping_iter(text) {
            let Some((word, mark)) = MARKS.get(place.pattern().as_usize()) else { continue };
            let places = match mark {
                Mark::Data => Some(&mut found.data),
                Mark::Header => Some(&mut found.headers),
                Mark::Name => Some(&mut found.names),
                _ => None,
            };
            if *mark == Mark::Name && !is_attribute(text, place.start()..place.end()) {
                continue;
            }
            if let Some(places) = places {
                if places.len() <= ADDRESSES_MAX {
                    places.push(place.end());
                }
            } else if !found.marks.contains(&(*mark, *word)) {
                found.marks.push((*mark, word));
            }
        }
        found
    }

    fn has(&self, mark: Mark) -> Option<&'static str> {
        self.marks.iter().find(|(known, _)| *known == mark).map(|(_, word)| *word)
    }

    fn tell(&self, text: &[u8], look: &mut Inspection<'_>) {
        let script = self.has(Mark::Script);
        if let Some(word) = self.has(Mark::Host) {
            look.hit(Class::Script, "page desktop script", word);
        }
        if let Some(word) = self.has(Mark::Macros) {
            look.hit(Class::Macro, "xml document with macros", word);
        }
        if let Some(word) = self.has(Mark::Starts) {
            look.hit(Class::ActivePage, "page starts a program", word);
        }
        let saves = self.has(Mark::Saves).filter(|_| script.is_some());
        if let Some(word) = self.has(Mark::Builds).or(saves) {
            look.hit(Class::ActivePage, "page builds a file", word);
        } else if script.is_some() && self.data.iter().any(|at| is_put_together(text, *at)) {
            look.hit(Class::ActivePage, "page builds a file", "an address put together");
        } else if script.is_some() && self.has(Mark::Decodes).is_some() && has_long_literal(text) {
            look.hit(Class::ActivePage, "page builds a file", "a long literal that it decodes");
        }
        if self.headers.iter().any(|at| refreshes(text, *at)) {
            look.hit(Class::ActivePage, "page refreshes to content", "");
        }
        let is_picture = self.has(Mark::Picture).is_some() && self.has(Mark::Page).is_none();
        if is_picture && let Some(word) = script {
            look.hit(Class::ActivePage, "picture with script", word);
        } else if is_picture && has_handler(text) {
            look.hit(Class::ActivePage, "picture with script", "an event handler");
        }
    }
}

/// A run of base64 that is not the content of an address of its own; pieces of it may be joined by
/// a script (`"QUFB" + "QUFB"`, `["QUFB", "QUFB"]`).
fn has_long_literal(text: &[u8]) -> bool {
    let (mut from, mut joined, mut is_address) = (0, 0, false);
    while let Some(rest) = text.get(from..)
        && !rest.is_empty()
    {
        let run = rest.iter().take_while(|byte| is_base64(**byte)).count();
        is_address |= text.get(..from).unwrap_or_default().ends_with(b";base64,");
        joined = if run < PIECE_FROM || is_address { 0 } else { joined + run };
        if joined >= LONG_FROM {
            return true;
        }
        let rest = rest.get(run..).unwrap_or_default();
        let between = rest.iter().take_while(|byte| JOINTS.contains(byte)).count();
        let gap = rest.get(..between).unwrap_or_default();
        if between == 0 || between > BETWEEN_MAX {
            joined = 0;
        }
        // An address may be written on several lines.
        is_address &= between > 0 && gap.iter().all(u8::is_ascii_whitespace);
        from += run + between.max(1);
    }
    false
}

/// Whether a word stands where the name of an attribute with a value stands, and not in an address.
fn is_attribute(text: &[u8], word: Range<usize>) -> bool {
    let before = word.start.checked_sub(1).and_then(|at| text.get(at));
    let rest = text.get(word.end..).unwrap_or_default();
    let rest = rest.get(..16).unwrap_or(rest).trim_ascii_start();
    before.is_some_and(|byte| byte.is_ascii_whitespace() || b"'\"/".contains(byte))
        && rest.first() == Some(&b'=')
}

/// The name that is given to content in the page, by where `download` ends:
/// `<a download="a.exe" href="data:...">`. What a link to elsewhere is called is a matter of there.
fn given_name(text: &[u8], at: usize) -> Option<Cow<'_, str>> {
    const NAME_MAX: usize = 400;
    if !is_link_to_content(text, at) {
        return None;
    }
    let rest = text.get(at..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.get(..NAME_MAX).unwrap_or(rest);
    let (value, ends) = match rest.split_first()? {
        (quote @ (b'"' | b'\'' | b'`'), value) => (value, std::slice::from_ref(quote)),
        _ => (rest, b" >\r\n\t;".as_slice()),
    };
    let end = value.iter().position(|byte| ends.contains(byte)).unwrap_or(value.len());
    let name = value.get(..end)?;
    (!name.is_empty()).then(|| String::from_utf8_lossy(name))
}

/// Whether the tag around a place has its content in its address, as far as it can be told nearby.
/// An address that goes on and on before the place is content.
fn is_link_to_content(text: &[u8], at: usize) -> bool {
    const NEAR: usize = 400;
    let before = text.get(at.saturating_sub(NEAR)..at).unwrap_or_default();
    let behind = text.get(at..).unwrap_or_default();
    let behind = behind.get(..NEAR).unwrap_or(behind);
    let Some(start) = memchr::memrchr(b'<', before) else { return at > NEAR };
    let end = memchr::memchr(b'>', behind).unwrap_or(behind.len());
    let pieces = [before.get(start..), behind.get(..end)].map(Option::unwrap_or_default);
    let tag = pieces.concat().to_ascii_lowercase();
    [b"data:".as_slice(), b"blob:"].iter().any(|mark| memmem::find(&tag, mark).is_some())
}

/// Whether an address with content, by where `data:` ends, is one that a script goes on with:
/// `"data:text/html;base64," + text`. Pictures are put together by honest pages too.
fn is_put_together(text: &[u8], at: usize) -> bool {
    const HEAD_MAX: usize = 200;
    let head = text.get(at..).unwrap_or_default();
    let head = head.get(..HEAD_MAX).unwrap_or(head);
    let Some(end) = head.iter().position(|byte| b"\"'`$".contains(byte)) else { return false };
    let (head, behind) = head.split_at(end);
    let head = head.to_ascii_lowercase();
    let is_open = head.ends_with(b"base64,") || head.ends_with(b",") && head.contains(&b'/');
    let is_template = behind.starts_with(b"${");
    let behind = behind.get(1..).unwrap_or_default().trim_ascii_start();
    let goes_on = is_template || behind.starts_with(b"+") || behind.starts_with(b".concat");
    is_open && goes_on && !head.starts_with(b"image/")
}

/// `<meta http-equiv=refresh content="0;url=data:...">`, by where `http-equiv` ends.
fn refreshes(text: &[u8], at: usize) -> bool {
    const TAG_MAX: usize = 400;
    let rest = text.get(at..).unwrap_or_default();
    let value = rest.get(..20).unwrap_or(rest).trim_ascii_start();
    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    if !value.trim_ascii_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"refresh"))
    {
        return false;
    }
    // Its address may stand before or behind.
    let before = text.get(at.saturating_sub(TAG_MAX)..at).unwrap_or_default();
    let start = memchr::memrchr(b'<', before).unwrap_or(0);
    let rest = rest.get(..TAG_MAX).unwrap_or(rest);
    let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
    let pieces = [before.get(start..), rest.get(..end)].map(Option::unwrap_or_default);
    let tag = pieces.concat().to_ascii_lowercase();
    [b"data:".as_slice(), b"javascript:", b"blob:"]
        .iter()
        .any(|mark| memmem::find(&tag, mark).is_some())
}

/// ` onload=`: an attribute whose value is script.
fn has_handler(text: &[u8]) -> bool {
    memmem::find_iter(text, b"on").chain(memmem::find_iter(text, b"ON")).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let is_edge = |byte: &u8| byte.is_ascii_whitespace() || b"'\"/".contains(byte);
        let rest = text.get(at + 2..).unwrap_or_default();
        let letters = rest.iter().take(24).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let after = rest.get(letters..).unwrap_or_default();
        let after = after.get(..16).unwrap_or(after).trim_ascii_start();
        before.is_some_and(is_edge) && letters >= 3 && after.first() == Some(&b'=')
    })
}

/// Looks into what an address holds (RFC 2397), unless it is a picture that can do nothing: in a
/// page that has something saved, it may be saved under any name.
fn address(rest: &[u8], is_saved: bool, look: &mut Inspection<'_>, budget: &mut Budget) {
    const HEAD_MAX: usize = 200;
    let head = rest.get(..HEAD_MAX).unwrap_or(rest);
    let Some(comma) = memchr::memchr(b',', head) else { return };
    let head = String::from_utf8_lossy(head.get(..comma).unwrap_or_default());
    let kind = head.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let idle = kind.starts_with("image/") && kind != "image/svg+xml"
        || ["font/", "audio/", "video/", "application/font", "application/x-font"]
            .iter()
            .any(|start| kind.starts_with(start));
    // Text with a colon is no address: a type has a slash, or nothing stands before the comma.
    let is_address = kind.contains('/') || head.trim_start().starts_with(';') || head.is_empty();
    if (idle && !is_saved) || !is_address || head.contains(['<', '>', '"', '\'', '\n']) {
        return;
    }
    let body = rest.get(comma + 1..).unwrap_or_default();
    let end = body.iter().position(|byte| b"\"'<>)`".contains(byte)).unwrap_or(body.len());
    let body = body.get(..end).unwrap_or_default();
    let is_base64 = head.to_ascii_lowercase().contains("base64");
    if let Err(trouble) = budget.hold(body.len()) {
        look.trouble(trouble);
        return;
    }
    let content = if is_base64 { from_base64(body) } else { from_percent(body) };
    let types = [kind];
    look.inside("(data address)", &Item { names: &[], types: &types, bytes: &content }, budget);
    budget.release(body.len());
}
