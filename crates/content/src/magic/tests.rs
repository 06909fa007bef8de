#![expect(clippy::indexing_slicing, reason = "tests")]

use super::kind;
use crate::Class::{self, DiskImage, Installer, Macro, Program, Script, Shortcut, SystemFile};
use proptest::prelude::*;

#[track_caller]
fn check(bytes: &[u8], word: &str, class: Option<Class>) {
    let found = kind(bytes);
    let text = String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)).into_owned();
    assert_eq!((found.word, found.class), (word, class), "{text:?}");
}

/// A Windows program's headers, and no program.
fn windows(mark: &[u8]) -> Vec<u8> {
    let mut bytes = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0\xB8".to_vec();
    bytes.resize(0x3C, 0);
    bytes.extend([0x80, 0, 0, 0]);
    bytes.resize(0x80, 0);
    bytes.extend(mark);
    bytes.resize(0x200, 0);
    bytes
}

fn placed(size: usize, at: usize, mark: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; size];
    bytes.splice(at..at + mark.len(), mark.iter().copied());
    bytes
}

#[test]
fn programs_are_known() {
    check(&windows(b"PE\0\0\x64\x86"), "pe", Some(Program));
    check(&windows(b"NE"), "ne", Some(Program));
    check(&windows(b"LE"), "le", Some(Program));
    check(&windows(b""), "mz", Some(Program));
    check(b"MZ\x90\0\x03\0", "mz", Some(Program));
    check(b"\x7FELF\x02\x01\x01", "elf", Some(Program));
    check(b"\xCF\xFA\xED\xFE\x07\0\0\x01", "macho", Some(Program));
    check(b"\xCA\xFE\xBA\xBE\0\0\0\x02", "macho", Some(Program));
    check(b"\xCA\xFE\xBA\xBE\0\0\0\x3D", "java_class", Some(Program));
    check(b"dex\n035\0", "dex", Some(Program));
    check(b"\0asm\x01\0\0\0", "wasm", Some(Program));
    check(b"CWS\x0A\0\x20\0\0", "swf", Some(Program));
    check(b"#! /usr/bin/env python3\n", "shebang", Some(Script));
}

#[test]
fn other_dangers_are_known() {
    check(b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F\x9B", "lnk", Some(Shortcut));
    check(b"ITSF\x03\0\0\0", "chm", Some(Script));
    check(b"!<arch>\ndebian-binary   ", "deb", Some(Installer));
    check(b"\0\x01\0\0Standard Jet DB\0", "access", Some(Macro));
    check(&placed(0x9000, 0x8001, b"CD001"), "iso9660", Some(DiskImage));
    check(&placed(0xA000, 0x8001, b"BEA01"), "udf", Some(DiskImage));
    check(&placed(2_048, 1_536, b"conectix"), "vhd", Some(DiskImage));
    check(&placed(2_048, 1_536, b"koly\0\0\0\x04"), "dmg", Some(DiskImage));
    let fat = placed(2_048, 0x36, b"FAT12   ");
    check(&fat, "unknown", None);
    let mut fat = fat;
    fat.splice(510..512, [0x55, 0xAA]);
    check(&fat, "fat", Some(DiskImage));
}

#[test]
fn dangerous_texts_are_known() {
    check(b"REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\a]", "registry", Some(SystemFile));
    let utf16: Vec<u8> = "\u{FEFF}Windows Registry Editor Version 5.00\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check(&utf16, "registry", Some(SystemFile));
    check(&utf16[2..], "registry", Some(SystemFile));
    check(b"ID;PWXL;N;E\r\n", "sylk", Some(SystemFile));
    check(b"\r\n[InternetShortcut]\r\nURL=file://a/b.exe", "internet_shortcut", Some(Shortcut));
    check(b"# made\n[Desktop Entry]\nExec=sh\n", "desktop_entry", Some(Shortcut));
    check(b"[Shell]\r\nCommand=2\r\n", "explorer_command", Some(Shortcut));
    check(b"<html><head><HTA:APPLICATION id=a>", "hta", Some(Script));
    check(b"<job id='a'><script language='JScript'>", "script_host", Some(Script));
    check(
        b"<?xml version='1.0'?><libraryDescription xmlns='a'>",
        "windows_library",
        Some(Shortcut),
    );
    check(b"@echo off\r\ndel a", "batch", Some(Script));
    check(b"; a\r\n[Version]\r\nSignature=\"$CHICAGO$\"\r\n", "inf", Some(SystemFile));
}

#[test]
fn what_is_harmless_stays_so() {
    check(b"MZ is short for Mark Zbikowski.\r\n", "text", None);
    check(b"MZ", "text", None);
    check(&b"MZ lines of a table\r\n".repeat(100), "text", None);
    check(b"FWS 2026 report of the service", "text", None);
    check(b"#!important notes\n", "text", None);
    check(b"# A title\n\nSome words of a page.\n", "text", None);
    check(b"a,b,c\r\n1,2,3\r\n", "text", None);
    check(b"{\"a\": [1, 2]}", "text", None);
    check("Grüße aus Köln\n".as_bytes(), "text", None);
    check(b"\x1B$B$3$l$O\x1B(B\r\n", "text", None);
    check(b"<jobs><job>Cook</job></jobs>", "xml", None);
    check(b"<!DOCTYPE html><html><body>Hello", "html", None);
    check(b"<svg xmlns='a'><rect/></svg>", "svg", None);
    check(b"BEGIN:VCALENDAR\r\nVERSION:2.0", "calendar", None);
    check(b"\xFF\xD8\xFF\xE0\0\x10JFIF", "jpeg", None);
    check(b"%PDF-1.7\n", "pdf", None);
    check(b"junk\n%PDF-1.7\n", "pdf", None);
    check(b"\x00\x01\x02\x03", "unknown", None);
}

proptest! {
    #[test]
    fn anything_has_a_kind(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        kind(&bytes);
    }
}
