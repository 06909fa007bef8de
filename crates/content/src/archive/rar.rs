//! RAR 1.5 to 7: names, encryption and stored members by our own reader of the headers, which goes
//! on where a library gives up; compressed members by `rars`, within all its limits.

mod content;
mod new;
mod old;

use super::bytes::up_to;
use super::giving::{Giving, Stop};
use super::name;
use crate::Trouble;

const MAGIC: &[u8] = b"Rar!\x1a\x07";

/// A member by its header.
struct Listed {
    /// The name as bytes of the header, by which the library finds it again.
    raw: Vec<u8>,
    names: Vec<String>,
    kind: Kind,
}

enum Kind {
    /// A folder, a link or nothing.
    Empty,
    /// Its bytes stand in the archive.
    Stored {
        at: usize,
        size: usize,
    },
    Packed,
    Encrypted,
    /// Begins in another volume, or ends there.
    Split,
}

/// What the headers say.
#[derive(Default)]
struct List {
    members: Vec<Listed>,
    trouble: Option<Trouble>,
}

impl List {
    fn damaged(&mut self, place: &'static str) {
        self.trouble.get_or_insert(Trouble::Unreadable(place));
    }
}

/// Whether there is one, at the front or behind something else, where all programs look for it.
pub(super) fn is(bytes: &[u8]) -> bool {
    start(bytes).is_some()
}

fn start(bytes: &[u8]) -> Option<usize> {
    super::behind::starts(bytes, MAGIC, |at| match up_to(bytes, at + MAGIC.len(), 2) {
        [0, ..] | [1, 0] => Some(()),
        _ => None,
    })
}

/// Gives every member: those that need no library as they stand, then what the library unpacks,
/// then what it did not.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let Some(start) = start(bytes) else { return Ok(()) };
    let bytes = bytes.get(start..).unwrap_or_default();
    let most = giving.budget.limits().members_max;
    let list = match bytes.get(MAGIC.len()) {
        Some(1) => new::list(bytes, most),
        _ => old::list(bytes, most),
    };
    if let Some(trouble) = list.trouble {
        giving.trouble(trouble);
        if matches!(trouble, Trouble::Encrypted(_)) {
            giving.give(Vec::new(), Err(trouble))?;
        }
    }
    let mut packed = Vec::new();
    for member in list.members {
        let names = member.names;
        match member.kind {
            Kind::Empty => giving.give(names, Ok(&[]))?,
            Kind::Encrypted => giving.give(names, Err(Trouble::Encrypted("rar member")))?,
            Kind::Split => {
                giving.damaged("rar in volumes");
                giving.give(names, Err(Trouble::Unreadable("rar in volumes")))?;
            }
            Kind::Stored { at, size } => {
                let content = up_to(bytes, at, size);
                if content.len() < size {
                    giving.damaged("rar ends early");
                }
                giving.stored(names, content)?;
            }
            Kind::Packed => packed.push((member.raw, names)),
        }
    }
    if !packed.is_empty() {
        content::give(bytes, packed, giving)?;
    }
    Ok(())
}
