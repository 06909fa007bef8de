//! What a name says, in every way that some system reads it.
//!
//! A mail program cleans a name before it saves the file, a desktop chooses the program by what is
//! left: each cleans differently. Here all that they do is done, and every ending that comes out
//! counts. Pure; a name is never used as one.

mod readings;

use crate::types::{self, Ending};
use readings::{Readings, ending};

/// Names of more bytes are a disguise by themselves; no file system takes them.
const LONG_FROM: usize = 255;
/// So many blanks in a row move an ending out of sight.
const BLANKS_FROM: usize = 10;
/// What is read of a longer name, at either end: the rest could only cost.
const READ_MAX: usize = 2_048;
/// So many blanks or dots after a program's ending hide it in a list.
const GAP_FROM: usize = 3;
/// Endings that people take for harmless, before a dangerous one.
const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "odt", "ods", "txt", "csv", "jpg",
    "jpeg", "png", "gif", "bmp", "tif", "tiff", "mp3", "mp4", "avi", "mov", "wav", "htm", "html",
    "xml", "eml", "msg", "zip", "rar",
];

/// What was found out about a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The dangerous endings, each once, lower case.
    pub endings: Vec<&'static str>,
    /// How it is disguised, in words; empty if it is not.
    pub disguises: Vec<&'static str>,
}

/// Judges a name as it came: encoded words and RFC 2231 are undone already.
pub fn judge(name: &str) -> Judged {
    let mut judged = Judged::default();
    if name.len() > LONG_FROM {
        judged.disguise("very long");
    }
    let short = shortened(name);
    let plain = ending(&short).and_then(|letters| types::of_ending(&letters));
    let readings = Readings::of(&short);
    // Folding leaves line ends and tabs in names; nothing leaves others.
    if name.contains(|c: char| c.is_ascii_control() && !matches!(c, '\t' | '\r' | '\n')) {
        judged.disguise("control characters");
    }
    if readings.direction {
        judged.disguise("direction characters");
    }
    for reading in &readings.texts {
        judged.read(reading);
    }
    if plain.is_none() && !judged.endings.is_empty() {
        judged.disguise("an ending that shows only when it is read otherwise");
    }
    judged
}

impl Judged {
    fn disguise(&mut self, how: &'static str) {
        if !self.disguises.contains(&how) {
            self.disguises.push(how);
        }
    }

    fn read(&mut self, reading: &str) {
        if let Some(Ending(letters, ..)) = ending(reading).and_then(|last| types::of_ending(&last))
        {
            if !self.endings.contains(letters) {
                self.endings.push(letters);
            }
            if before_last(reading).is_some_and(|before| DOCUMENTS.contains(&before.as_str())) {
                self.disguise("a double ending");
            }
        }
        if has_class_id(reading) {
            self.disguise("a class id as its ending");
        }
        if longest_run(reading, char::is_whitespace) >= BLANKS_FROM {
            self.disguise("many blanks");
        }
        if hides_a_program(reading) {
            self.disguise("an ending before blanks or dots");
        }
    }
}

/// The head and tail of a name that is too long to be read whole.
fn shortened(name: &str) -> String {
    if name.len() <= 2 * READ_MAX {
        return name.to_owned();
    }
    let head = name.char_indices().take_while(|(at, _)| *at < READ_MAX).map(|(_, c)| c);
    let tail = name.char_indices().skip_while(|(at, _)| *at < name.len() - READ_MAX);
    head.chain(tail.map(|(_, c)| c)).collect()
}

/// The ending before the last: `pdf` of `a.pdf.exe`.
fn before_last(reading: &str) -> Option<String> {
    let (before, _) = reading.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    ending(before)
}

/// `x.{00021401-0000-0000-C000-000000000046}`: Windows takes the class for the type.
fn has_class_id(reading: &str) -> bool {
    let shape = |text: &str| {
        text.len() >= 38
            && text.bytes().take(38).enumerate().all(|(at, byte)| match at {
                0 => byte == b'{',
                9 | 14 | 19 | 24 => byte == b'-',
                37 => byte == b'}',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    reading.match_indices('{').any(|(at, _)| reading.get(at..).is_some_and(shape))
}

fn longest_run(text: &str, is: impl Fn(char) -> bool) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if is(c) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// `invoice.exe   .pdf`: what shows in a narrow list is the first ending.
fn hides_a_program(reading: &str) -> bool {
    let gap = |c: char| c.is_whitespace() || c == '.' || c == '_';
    let mut from = 0;
    while let Some(rest) = reading.get(from..)
        && let Some(dot) = rest.find('.')
    {
        let letters = rest.get(dot + 1..).unwrap_or_default();
        let end = letters.find(gap).unwrap_or(letters.len());
        let after = letters.get(end..).unwrap_or_default();
        let long = after.chars().take_while(|c| gap(*c)).count() >= GAP_FROM;
        let known = letters.get(..end).map(str::to_ascii_lowercase);
        if long && known.is_some_and(|known| types::of_ending(&known).is_some()) {
            return true;
        }
        from += dot + 1;
    }
    false
}

#[cfg(test)]
mod tests;
