//! RTF: embedded objects and templates from elsewhere (RTF specification 1.9.1).
//!
//! Read as Word reads it, which is leniently: hexadecimal digits of an object may be cut by blanks,
//! control words and groups. One pass over the text.

use super::ole;
use crate::inspect::{Inspection, Item};
use crate::magic::little;
use crate::{Budget, Class};
use memchr::memmem;

/// How a compound file begins.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Objects of one document that are looked into.
const OBJECTS_MAX: usize = 200;

/// Looks into an RTF document.
pub(super) fn look(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    // Hexadecimal digits become half as many bytes.
    if let Err(trouble) = budget.look(bytes.len()).and_then(|()| budget.hold(bytes.len())) {
        look.trouble(trouble);
        return;
    }
    template(bytes, look);
    let mut rest = bytes;
    let mut count = 0;
    while let Some(at) = memmem::find(rest, b"\\objdata") {
        rest = rest.get(at + 8..).unwrap_or_default();
        count += 1;
        if count > OBJECTS_MAX {
            look.trouble(crate::Trouble::Limit("objects"));
            break;
        }
        let (data, read) = digits(rest);
        object(&data, look, budget);
        rest = rest.get(read..).unwrap_or_default();
    }
    if ["\\objupdate", "\\objlink", "\\objautlink", "\\objocx", "\\ddeauto"]
        .iter()
        .any(|word| memmem::find(bytes, word.as_bytes()).is_some())
    {
        look.hit(Class::EmbeddedObject, "rtf link", "");
    }
    budget.release(bytes.len());
}

/// `{\*\template http://...}`: fetched when the document is opened.
fn template(bytes: &[u8], look: &mut Inspection<'_>) {
    for at in memmem::find_iter(bytes, b"\\template") {
        let target = bytes.get(at + 9..).unwrap_or_default();
        let target = target.get(..200).unwrap_or(target);
        let end = memchr::memchr(b'}', target).unwrap_or(target.len());
        let target = target.get(..end).unwrap_or_default();
        if memmem::find(target, b"//").is_some()
            || memmem::find(target, b"\\\\\\\\").is_some()
            // Unicode escapes hide where it leads.
            || memmem::find(target, b"\\u").is_some()
        {
            look.hit(Class::EmbeddedObject, "rtf template", "a template from elsewhere");
        }
    }
}

/// The bytes that the digits of an object stand for, until its group ends; and how far that is.
fn digits(text: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let (mut depth, mut high, mut at) = (0_usize, None, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b'\\' => {
                let (word, bin) = control(text.get(at..).unwrap_or_default());
                at += word;
                if let Some(length) = bin {
                    let end = at.saturating_add(length).min(text.len());
                    out.extend_from_slice(text.get(at..end).unwrap_or_default());
                    at = end;
                }
            }
            other => {
                let Some(digit) = char::from(*other).to_digit(16) else { continue };
                let digit = u8::try_from(digit).unwrap_or_default();
                match high.take() {
                    Some(high) => out.push(high << 4 | digit),
                    None => high = Some(digit),
                }
            }
        }
    }
    (out, at)
}

/// The length of a control word or symbol without its backslash, and the length that `\bin` gives.
fn control(text: &[u8]) -> (usize, Option<usize>) {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        // `\'hh` is a character of its own, and Word drops it within the data.
        return (if text.first() == Some(&b'\'') { 3 } else { 1 }, None);
    }
    let rest = text.get(letters..).unwrap_or_default();
    let sign = usize::from(rest.first() == Some(&b'-'));
    let number = rest.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    let end = letters + sign + number;
    let value = text.get(letters + sign..end).and_then(|digits| std::str::from_utf8(digits).ok());
    let is_bin = text.get(..letters) == Some(b"bin");
    let blank = usize::from(text.get(end) == Some(&b' '));
    (end + blank, is_bin.then(|| value.and_then(|value| value.parse().ok()).unwrap_or_default()))
}

/// An object's header (MS-OLEDS §2.2.4) and its data; without one, whatever is in it.
fn object(data: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let native = || {
        let mut at = 8;
        let length = usize::try_from(little(data, at)?).ok()?;
        let class = data.get(at + 4..(at + 4).checked_add(length)?)?;
        at += 4 + length;
        for _ in 0..2 {
            at = at.checked_add(4)?.checked_add(usize::try_from(little(data, at)?).ok()?)?;
        }
        let size = usize::try_from(little(data, at)?).ok()?;
        let content = data.get(at.checked_add(4)?..)?;
        Some((class, content.get(..size).unwrap_or(content)))
    };
    if let Some((class, content)) = native() {
        let class = class.to_ascii_lowercase();
        let is_framed = class.starts_with(b"package") || class.starts_with(b"ole2link");
        if is_framed && !content.starts_with(COMPOUND) {
            // The same form as in a compound file, without the length before it.
            let framed = [&[0; 4], content].concat();
            ole::package(&framed, look, budget);
        }
        if class.starts_with(b"equation") {
            look.hit(Class::EmbeddedObject, "ole equation", "");
        }
    }
    // A damaged header is read over by Word; the compound file within is what counts.
    if let Some(at) = memmem::find(data, COMPOUND) {
        let bytes = data.get(at..).unwrap_or_default();
        look.inside("(object)", &Item { names: &[], types: &[], bytes }, budget);
    } else if native().is_none() {
        look.inside("(object)", &Item { names: &[], types: &[], bytes: data }, budget);
    }
}
