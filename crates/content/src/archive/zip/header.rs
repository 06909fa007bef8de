//! The two headers that every member of a zip has (APPNOTE §4.3.7 and §4.3.12).

use crate::archive::bytes::{slice, u8_at, u16_at, u32_at, u64_at};
use crate::archive::name;

/// Where sizes and offsets are in the extra field instead (APPNOTE §4.5.3).
const IN_EXTRA: u32 = u32::MAX;
/// The size is not known before the data; a descriptor behind it says it.
const DESCRIPTOR: u16 = 1 << 3;
/// The data are encrypted; with bit 6 strongly, with bit 13 the names too.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// AES by WinZip, with the true method in the extra field (APPNOTE §4.5.6 and WinZip's AE-x).
const AES: u16 = 99;

/// What both headers say.
pub(super) struct Facts {
    pub(super) names: Vec<String>,
    pub(super) method: u16,
    pub(super) encrypted: bool,
    /// As this header says; where a descriptor says it, `None`.
    pub(super) packed: Option<u64>,
    pub(super) size: u64,
    pub(super) descriptor: bool,
}

/// An entry of the directory.
pub(super) struct Central {
    pub(super) facts: Facts,
    /// Where it stands.
    pub(super) at: usize,
    /// Of the local header, from wherever the archive begins.
    pub(super) offset: u64,
    /// Of this entry, with its variable fields.
    pub(super) len: usize,
}

/// A header before the data.
pub(super) struct Local {
    pub(super) facts: Facts,
    /// Where it stands.
    pub(super) at: usize,
    /// Where the data begin.
    pub(super) data: usize,
}

impl Central {
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let head = slice(bytes, at, 46).filter(|head| head.starts_with(super::CENTRAL))?;
        let len = |field| u16_at(head, field).map(usize::from);
        let (name, extra, comment) = (len(28)?, len(30)?, len(32)?);
        let names = slice(bytes, at + 46, name)?;
        // A field that is cut off at the end of the file is not worth losing the name for.
        let extra_bytes = slice(bytes, at + 46 + name, extra).unwrap_or_default();
        let (facts, offset) = facts(head, 8, names, extra_bytes, u32_at(head, 42))?;
        let len = 46 + name + extra + comment;
        Some(Self { facts, at, offset: offset?, len })
    }

    /// Reads one that looks like what a program writes, not like four bytes by chance. What stands
    /// behind chance is not even decoded: it may be said to be long, at every fourth byte.
    pub(super) fn find(bytes: &[u8], at: usize) -> Option<Self> {
        let (head, len) = (slice(bytes, at, 46)?, usize::from(u16_at(bytes, at + 28)?));
        let name = slice(bytes, at + 46, len)?;
        is_likely(head, 8, name).then(|| Self::read(bytes, at))?
    }
}

impl Local {
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let head = slice(bytes, at, 30).filter(|head| head.starts_with(super::LOCAL))?;
        let len = |field| u16_at(head, field).map(usize::from);
        let (name, extra) = (len(26)?, len(28)?);
        let names = slice(bytes, at + 30, name)?;
        let extra_bytes = slice(bytes, at + 30 + name, extra).unwrap_or_default();
        let (facts, _) = facts(head, 6, names, extra_bytes, None)?;
        Some(Self { facts, at, data: at + 30 + name + extra })
    }

    /// Reads one that looks like what a program writes, as [`Central::find`] does.
    pub(super) fn find(bytes: &[u8], at: usize) -> Option<Self> {
        let (head, len) = (slice(bytes, at, 30)?, usize::from(u16_at(bytes, at + 26)?));
        let name = slice(bytes, at + 30, len)?;
        is_likely(head, 6, name).then(|| Self::read(bytes, at))?
    }
}

/// Whether a version, a method and a name are what a program writes.
fn is_likely(head: &[u8], from: usize, name: &[u8]) -> bool {
    let (version, method) = (u8_at(head, from - 2), u16_at(head, from + 2));
    version.is_some_and(|version| version < 100)
        && method.is_some_and(|method| method <= 20 || (93..=99).contains(&method))
        && !name.is_empty()
        && !name.iter().any(|byte| *byte < b' ')
}

/// Reads the fields that both headers have in the same order, from the flags on at `from`.
fn facts(
    head: &[u8],
    from: usize,
    name: &[u8],
    extra: &[u8],
    offset: Option<u32>,
) -> Option<(Facts, Option<u64>)> {
    let (flags, method) = (u16_at(head, from)?, u16_at(head, from + 2)?);
    let (packed, size) = (u32_at(head, from + 12)?, u32_at(head, from + 16)?);
    let mut names = name::readings(name);
    let (mut packed_64, mut size_64) = (u64::from(packed), u64::from(size));
    let mut offset_64 = offset.map(u64::from);
    let mut method_in = method;
    for (id, field) in Fields(extra) {
        match id {
            0x0001 => {
                let mut at = 0;
                let mut next = |is_in: bool, value: &mut u64| {
                    if is_in && let Some(number) = u64_at(field, at) {
                        *value = number;
                        at += 8;
                    }
                };
                next(size == IN_EXTRA, &mut size_64);
                next(packed == IN_EXTRA, &mut packed_64);
                if let Some(value) = &mut offset_64 {
                    next(offset == Some(IN_EXTRA), value);
                }
            }
            // Info-ZIP's Unicode path: version, CRC of the other name, UTF-8 (APPNOTE §4.6.9). The
            // CRC is not checked: not every program does.
            0x7075 => name::join(&mut names, name::readings(field.get(5..).unwrap_or_default())),
            0x9901 => method_in = u16_at(field, 5).unwrap_or(method),
            _ => {}
        }
    }
    let descriptor = flags & DESCRIPTOR != 0;
    let facts = Facts {
        names,
        method: if method == AES { method_in } else { method },
        encrypted: flags & ENCRYPTED != 0 || method == AES,
        packed: (!descriptor || packed_64 != 0).then_some(packed_64),
        size: size_64,
        descriptor,
    };
    Some((facts, offset_64))
}

impl Facts {
    /// Whether the header leaves the size to a descriptor.
    pub(super) fn is_open(&self) -> bool {
        self.descriptor
    }

    /// Whether it is a folder, or a file of nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.packed == Some(0) && self.size == 0
    }
}

/// The extra fields: an id, a length, bytes (APPNOTE §4.5).
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, len) = (u16_at(self.0, 0)?, usize::from(u16_at(self.0, 2)?));
        let field = slice(self.0, 4, len)?;
        self.0 = self.0.get(4 + len..).unwrap_or_default();
        Some((id, field))
    }
}
