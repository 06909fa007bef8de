//! Texts: whether it is one, and which, by how it begins.

use super::{Kind, Shape};
use crate::Class::{Installer, Program, Script, Shortcut, SystemFile};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use memchr::memmem;
use std::borrow::Cow;

/// How a text begins (lower case, without blanks before it) that is of a dangerous kind.
const BEGINNINGS: &[(&str, Kind)] = &[
    ("regedit4", Kind::danger("registry", SystemFile)),
    ("windows registry editor", Kind::danger("registry", SystemFile)),
    ("id;p", Kind::danger("sylk", SystemFile)),
    ("web\r\n1\r\n", Kind::danger("web_query", SystemFile)),
    ("web\n1\n", Kind::danger("web_query", SystemFile)),
    ("[internetshortcut", Kind::danger("internet_shortcut", Shortcut)),
    ("[{000214a0-0000-0000-c000-000000000046}", Kind::danger("internet_shortcut", Shortcut)),
    ("[default]\r\nbaseurl=", Kind::danger("internet_shortcut", Shortcut)),
    ("[desktop entry]", Kind::danger("desktop_entry", Shortcut)),
    ("[shell]\r\ncommand=", Kind::danger("explorer_command", Shortcut)),
    ("[shell]\ncommand=", Kind::danger("explorer_command", Shortcut)),
    ("@echo off", Kind::danger("batch", Script)),
    ("@echo on", Kind::danger("batch", Script)),
    ("<?php", Kind::danger("php", Script)),
    ("on error resume next", Kind::danger("vbscript", Script)),
    ("full address:s:", Kind::danger("remote_desktop", Shortcut)),
    ("screen mode id:i:", Kind::danger("remote_desktop", Shortcut)),
];

/// Tags (lower case) near the beginning of what begins with `<`.
const TAGS: &[(&str, Kind)] = &[
    ("<hta:application", Kind::danger("hta", Script)),
    ("<librarydescription", Kind::danger("windows_library", Shortcut)),
    ("<searchconnectordescription", Kind::danger("search_connector", Shortcut)),
    ("<persistedquery", Kind::danger("saved_search", Shortcut)),
    ("<pcsettings", Kind::danger("setting_content", Shortcut)),
    ("<jnlp", Kind::danger("jnlp", Program)),
    ("<appinstaller", Kind::danger("app_installer", Installer)),
    ("<deployment", Kind::danger("clickonce", Program)),
    ("<scriptlet", Kind::danger("scriptlet", Script)),
    ("<usingtask", Kind::danger("msbuild", Script)),
    ("<task version", Kind::danger("scheduled_task", Script)),
    ("<mmc_consolefile", Kind::danger("console", Script)),
    ("payloadtype", Kind::danger("mobileconfig", Installer)),
];

/// Lines that stand near the beginning of what an INI file is made of.
const SECTIONS: &[(&str, Kind)] = &[
    ("[internetshortcut]", Kind::danger("internet_shortcut", Shortcut)),
    ("[desktop entry]", Kind::danger("desktop_entry", Shortcut)),
    ("\nsignature=\"$", Kind::danger("inf", SystemFile)),
    ("\nsignature = \"$", Kind::danger("inf", SystemFile)),
    ("\nsignature=$", Kind::danger("inf", SystemFile)),
    ("full address:s:", Kind::danger("remote_desktop", Shortcut)),
];

/// The kind of a text by its head; `unknown` if it is none.
pub(super) fn kind(head: &[u8]) -> Kind {
    let text = decoded(head);
    if !is_text(&text) {
        return Kind::harmless("unknown", Shape::Plain);
    }
    let lower = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text).trim_ascii_start();
    let lower = lower.to_ascii_lowercase();
    let begins = |mark: &str| lower.starts_with(mark.as_bytes());
    let holds = |mark: &str| memmem::find(&lower, mark.as_bytes()).is_some();
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(mark, _)| begins(mark)) {
        return *kind;
    }
    if begins("<") {
        return TAGS.iter().find(|(mark, _)| holds(mark)).map_or_else(
            || markup(&begins, &holds),
            |(_, kind)| Kind { shape: Shape::Markup, ..*kind },
        );
    }
    if (begins("[") || begins(";") || begins("#"))
        && let Some((_, kind)) = SECTIONS.iter().find(|(mark, _)| holds(mark))
    {
        return *kind;
    }
    if begins("begin:vcalendar") || begins("begin:vcard") {
        return Kind::harmless("calendar", Shape::Calendar);
    }
    if holds("mime-version:") && holds("content-type:") && is_field(&lower) {
        return Kind::harmless("message", Shape::Message);
    }
    Kind::harmless("text", Shape::Text)
}

/// Whether it begins with a header field (RFC 5322 §2.2).
fn is_field(text: &[u8]) -> bool {
    let name = text.iter().take(80).take_while(|byte| byte.is_ascii_graphic() && **byte != b':');
    let end = name.count();
    end > 1 && text.get(end) == Some(&b':')
}

fn markup(begins: &dyn Fn(&str) -> bool, holds: &dyn Fn(&str) -> bool) -> Kind {
    if begins("<job") || begins("<package") || holds("<job>") || holds("<job ") {
        // A file of Windows Script Host, if it has script; other XML has jobs too.
        if holds("<script") {
            return Kind { shape: Shape::Markup, ..Kind::danger("script_host", Script) };
        }
    }
    if holds("<svg") && !holds("<html") {
        return Kind::harmless("svg", Shape::Markup);
    }
    let html = ["<!doctype html", "<html", "<head", "<body", "<script", "<meta", "<iframe", "<div"];
    let word = if html.iter().any(|mark| holds(mark)) { "html" } else { "xml" };
    Kind::harmless(word, Shape::Markup)
}

/// No byte that only binary data has. Escape is in Japanese texts (ISO-2022-JP).
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= 0x20 || matches!(*byte, 9 | 10 | 12 | 13 | 0x1B))
}

/// Bytes that [`decoded`] may allocate: UTF-16 is at most three halves as long in UTF-8.
pub(crate) fn decoded_size(bytes: &[u8]) -> usize {
    match decoded(bytes.get(..4).unwrap_or(bytes)) {
        Cow::Owned(_) => bytes.len().saturating_mul(3) / 2,
        Cow::Borrowed(_) => 0,
    }
}

/// UTF-16 as UTF-8, known by its mark or by the zeros that ASCII has in it; all else as it is.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => match bytes.get(..4) {
            Some([first, 0, second, 0]) if *first != 0 && *second != 0 => UTF_16LE,
            Some([0, first, 0, second]) if *first != 0 && *second != 0 => UTF_16BE,
            _ => return Cow::Borrowed(bytes),
        },
    };
    if encoding != UTF_16LE && encoding != UTF_16BE {
        return Cow::Borrowed(bytes);
    }
    match encoding.decode_with_bom_removal(bytes).0 {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
