//! PDF: script, launch actions, embedded files, encryption (ISO 32000-1).
//!
//! A tolerant scan, not a reader: readers repair files, and go by tables that may point anywhere,
//! so every name in the file counts, its `#xx` undone, also within what looks like a stream. Object
//! streams and embedded files are decoded; nothing else of a document can hold a name that acts.

mod scan;
mod stream;

use super::inflate::inflate;
use crate::inspect::{Inspection, Item};
use crate::{Budget, Class, Trouble};
use scan::{Scan, Stream};

/// Embedded files and object streams that are decoded.
const STREAMS_MAX: usize = 10_000;
/// Names of files that are judged.
const NAMES_MAX: usize = 500;

/// Looks into a PDF.
pub(super) fn look(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    if let Err(trouble) = budget.look(bytes.len()) {
        look.trouble(trouble);
        return;
    }
    let mut scan = Scan::of(bytes);
    if scan.is_encrypted {
        look.hit(Class::Encrypted, "pdf encrypted", "");
    }
    // What is in object streams of an encrypted file is encrypted too.
    let objects: Vec<Stream> = scan.streams.iter().filter(|s| s.is_objects).copied().collect();
    let readable = if scan.is_encrypted { 0 } else { STREAMS_MAX };
    for object in objects.iter().take(readable) {
        match decode(bytes, object, budget) {
            Ok(text) => {
                scan.add_objects(&text);
                budget.release(text.len());
            }
            Err(trouble) => look.trouble(trouble),
        }
    }
    for active in &scan.active {
        look.hit(Class::ActivePdf, format!("pdf {active}"), "");
    }
    for name in scan.file_names.iter().take(NAMES_MAX) {
        let names = [name.clone()];
        look.inside(name, &Item { names: &names, types: &[], bytes: b"" }, budget);
    }
    embedded(bytes, &scan, look, budget);
}

fn embedded(bytes: &[u8], scan: &Scan, look: &mut Inspection<'_>, budget: &mut Budget) {
    let is_file = |stream: &&Stream| {
        stream.is_file || stream.number.is_some_and(|number| scan.files.contains(&number))
    };
    let mut count = 0;
    for stream in scan.streams.iter().filter(is_file) {
        count += 1;
        if count > STREAMS_MAX {
            look.trouble(Trouble::Limit("streams"));
            break;
        }
        if scan.is_encrypted {
            look.hit(Class::ActivePdf, "pdf embedded file", "encrypted");
            continue;
        }
        match decode(bytes, stream, budget) {
            Ok(content) => {
                // What is harmless may be carried: invoices bring themselves as XML (EN 16931).
                let item = Item { names: &[], types: &[], bytes: &content };
                look.inside("(embedded file)", &item, budget);
                budget.release(content.len());
            }
            Err(trouble) => {
                look.hit(Class::ActivePdf, "pdf embedded file", "");
                look.trouble(trouble);
            }
        }
    }
    if count == 0 && !scan.files.is_empty() {
        look.hit(Class::ActivePdf, "pdf embedded file", "not found");
    }
}

/// The content of a stream; what it costs to hold is released by the caller.
fn decode(bytes: &[u8], stream: &Stream, budget: &mut Budget) -> Result<Vec<u8>, Trouble> {
    let raw = bytes.get(stream.start..stream.end).unwrap_or_default();
    let dictionary = bytes.get(stream.dictionary..stream.start).unwrap_or_default();
    budget.hold(raw.len())?;
    let mut data = raw.to_vec();
    for filter in stream::filters(dictionary, raw) {
        let next = match filter {
            stream::Filter::Flate => inflate(&data, budget),
            stream::Filter::Hex => held(stream::from_hex(&data), budget),
            stream::Filter::Base85 => held(stream::from_base85(&data), budget),
            stream::Filter::Unknown => Err(Trouble::Unreadable("pdf filter")),
        };
        budget.release(data.len());
        data = next?;
    }
    Ok(data)
}

fn held(data: Vec<u8>, budget: &mut Budget) -> Result<Vec<u8>, Trouble> {
    budget.hold(data.len())?;
    Ok(data)
}
