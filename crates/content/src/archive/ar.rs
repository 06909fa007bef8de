//! ar, which Debian packages are: System V and GNU, and BSD's long names (ar(5)).

use super::bytes::{slice, up_to};
use super::giving::{Giving, Stop};
use super::name;

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Whether it begins as ar does.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Gives every member; tables of symbols and of names too, which are members to some programs.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut at = MAGIC.len();
    let mut table: &[u8] = &[];
    while at < bytes.len() {
        let Some(header) = slice(bytes, at, HEADER).filter(|header| header.ends_with(b"`\n"))
        else {
            giving.damaged("ar header");
            return Ok(());
        };
        at += HEADER;
        let Some(size) = header.get(48..58).and_then(decimal) else {
            giving.damaged("ar size");
            return Ok(());
        };
        let field = header.get(..16).unwrap_or_default().trim_ascii_end();
        let content = up_to(bytes, at, size);
        let mut names = name::readings(field.strip_suffix(b"/").unwrap_or(field));
        if field == b"//" {
            table = content;
        } else if let Some(offset) = field.strip_prefix(b"/").and_then(decimal) {
            let long = table.get(offset..).unwrap_or_default();
            let long = long.split(|byte| *byte == b'\n').next().unwrap_or_default();
            name::join(&mut names, name::readings(long.strip_suffix(b"/").unwrap_or(long)));
        }
        let mut data = content;
        if let Some(len) = field.strip_prefix(b"#1/").and_then(decimal) {
            let (long, rest) = content.split_at_checked(len).unwrap_or((content, &[]));
            let long = long.split(|byte| *byte == 0).next().unwrap_or_default();
            name::join(&mut names, name::readings(long));
            data = rest;
        }
        giving.stored(names, data)?;
        if content.len() < size {
            giving.damaged("ar ends early");
        }
        at = at.saturating_add(size).saturating_add(size & 1);
    }
    Ok(())
}

fn decimal(field: &[u8]) -> Option<usize> {
    std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}
