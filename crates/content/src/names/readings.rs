//! The texts that systems make of one name.

use unicode_normalization::UnicodeNormalization;

/// Readings of one name, at most; each step can double them.
const READINGS_MAX: usize = 64;
/// Characters that NFKC makes of one name, at most: one can become eighteen.
const CHARS_MAX: usize = 8_192;

/// Every text that a name is read as.
#[derive(Debug)]
pub(super) struct Readings {
    /// The texts, each once; what was given stands first.
    pub(super) texts: Vec<String>,
    /// Whether characters in it change the direction of writing without need.
    pub(super) direction: bool,
}

impl Readings {
    /// The readings of `name`.
    pub(super) fn of(name: &str) -> Self {
        let mut readings = Self { texts: vec![name.to_owned()], direction: false };
        if is_simple(name) {
            return readings;
        }
        // Percent-encoding first, and once more: it can hide everything else.
        readings.each(|text, out| out.extend(percent_decoded(text)));
        readings.each(|text, out| out.extend(percent_decoded(text)));
        readings.direction = readings.texts.iter().any(|text| turns(text));
        readings.each(|text, out| out.push(normal(text)));
        readings.each(without_controls);
        readings.each(|text, out| out.extend(text.rsplit(['/', '\\']).next().map(str::to_owned)));
        readings.each(|text, out| {
            let bare = text.trim_end_matches(['/', '\\']);
            out.extend(bare.rsplit(['/', '\\']).next().map(str::to_owned));
        });
        readings.each(streams);
        readings
    }

    /// Adds what `make` makes of each text.
    fn each(&mut self, make: impl Fn(&str, &mut Vec<String>)) {
        let mut made = Vec::new();
        for text in &self.texts {
            make(text, &mut made);
        }
        for text in made {
            if self.texts.len() < READINGS_MAX && !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
    }
}

/// The letters of the ending, in lower case: what stands behind the last dot, without the blanks,
/// dots and quotes behind it that systems drop.
pub(super) fn ending(text: &str) -> Option<String> {
    let bare = text.trim_end_matches(|c: char| is_dropped(c));
    let (_, letters) = bare.rsplit_once('.')?;
    let letters = letters.trim_start_matches(|c: char| is_dropped(c));
    (!letters.is_empty()).then(|| letters.to_ascii_lowercase())
}

/// Most names: nothing in them that anybody reads differently.
fn is_simple(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-()+&,@=#~![]".contains(&byte))
}

/// What Windows or a mail program drops at the end of a name.
fn is_dropped(c: char) -> bool {
    c.is_whitespace() || ".\"'`´‘’“”„‚«»‹›<>|*?;,:\u{FFFD}".contains(c) || c.is_control()
}

/// `None`: nothing is encoded.
fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(hex_pair);
        match digits {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    (out != text.as_bytes()).then(|| mail::mime::charset::guess(&out))
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

/// NFKC, look-alikes of the dot as dots, without what cannot be seen.
fn normal(text: &str) -> String {
    text.nfkc().take(CHARS_MAX).filter(|c| !is_invisible(*c)).map(dot).collect()
}

/// Dots of other scripts and forms, which some programs turn into the real one.
fn dot(c: char) -> char {
    let alike = "\u{2024}\u{3002}\u{FF0E}\u{FF61}\u{FE52}\u{FE12}\u{06D4}\u{0701}\u{0702}\u{A4F8}";
    if alike.contains(c) { '.' } else { c }
}

/// Characters without a picture: joiners, marks, fillers, variation selectors, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether the direction is changed: by overrides and embeddings always, by marks where nothing is
/// written from right to left.
fn turns(text: &str) -> bool {
    let strong = |c| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let mark = |c| matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}');
    let from_right = |c| {
        matches!(c, '\u{0590}'..='\u{061B}' | '\u{061D}'..='\u{08FF}'
        | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}')
    };
    text.contains(strong) || (text.contains(mark) && !text.contains(from_right))
}

/// A name ends at NUL (and at what a decoder put in its place), or NUL is dropped with all other
/// control characters.
fn without_controls(text: &str, out: &mut Vec<String>) {
    let nul = |c| matches!(c, '\0' | '\u{FFFD}');
    if let Some((before, _)) = text.split_once(nul) {
        out.push(before.to_owned());
    }
    if text.contains(|c: char| c.is_control() || c == '\u{FFFD}') {
        out.push(text.chars().filter(|c| !c.is_control() && *c != '\u{FFFD}').collect());
        if let Some((line, _)) = text.split_once(['\r', '\n']) {
            out.push(line.to_owned());
        }
        out.push(rubbed_out(text));
    }
}

/// As a terminal shows it: a backspace takes the character before it away.
fn rubbed_out(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\u{8}' | '\u{7F}' => drop(out.pop()),
            c if c.is_control() => (),
            c => out.push(c),
        }
    }
    out
}

/// `name:stream` and `name::$DATA` are the file `name` to NTFS; the stream can be opened too.
fn streams(text: &str, out: &mut Vec<String>) {
    let mut pieces = text.split(':').filter(|piece| !piece.is_empty());
    if text.contains(':') {
        out.extend(pieces.by_ref().take(4).map(str::to_owned));
    }
}
