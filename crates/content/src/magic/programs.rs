//! Programs of every system, by their headers.

use super::{Kind, big, has, little};
use crate::Class::{Program, Script};
use memchr::memmem;

/// Where a DOS header tells the place of the Windows one.
const E_LFANEW: usize = 0x3C;
/// How far behind the DOS header the Windows one stands where nobody knows that there is one.
const E_LFANEW_MAX: usize = 4_096;
/// Bytes of a DOS header without what Windows added.
const DOS_HEADER: usize = 28;

/// The program that `bytes` are.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    let program = |word| Some(Kind::danger(word, Program));
    match bytes.first()? {
        b'M' | b'Z' => dos(bytes),
        0x7F if has(bytes, 1, b"ELF") => program("elf"),
        0xFE | 0xCE | 0xCF | 0xCA | 0xBE => mach(bytes),
        b'd' if has(bytes, 1, b"ex\n03") || has(bytes, 1, b"ey\n03") => program("dex"),
        0 if has(bytes, 1, b"asm") && has(bytes, 5, b"\0\0\0") => program("wasm"),
        0x1B if has(bytes, 1, b"Lua") => program("lua"),
        b'F' | b'C' if has(bytes, 1, b"WS") => flash(bytes),
        b'C' if has(bytes, 1, b"r24") && little(bytes, 4)? < 16 => program("crx"),
        b'#' if has(bytes, 1, b"!") => shebang(bytes),
        _ => None,
    }
}

/// A program behind the first byte, by headers that do not come by chance.
pub(super) fn later(bytes: &[u8]) -> Option<Kind> {
    let behind = |at: &usize| *at > 0;
    let is_windows = |at: usize| {
        let new = little(bytes, at + E_LFANEW).and_then(|new| usize::try_from(new).ok());
        new.is_some_and(|new| {
            (DOS_HEADER..=E_LFANEW_MAX).contains(&new) && has(bytes, at + new, b"PE\0\0")
        })
    };
    if memmem::find_iter(bytes, b"MZ").filter(behind).any(is_windows) {
        return Some(Kind::danger("pe", Program));
    }
    // Its width, its order, and its version, which is 1 (System V ABI, ELF header).
    let is_unix = |at: usize| {
        let head = bytes.get(at + 4..at + 7);
        head.is_some_and(|head| matches!(head, [1 | 2, 1 | 2, 1]))
    };
    let mut marks = memmem::find_iter(bytes, b"\x7FELF").filter(behind);
    marks.any(is_unix).then(|| Kind::danger("elf", Program))
}

/// Windows and DOS. Text can begin with `MZ`: a header has bytes that no text has.
fn dos(bytes: &[u8]) -> Option<Kind> {
    if has(bytes, 0, b"ZWS") {
        return flash(bytes);
    }
    if !has(bytes, 0, b"MZ") && !has(bytes, 0, b"ZM") {
        return None;
    }
    let new = little(bytes, E_LFANEW).and_then(|at| usize::try_from(at).ok());
    let new = new.and_then(|at| bytes.get(at..)).unwrap_or_default();
    let word = if new.starts_with(b"PE\0\0") {
        "pe"
    } else if new.starts_with(b"NE") {
        "ne"
    } else if new.starts_with(b"LE") || new.starts_with(b"LX") {
        "le"
    } else {
        let header = bytes.get(..DOS_HEADER).unwrap_or(bytes);
        if !header.iter().any(|byte| *byte < 7) {
            return None;
        }
        "mz"
    };
    Some(Kind::danger(word, Program))
}

/// Mach-O in both orders, alone and several in one, and Java classes, which share a number.
fn mach(bytes: &[u8]) -> Option<Kind> {
    let word = match big(bytes, 0)? {
        0xFEED_FACE | 0xFEED_FACF | 0xCEFA_EDFE | 0xCFFA_EDFE | 0xBEBA_FECA => "macho",
        0xCAFE_BABE | 0xCAFE_BABF => {
            // Java counts its versions from 45, and no file has programs for so many machines.
            let architectures = big(bytes, 4).unwrap_or_default();
            if architectures < 45 { "macho" } else { "java_class" }
        }
        0xCAFE_D00D => "java_pack",
        _ => return None,
    };
    Some(Kind::danger(word, Program))
}

/// `FWS`, compressed `CWS` and `ZWS`: a version and a length that no text could be.
fn flash(bytes: &[u8]) -> Option<Kind> {
    let version = bytes.get(3)?;
    let length = little(bytes, 4)?;
    ((1..=64).contains(version) && (8..1 << 28).contains(&length))
        .then(|| Kind::danger("swf", Program))
}

/// `#!/bin/sh`, `#! /usr/bin/env python3`.
fn shebang(bytes: &[u8]) -> Option<Kind> {
    let rest = bytes.get(2..)?.trim_ascii_start();
    rest.starts_with(b"/").then(|| Kind::danger("shebang", Script))
}
