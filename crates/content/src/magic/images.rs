//! Images of disks and file systems: marked at fixed places far inside, or at the end.

use super::{Kind, has};
use crate::Class::DiskImage;

/// Where the descriptors of a disc begin (ECMA-119 §8), and the size of its sectors.
const DISC_AT: usize = 0x8000;
const SECTOR: usize = 2_048;
/// Descriptors that are looked at: those of UDF (ECMA-167 part 2) follow those of ISO 9660.
const DESCRIPTORS: usize = 16;
/// The footer of VHD and DMG.
const FOOTER: usize = 512;

/// The disk image that `bytes` are.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    disc(bytes)
        .or_else(|| footer(bytes))
        .or_else(|| volume(bytes))
        .map(|word| Kind::danger(word, DiskImage))
}

fn disc(bytes: &[u8]) -> Option<&'static str> {
    for number in 0..DESCRIPTORS {
        let at = DISC_AT + number * SECTOR + 1;
        let mark = bytes.get(at..at + 5)?;
        match mark {
            b"CD001" => return Some("iso9660"),
            b"BEA01" | b"NSR02" | b"NSR03" => return Some("udf"),
            _ => {}
        }
    }
    None
}

fn footer(bytes: &[u8]) -> Option<&'static str> {
    let at = bytes.len().checked_sub(FOOTER)?;
    if has(bytes, at, b"koly\0\0\0\x04") {
        return Some("dmg");
    }
    (has(bytes, at, b"conectix") || has(bytes, at + 1, b"conectix")).then_some("vhd")
}

/// File systems of disks without a table of partitions, and disks with one.
fn volume(bytes: &[u8]) -> Option<&'static str> {
    if has(bytes, 0x40, b"\x7F\x10\xDA\xBE") && has(bytes, 0, b"<<<") {
        return Some("vdi");
    }
    if has(bytes, 1_024, b"H+\0\x04") || has(bytes, 1_024, b"HX\0\x05") {
        return Some("hfs");
    }
    if has(bytes, 512, b"EFI PART") {
        return Some("gpt");
    }
    if !has(bytes, 510, b"\x55\xAA") {
        return None;
    }
    let marks: [(usize, &[u8]); 5] =
        [(0x36, b"FAT"), (0x52, b"FAT32"), (3, b"NTFS    "), (3, b"EXFAT   "), (0x36, b"FAT16")];
    if marks.iter().any(|(at, mark)| has(bytes, *at, mark)) {
        return Some("fat");
    }
    // A jump, then a size of sectors and clusters that a FAT has (FAT specification, BPB).
    let jumps = has(bytes, 0, b"\xEB") || has(bytes, 0, b"\xE9");
    (jumps && has(bytes, 11, b"\x00\x02")).then_some("fat")
}
