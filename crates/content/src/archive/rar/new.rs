//! The headers of RAR 5 (<https://www.rarlab.com/technote.htm>).

use super::{Kind, List, Listed, name};
use crate::Trouble;
use crate::archive::bytes::{place, slice};

const FILE: u64 = 2;
const SERVICE: u64 = 3;
const ENCRYPTION: u64 = 4;
const END: u64 = 5;

/// What is left of a header.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// A number of seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for at in 0..10 {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(first & 0x7f).checked_shl(7 * at).unwrap_or(0);
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(place(len))?;
        self.0 = rest;
        Some(taken)
    }
}

/// A header of any kind: its kind, its flags, its fields, its extra area, and where its data are.
struct Header<'a> {
    kind: u64,
    flags: u64,
    fields: Input<'a>,
    extra: &'a [u8],
    data: usize,
    data_len: u64,
}

fn header(bytes: &[u8], at: usize) -> Option<Header<'_>> {
    let mut input = Input(bytes.get(at.checked_add(4)?..)?);
    let before = input.0.len();
    let size = input.number()?;
    let head = at + 4 + (before - input.0.len());
    let mut fields = Input(slice(bytes, head, place(size))?);
    let (kind, flags) = (fields.number()?, fields.number()?);
    let extra_len = if flags & 1 != 0 { fields.number()? } else { 0 };
    let data_len = if flags & 2 != 0 { fields.number()? } else { 0 };
    let (rest, extra) = fields.0.split_at_checked(fields.0.len().checked_sub(place(extra_len))?)?;
    let data = head + place(size);
    Some(Header { kind, flags, fields: Input(rest), extra, data, data_len })
}

/// Reads every header to the end of the archive.
pub(super) fn list(bytes: &[u8], most: usize) -> List {
    let mut list = List::default();
    let mut at = 8;
    loop {
        let Some(mut header) = header(bytes, at) else {
            list.damaged("rar header");
            return list;
        };
        match header.kind {
            FILE | SERVICE => match member(&mut header, &list) {
                Some(Some(member)) => list.members.push(member),
                Some(None) => {}
                None => list.damaged("rar member"),
            },
            ENCRYPTION => {
                list.trouble = Some(Trouble::Encrypted("rar names"));
                return list;
            }
            END => return list,
            _ => {}
        }
        if list.members.len() > most {
            list.trouble = Some(Trouble::Limit("members_max"));
            return list;
        }
        at = header.data.saturating_add(place(header.data_len));
    }
}

/// Reads the fields of a file, or of a stream beside one; `Some(None)` for other services.
fn member(header: &mut Header<'_>, list: &List) -> Option<Option<Listed>> {
    let fields = &mut header.fields;
    let file_flags = fields.number()?;
    fields.number()?;
    fields.number()?;
    // Time and checksum are four bytes each.
    fields.take(u64::from((file_flags as u8 >> 1 & 1) + (file_flags as u8 >> 2 & 1)) * 4)?;
    let method = fields.number()? >> 7 & 7;
    fields.number()?;
    let len = fields.number()?;
    let raw = fields.take(len)?.to_vec();
    let mut names = name::readings(&raw);
    let mut extra = Extra::default();
    extra.read(header.extra);
    if header.kind == SERVICE {
        if raw != b"STM" {
            return Some(None);
        }
        // A stream of NTFS beside the file before: `name:stream`.
        let file = list.members.last().map(|member| member.names.clone()).unwrap_or_default();
        let stream = name::readings(&extra.stream);
        names = file.iter().flat_map(|f| stream.iter().map(move |s| format!("{f}{s}"))).collect();
        name::join(&mut names, stream);
    }
    let kind = if header.flags & 0x18 != 0 {
        Kind::Split
    } else if extra.is_encrypted {
        Kind::Encrypted
    } else if file_flags & 1 != 0 || header.data_len == 0 {
        Kind::Empty
    } else if method == 0 {
        Kind::Stored { at: header.data, size: place(header.data_len) }
    } else {
        Kind::Packed
    };
    Some(Some(Listed { raw, names, kind }))
}

#[derive(Default)]
struct Extra {
    is_encrypted: bool,
    stream: Vec<u8>,
}

impl Extra {
    /// Reads the records of the extra area as far as they go.
    fn read(&mut self, extra: &[u8]) {
        let mut input = Input(extra);
        while let Some(record) = input.number().and_then(|size| input.take(size)) {
            let mut record = Input(record);
            match record.number() {
                Some(1) => self.is_encrypted = true,
                Some(7) => self.stream = record.0.to_vec(),
                _ => {}
            }
        }
    }
}
