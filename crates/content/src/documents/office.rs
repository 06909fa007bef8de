//! Members of zips that make an office document: OOXML (ECMA-376) and OpenDocument.
//!
//! Judged member by member, in any zip: an office program asks for less than a standard does, and a
//! document may be called anything.

use crate::inspect::{Inspection, Item};
use crate::magic;
use crate::{Budget, Class};
use memchr::memmem;

/// Relations whose target, if it is elsewhere, is fetched or opened without a click.
const FETCHED: &[&str] =
    &["attachedtemplate", "oleobject", "frame", "subdocument", "externallink", "framesetdoc"];

/// Looks at a member by its name and content.
pub(super) fn member(item: &Item<'_>, look: &mut Inspection<'_>, budget: &mut Budget) {
    for name in item.names {
        let lower = name.replace('\\', "/").to_ascii_lowercase();
        let base = lower.rsplit('/').next().unwrap_or_default();
        if base.starts_with("vbaproject") && base.ends_with(".bin") {
            look.hit(Class::Macro, "ooxml vba", "Visual Basic");
        } else if lower.contains("macrosheets/") || lower.contains("dialogsheets/") {
            look.hit(Class::Macro, "excel macro sheet", "macros of old Excel");
        } else if lower.contains("activex/") && base.starts_with("activex") {
            look.hit(Class::EmbeddedObject, "ooxml activex", "");
        } else if in_folder(&lower, "basic") && base.ends_with(".xml")
            || in_folder(&lower, "scripts") && (base.ends_with(".py") || base.ends_with(".bsh"))
        {
            // Every writer puts the list of (no) libraries there.
            let list = ["script-lc.xml", "dialog-lc.xml", "script-lb.xml", "dialog-lb.xml"];
            if !list.contains(&base) {
                look.hit(Class::Macro, "opendocument macro", "");
            }
        }
        package(&lower, item.bytes, look);
        if base.ends_with(".rels") || base.ends_with(".xml") {
            text(&lower, item.bytes, look, budget);
        }
    }
}

/// What makes a zip a package to install or run, under any name.
fn package(name: &str, bytes: &[u8], look: &mut Inspection<'_>) {
    match name {
        "appxmanifest.xml" | "appxmetadata/appxbundlemanifest.xml" => {
            look.hit(Class::Installer, "zip windows app", "");
        }
        "androidmanifest.xml" => look.hit(Class::Installer, "zip android app", ""),
        "install.rdf" => look.hit(Class::Program, "zip browser extension", ""),
        "meta-inf/manifest.mf" if memmem::find(bytes, b"Main-Class:").is_some() => {
            look.hit(Class::Program, "zip java", "");
        }
        _ => {}
    }
}

fn in_folder(path: &str, folder: &str) -> bool {
    path.split('/').rev().skip(1).any(|step| step == folder)
}

fn text(name: &str, bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let held = magic::decoded_size(bytes);
    if let Err(trouble) = budget.look(bytes.len()).and_then(|()| budget.hold(held)) {
        look.trouble(trouble);
        return;
    }
    let bytes = magic::decoded(bytes);
    if name.ends_with(".rels") {
        relations(&bytes, look);
    } else if name.ends_with("manifest.xml") {
        if memmem::find(&bytes, b"encryption-data").is_some() {
            look.hit(Class::Encrypted, "opendocument encrypted", "");
        }
    } else {
        fields(&bytes, look);
    }
    budget.release(held);
}

/// Relations with a target elsewhere. A hyperlink is one too, and harmless until it is clicked.
fn relations(bytes: &[u8], look: &mut Inspection<'_>) {
    for element in bytes.split(|byte| *byte == b'<') {
        let element = String::from_utf8_lossy(element).to_ascii_lowercase();
        let element: String = element.chars().filter(|c| !c.is_whitespace()).collect();
        let external = element.contains("targetmode=\"external\"")
            || element.contains("targetmode='external'");
        let kind = FETCHED.iter().find(|kind| {
            element.contains(&format!("/{kind}\"")) || element.contains(&format!("/{kind}'"))
        });
        if external && let Some(kind) = kind {
            look.hit(Class::EmbeddedObject, format!("ooxml external {kind}"), "");
        }
        let active = ["target=\"mhtml:", "target=\"ms-msdt:", "target=\"search-ms:", "!x-usc:"];
        if external && active.iter().any(|mark| element.contains(mark)) {
            look.hit(Class::EmbeddedObject, "ooxml external protocol", "");
        }
    }
}

/// Fields and formulas that start programs by DDE, whose instruction may be cut into pieces.
fn fields(bytes: &[u8], look: &mut Inspection<'_>) {
    let starts = |mark: &[u8]| memmem::find(bytes, mark).is_some();
    let dde_link = starts(b"<ddeLink") || starts(b"dde-source") || starts(b"dde-connection");
    if dde_link || field_instructions(bytes).is_some_and(|text| has_dde(&text)) {
        look.hit(Class::EmbeddedObject, "office dde", "a field that starts a program");
    }
    if starts(b"<script:event-listener") && starts(b"vnd.sun.star.script") {
        look.hit(Class::Macro, "opendocument macro", "started by an event");
    }
}

/// The instructions of all fields, put together; `None`: there are none.
fn field_instructions(bytes: &[u8]) -> Option<Vec<u8>> {
    let has_fields = memmem::find(bytes, b"instrText").is_some();
    if !has_fields && memmem::find(bytes, b"fldSimple").is_none() {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, b"instr") {
        rest = rest.get(at..).unwrap_or_default();
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        let (tag, after) = rest.split_at(end);
        if tag.starts_with(b"instrText") {
            let text = after.get(1..).unwrap_or_default();
            let text_end = memchr::memchr(b'<', text).unwrap_or(text.len());
            out.extend_from_slice(text.get(..text_end).unwrap_or_default());
            rest = text.get(text_end..).unwrap_or_default();
            // The end of its own tag is no other field.
            rest = rest.strip_prefix(b"</w:instrText").unwrap_or(rest);
        } else {
            out.push(b' ');
            out.extend_from_slice(tag);
            rest = after;
        }
    }
    Some(out)
}

/// `DDE` or `DDEAUTO` as a word.
fn has_dde(text: &[u8]) -> bool {
    let upper = text.to_ascii_uppercase();
    memmem::find_iter(&upper, b"DDE").any(|at| {
        let before = at.checked_sub(1).and_then(|at| upper.get(at));
        let after = upper.get(at + 3..).unwrap_or_default();
        let after = after.strip_prefix(b"AUTO").unwrap_or(after);
        let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        is_edge(before) && is_edge(after.first())
    })
}
