//! What is in a compound file: macros, packages, objects, encryption, installers.

use super::compound::{Compound, Entry};
use super::inflate::inflate;
use crate::inspect::{Inspection, Item};
use crate::magic::little;
use crate::{Budget, Class, Trouble};
use memchr::memmem;

/// The root's class of Windows installer packages, patches and transforms
/// (`000C1084-0000-0000-C000-000000000046` and its neighbours), as it stands in the file.
const INSTALLER: [u8; 3] = [0x84, 0x86, 0x82];
const INSTALLER_TAIL: &[u8] = b"\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F";
/// Classes of objects that run what they hold, or whose program has holes that are in use.
const OBJECTS: &[(&[u8; 16], &str)] = &[
    (b"\x0C\0\x03\0\0\0\0\0\xC0\0\0\0\0\0\0F", "package"),
    (b"\x0B\0\x03\0\0\0\0\0\xC0\0\0\0\0\0\0F", "package"),
    (b"\x02\xCE\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", "equation"),
    (b"\x03\xCE\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", "equation"),
    (b"\xC6\xAF\xAB\xEC\x97\x6A\xD1\x11\x9A\x2F\0\xC0\x4F\xB9\x3B\x58", "script"),
    (b"\x6E\xDB\x7C\xD2\x6D\xAE\xCF\x11\x96\xB8\x44\x45\x53\x54\0\0", "flash"),
];
/// Records of a workbook (MS-XLS): the beginning of a sheet list, of encryption.
const BOUND_SHEET: u16 = 0x85;
const FILE_PASS: u16 = 0x2F;
/// Records of a workbook that are looked at; the list of sheets stands near its beginning.
const RECORDS_MAX: usize = 100_000;
/// Streams of one document whose content is taken out.
const STREAMS_MAX: usize = 1_000;

/// Streams of an Outlook message (MS-OXMSG §2.1.2): the data and the names of attachments.
const MESSAGE_DATA: &str = "__substg1.0_37010102";
const MESSAGE_NAMES: &[&str] = &[
    "__substg1.0_3704001f",
    "__substg1.0_3707001f",
    "__substg1.0_3704001e",
    "__substg1.0_3707001e",
];

/// Looks into a compound file.
pub(super) fn look(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let file = match Compound::read(bytes) {
        Ok(file) => file,
        Err(trouble) => return look.trouble(trouble),
    };
    match budget.hold(file.held()) {
        Ok(()) => {
            contents(&file, look, budget);
            budget.release(file.held());
        }
        Err(trouble) => look.trouble(trouble),
    }
}

fn contents(file: &Compound<'_>, look: &mut Inspection<'_>, budget: &mut Budget) {
    for entry in &file.entries {
        class(entry, look);
        name(entry, look);
    }
    let streams = file.entries.iter().filter(|entry| entry.kind == 2);
    for (count, entry) in streams.filter(|entry| is_of_interest(&entry.name)).enumerate() {
        if count == STREAMS_MAX {
            look.trouble(Trouble::Limit("streams"));
            break;
        }
        match file.stream(entry, budget) {
            Ok(bytes) => {
                stream(entry, &bytes, look, budget);
                budget.release(bytes.len());
            }
            Err(trouble) => look.trouble(trouble),
        }
    }
}

fn class(entry: &Entry, look: &mut Inspection<'_>) {
    let (first, tail) = entry.class.split_first().unwrap_or((&0, &[]));
    if entry.kind == 5 && tail == INSTALLER_TAIL && INSTALLER.contains(first) {
        look.hit(Class::Installer, "magic msi", "a Windows installer package");
    }
    if let Some((_, what)) = OBJECTS.iter().find(|(class, _)| **class == entry.class) {
        look.hit(Class::EmbeddedObject, format!("ole {what}"), "");
    }
}

fn name(entry: &Entry, look: &mut Inspection<'_>) {
    let is = |names: &[&str]| names.iter().any(|name| entry.name.eq_ignore_ascii_case(name));
    if is(&["_VBA_PROJECT", "VBA", "_VBA_PROJECT_CUR", "Macros"]) {
        look.hit(Class::Macro, "ole vba", "Visual Basic");
    } else if is(&["EncryptedPackage", "\u{9}DRMContent"]) {
        look.hit(Class::Encrypted, "ole encrypted", "an encrypted office document");
    } else if is(&["Equation Native"]) {
        look.hit(Class::EmbeddedObject, "ole equation", "");
    }
}

fn is_of_interest(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "\u{1}ole10native",
        "package",
        "contents",
        "workbook",
        "book",
        "worddocument",
        "\u{1}ole",
        "powerpoint document",
        MESSAGE_DATA,
    ];
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str()) || MESSAGE_NAMES.contains(&lower.as_str())
}

fn stream(entry: &Entry, bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    match entry.name.to_ascii_lowercase().as_str() {
        "\u{1}ole10native" => package(bytes, look, budget),
        "workbook" | "book" => workbook(bytes, look),
        "worddocument" => word(bytes, look),
        "\u{1}ole" => link(bytes, look),
        "powerpoint document" => {
            presentation(bytes, look, budget);
            // A crypt session (MS-PPT §2.3.7), which a show that opens without a word has too.
            if memmem::find(bytes, b"\x0F\0\x14\x2F").is_some() {
                look.hit(Class::Encrypted, "ole encrypted", "an encrypted presentation");
            }
        }
        name if MESSAGE_NAMES.contains(&name) => {
            let name = match name.ends_with('f') {
                true => mail::mime::charset::decode(b"utf-16le", bytes).unwrap_or_default(),
                false => mail::mime::charset::guess(bytes),
            };
            let names = [name.trim_end_matches('\0').to_owned()];
            look.inside(&name, &Item { names: &names, types: &[], bytes: b"" }, budget);
        }
        // A whole file in a stream of its own.
        _ => look.inside(&entry.name, &Item { names: &[], types: &[], bytes }, budget),
    }
}

/// `\x01Ole10Native`: a file with its name and the paths it had (MS-OLEDS §2.3.6, and what the
/// packager writes into it).
pub(super) fn package(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let (names, content) = parts_of_package(bytes);
    let shown = names.first().map_or("(package)", String::as_str).to_owned();
    look.inside(&shown, &Item { names: &names, types: &[], bytes: content }, budget);
}

/// The names and the content; all of it, where it is not of the packager's form.
fn parts_of_package(bytes: &[u8]) -> (Vec<String>, &[u8]) {
    let whole = bytes.get(4..).unwrap_or_default();
    let parse = || {
        let mut rest = bytes.get(6..)?;
        let mut names = vec![text(&mut rest)?, text(&mut rest)?];
        // Two reserved words, then the length of a path and the path.
        rest = rest.get(4..)?;
        let length = usize::try_from(little(rest, 0)?).ok()?;
        let path = rest.get(4..4_usize.checked_add(length)?)?;
        names.push(mail::mime::charset::guess(path).trim_end_matches('\0').to_owned());
        rest = rest.get(4 + length..)?;
        let size = usize::try_from(little(rest, 0)?).ok()?;
        let content = rest.get(4..)?;
        // Names in UTF-16 may follow; they say the same.
        Some((names, content.get(..size).unwrap_or(content)))
    };
    parse().unwrap_or((Vec::new(), whole))
}

/// A text that ends with NUL.
fn text(rest: &mut &[u8]) -> Option<String> {
    let end = memchr::memchr(0, rest)?;
    let text = mail::mime::charset::guess(rest.get(..end)?);
    *rest = rest.get(end + 1..)?;
    Some(text)
}

/// The records of a workbook: macro sheets, very hidden ones, encryption.
fn workbook(bytes: &[u8], look: &mut Inspection<'_>) {
    let mut rest = bytes;
    for _ in 0..RECORDS_MAX {
        let Some(head) = little(rest, 0) else { return };
        let [a, b, c, d] = head.to_le_bytes();
        let (kind, length) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let Some(data) = rest.get(4..4 + usize::from(length)) else { return };
        match kind {
            FILE_PASS => look.hit(Class::Encrypted, "ole encrypted", "an encrypted workbook"),
            // The type of the sheet: 1 is a macro sheet (MS-XLS §2.4.28).
            BOUND_SHEET if data.get(5) == Some(&1) => {
                look.hit(Class::Macro, "excel macro sheet", "macros of old Excel");
            }
            BOUND_SHEET if data.get(5) == Some(&6) => {
                look.hit(Class::Macro, "ole vba", "Visual Basic");
            }
            _ => {}
        }
        rest = rest.get(4 + usize::from(length)..).unwrap_or_default();
    }
}

/// Objects and macros of a presentation are compound files in records of their own, mostly
/// compressed (MS-PPT §2.10.34, §2.10.36: RT_ExternalOleObjectStg).
fn presentation(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    for (count, at) in memmem::find_iter(bytes, b"\x11\x10").enumerate() {
        let kind = at.checked_sub(2).and_then(|at| bytes.get(at..at + 2));
        let size = little(bytes, at + 2).and_then(|size| usize::try_from(size).ok());
        let data = bytes.get(at + 6..).unwrap_or_default();
        let data = size.and_then(|size| data.get(..size)).unwrap_or(data);
        let content = match kind {
            // Raw, where a compound file begins.
            Some(b"\0\0") if data.starts_with(b"\xD0\xCF\x11\xE0") => Ok(None),
            // The size that comes out, then zlib.
            Some(b"\x10\0") => {
                let packed = data.get(4..).unwrap_or_default();
                if packed.first() != Some(&0x78) {
                    continue;
                }
                inflate(packed, budget).map(Some)
            }
            _ => continue,
        };
        if count > RECORDS_MAX {
            return look.trouble(Trouble::Limit("records"));
        }
        match content {
            Ok(out) => {
                let bytes = out.as_deref().unwrap_or(data);
                look.inside("(object)", &Item { names: &[], types: &[], bytes }, budget);
                budget.release(out.map_or(0, |out| out.len()));
            }
            Err(trouble) => look.trouble(trouble),
        }
    }
}

/// The head of a Word document tells of encryption (MS-DOC §2.5.2: the flag fEncrypted).
fn word(bytes: &[u8], look: &mut Inspection<'_>) {
    if bytes.get(11).is_some_and(|flags| flags & 1 != 0) {
        look.hit(Class::Encrypted, "ole encrypted", "an encrypted document");
    }
}

/// An object that is a link by URL (MS-OLEDS §2.3.3 with the URL moniker's class).
fn link(bytes: &[u8], look: &mut Inspection<'_>) {
    let moniker = b"\xE0\xC9\xEA\x79\xF9\xBA\xCE\x11\x8C\x82\0\xAA\0\x4B\xA9\x0B";
    if memmem::find(bytes, moniker).is_some() {
        look.hit(Class::EmbeddedObject, "ole link", "an object from elsewhere");
    }
}
