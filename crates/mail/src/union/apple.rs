//! AppleSingle and AppleDouble (RFC 1740): a file's forks behind a table.

use crate::mime::charset;

/// A fork of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fork<'a> {
    pub(super) bytes: &'a [u8],
    /// The file's real name, if it is there.
    pub(super) name: Option<String>,
}

/// Entries looked at. The standard knows 15 kinds.
const ENTRIES_MAX: usize = 64;

/// Kinds of entries: data fork, resource fork, real name.
const DATA: u32 = 1;
const RESOURCE: u32 = 2;
const NAME: u32 = 3;

/// The data and resource forks; none if `bytes` is no such file.
pub(super) fn forks(bytes: &[u8]) -> Vec<Fork<'_>> {
    table(bytes).unwrap_or_default()
}

fn table(bytes: &[u8]) -> Option<Vec<Fork<'_>>> {
    let magic = bytes.first_chunk::<4>()?;
    if !matches!(magic, [0, 5, 0x16, 0 | 7]) {
        return None;
    }
    // Magic, version and filler are 24 bytes.
    let (count, mut rest) = bytes.get(24..)?.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count)).min(ENTRIES_MAX);
    let (mut forks, mut name) = (Vec::new(), None);
    for _ in 0..count {
        let Some((entry, behind)) = rest.split_first_chunk::<12>() else { break };
        rest = behind;
        let [kind, offset, len] = numbers(entry);
        let offset = usize::try_from(offset).ok()?;
        let from = bytes.get(offset..).unwrap_or_default();
        let content = usize::try_from(len).ok().and_then(|len| from.get(..len)).unwrap_or(from);
        match kind {
            DATA | RESOURCE if !content.is_empty() => {
                forks.push(Fork { bytes: content, name: None });
            }
            NAME => name = Some(charset::guess(content.get(..255).unwrap_or(content))),
            _ => (),
        }
    }
    for fork in &mut forks {
        fork.name.clone_from(&name);
    }
    Some(forks)
}

fn numbers(entry: &[u8; 12]) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_be_bytes)
}
