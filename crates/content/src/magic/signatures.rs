//! A table of signatures: bytes that stand at one place.

use super::{Kind, Shape, has};
use crate::Class::{self, DiskImage, Installer, Macro, Script, Shortcut, Unreadable};

/// Where, which bytes, the word, the danger if it is one, the inspection.
type Signature = (usize, &'static [u8], &'static str, Option<Class>, Shape);

/// How a compound file begins (MS-CFB §2.2).
pub(super) const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

const SIGNATURES: &[Signature] = &[
    // What is dangerous by itself.
    (0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", "lnk", Some(Shortcut), Shape::Plain),
    (0, b"ITSF\x03\0\0\0", "chm", Some(Script), Shape::Plain),
    (0, b"?_\x03\0", "hlp", Some(Script), Shape::Plain),
    (0, b"#@~^", "encoded_script", Some(Script), Shape::Plain),
    (0, b"FasdUAS ", "applescript", Some(Script), Shape::Plain),
    (0, b"!<arch>\ndebian-binary", "deb", Some(Installer), Shape::Plain),
    (0, b"\xED\xAB\xEE\xDB", "rpm", Some(Installer), Shape::Plain),
    (0, b"xar!\0", "xar", Some(Installer), Shape::Plain),
    (0, b"MSWIM\0\0\0", "wim", Some(Installer), Shape::Plain),
    (0, b"flatpak\0", "flatpak", Some(Installer), Shape::Plain),
    (0, b"vhdxfile", "vhdx", Some(DiskImage), Shape::Plain),
    (0, b"conectix", "vhd", Some(DiskImage), Shape::Plain),
    (0, b"KDMV", "vmdk", Some(DiskImage), Shape::Plain),
    (0, b"COWD\x01", "vmdk", Some(DiskImage), Shape::Plain),
    (0, b"# Disk DescriptorFile", "vmdk", Some(DiskImage), Shape::Plain),
    (0, b"QFI\xFB", "qcow", Some(DiskImage), Shape::Plain),
    (0, b"hsqs", "squashfs", Some(DiskImage), Shape::Plain),
    (0, b"sprs", "sparseimage", Some(DiskImage), Shape::Plain),
    (4, b"Standard Jet DB\0", "access", Some(Macro), Shape::Plain),
    (4, b"Standard ACE DB\0", "access", Some(Macro), Shape::Plain),
    // What can hold something.
    (0, COMPOUND, "ole", None, Shape::Compound),
    (0, b"PK\x03\x04", "zip", None, Shape::Zip),
    (0, b"PK\x05\x06", "zip", None, Shape::Zip),
    (0, b"PK\x07\x08PK", "zip", None, Shape::Zip),
    (0, b"\xE4R\\{\x8C\xD8\xA7M\xAE\xB1Sx\xD0)\x96\xD3", "onenote", None, Shape::Notebook),
    (0, b"\xA1/\xFFC\xD9\xEFvL\x9E\xE2\x10\xEAW\"v_", "onenote_toc", None, Shape::Notebook),
    (0, b"Rar!\x1A\x07", "rar", None, Shape::Plain),
    (0, b"7z\xBC\xAF\x27\x1C", "7z", None, Shape::Plain),
    (0, b"\x1F\x8B\x08", "gzip", None, Shape::Plain),
    (0, b"BZh", "bzip2", None, Shape::Plain),
    (0, b"\xFD7zXZ\0", "xz", None, Shape::Plain),
    (0, b"\x28\xB5\x2F\xFD", "zstd", None, Shape::Plain),
    (0, b"\x04\x22\x4D\x18", "lz4", None, Shape::Plain),
    (0, b"MSCF\0\0\0\0", "cab", None, Shape::Plain),
    (0, b"ISc(", "installshield_cab", None, Shape::Plain),
    (0, b"!<arch>\n", "ar", None, Shape::Plain),
    (0, b"070701", "cpio", None, Shape::Plain),
    (0, b"070707", "cpio", None, Shape::Plain),
    (0, b"\x60\xEA", "arj", None, Shape::Plain),
    (2, b"-lh", "lha", None, Shape::Plain),
    // Compressed, and opened by nothing of ours.
    (7, b"**ACE**", "ace", Some(Unreadable), Shape::Plain),
    (0, b"SZDD\x88\xF0\x27\x33", "szdd", Some(Unreadable), Shape::Plain),
    (0, b"KWAJ\x88\xF0\x27\xD1", "kwaj", Some(Unreadable), Shape::Plain),
    (257, b"ustar", "tar", None, Shape::Plain),
    (0, b"\x78\x9F\x3E\x22", "tnef", None, Shape::Plain),
    // Pictures, sound, film, fonts, data.
    (0, b"\x89PNG\r\n\x1A\n", "png", None, Shape::Plain),
    (0, b"\xFF\xD8\xFF", "jpeg", None, Shape::Plain),
    (0, b"GIF87a", "gif", None, Shape::Plain),
    (0, b"GIF89a", "gif", None, Shape::Plain),
    (8, b"WEBP", "webp", None, Shape::Plain),
    (0, b"II*\0", "tiff", None, Shape::Plain),
    (0, b"MM\0*", "tiff", None, Shape::Plain),
    (0, b"8BPS", "photoshop", None, Shape::Plain),
    (4, b"ftypheic", "heic", None, Shape::Plain),
    (4, b"ftypavif", "avif", None, Shape::Plain),
    (4, b"ftyp", "mp4", None, Shape::Plain),
    (0, b"\0\0\x01\0", "icon", None, Shape::Plain),
    (0, b"\xD7\xCD\xC6\x9A", "wmf", None, Shape::Plain),
    (40, b" EMF", "emf", None, Shape::Plain),
    (0, b"ID3", "mp3", None, Shape::Plain),
    (0, b"\xFF\xFB", "mp3", None, Shape::Plain),
    (0, b"OggS", "ogg", None, Shape::Plain),
    (0, b"fLaC", "flac", None, Shape::Plain),
    (8, b"WAVE", "wav", None, Shape::Plain),
    (8, b"AVI ", "avi", None, Shape::Plain),
    (0, b"\x1A\x45\xDF\xA3", "matroska", None, Shape::Plain),
    (0, b"\0\0\x01\xBA", "mpeg", None, Shape::Plain),
    (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "asf", None, Shape::Plain),
    (0, b"MThd", "midi", None, Shape::Plain),
    (0, b"wOFF", "font", None, Shape::Plain),
    (0, b"wOF2", "font", None, Shape::Plain),
    (0, b"OTTO", "font", None, Shape::Plain),
    (0, b"\0\x01\0\0\0", "font", None, Shape::Plain),
    (0, b"SQLite format 3\0", "sqlite", None, Shape::Plain),
    (0, b"!BDN", "outlook_store", None, Shape::Plain),
];

/// How far into a file readers look for the head of a PDF (ISO 32000-1 appendix H.3.4.1).
const PDF_HEAD: usize = 1_024;

/// The first signature that fits.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    let table = SIGNATURES.iter().find(|(at, mark, ..)| has(bytes, *at, mark));
    if let Some((_, _, word, class, shape)) = table {
        return Some(Kind { word, class: *class, shape: *shape });
    }
    let head = bytes.get(..PDF_HEAD).unwrap_or(bytes);
    if memchr::memmem::find(head, b"%PDF-").is_some() {
        return Some(Kind::harmless("pdf", Shape::Pdf));
    }
    // Word takes `{\rt` for RTF, and skips blanks before it.
    head.trim_ascii_start().starts_with(b"{\\rt").then_some(Kind::harmless("rtf", Shape::Rtf))
}
