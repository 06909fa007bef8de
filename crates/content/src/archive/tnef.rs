//! TNEF, `winmail.dat` ([MS-OXTNEF]): attachments with names in two or three places.

use super::bytes::{place, slice, u16_at, u32_at, up_to};
use super::giving::{Giving, Stop};
use super::name;

const MAGIC: &[u8] = b"\x78\x9f\x3e\x22";

// Attributes ([MS-OXTNEF] §2.1.3.3).
const BODY: u32 = 0x0002_800c;
const RENDERING: u32 = 0x0006_9002;
const TITLE: u32 = 0x0001_8010;
const DATA: u32 = 0x0006_800f;
const TRANSPORT_NAME: u32 = 0x0006_9001;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const ATTACHMENT_PROPERTIES: u32 = 0x0006_9005;

// Properties ([MS-OXPROPS]).
const DISPLAY_NAME: u16 = 0x3001;
const OBJECT: u16 = 0x3701;
const SHORT_NAME: u16 = 0x3704;
const LONG_NAME: u16 = 0x3707;
const HTML: u16 = 0x1013;

/// Whether it begins as TNEF does.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What is known of an attachment so far.
#[derive(Default)]
struct Attachment<'a> {
    names: Vec<String>,
    contents: Vec<&'a [u8]>,
}

impl Attachment<'_> {
    fn give(&mut self, giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
        for content in self.contents.drain(..) {
            giving.stored(self.names.clone(), content)?;
        }
        self.names.clear();
        Ok(())
    }
}

/// Gives every attachment with all its names, and the text of the message.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut attachment = Attachment::default();
    let mut at = 6;
    while at < bytes.len() {
        let head = u32_at(bytes, at + 1).zip(u32_at(bytes, at + 5));
        let Some((attribute, len)) = head else {
            giving.damaged("tnef attribute");
            break;
        };
        let len = place(len.into());
        let data = up_to(bytes, at + 9, len);
        if data.len() < len {
            giving.damaged("tnef ends early");
        }
        at = at.saturating_add(len).saturating_add(11);
        match attribute {
            RENDERING => attachment.give(giving)?,
            TITLE | TRANSPORT_NAME => {
                let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
                name::join(&mut attachment.names, name::readings(text));
            }
            DATA => attachment.contents.push(data),
            BODY => giving.stored(Vec::new(), data)?,
            MESSAGE_PROPERTIES | ATTACHMENT_PROPERTIES => {
                let mut properties = Properties::new(data);
                for (id, kind, value) in properties.by_ref() {
                    attachment.take(id, kind, value, giving)?;
                }
                if properties.left > 0 {
                    giving.damaged("tnef properties");
                }
            }
            _ => {}
        }
    }
    attachment.give(giving)
}

impl<'a> Attachment<'a> {
    fn take(
        &mut self,
        id: u16,
        kind: u16,
        value: &'a [u8],
        giving: &mut Giving<'_, '_>,
    ) -> Result<(), Stop> {
        match id {
            DISPLAY_NAME | SHORT_NAME | LONG_NAME => {
                let names = match kind {
                    0x1f => name::wide(value.strip_suffix(&[0, 0]).unwrap_or(value)),
                    _ => name::readings(value.strip_suffix(&[0]).unwrap_or(value)),
                };
                name::join(&mut self.names, names);
            }
            // An object has the id of its interface before it.
            OBJECT if kind == 0x0d => self.contents.push(value.get(16..).unwrap_or_default()),
            OBJECT => self.contents.push(value),
            HTML => giving.stored(Vec::new(), value)?,
            _ => {}
        }
        Ok(())
    }
}

/// The properties of a message or attachment ([MS-OXTNEF] §2.1.3.4): id, kind, each value.
struct Properties<'a> {
    rest: &'a [u8],
    left: u32,
    /// The property whose values are read, and how many are left of it.
    current: (u16, u16, u32),
}

impl<'a> Properties<'a> {
    fn new(data: &'a [u8]) -> Self {
        let left = u32_at(data, 0).unwrap_or(0);
        Self { rest: data.get(4..).unwrap_or_default(), left, current: (0, 0, 0) }
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        self.take(4).and_then(|four| u32_at(four, 0)).map(|number| place(number.into()))
    }

    /// Reads the head of the next property.
    fn head(&mut self) -> Option<()> {
        const MANY: u16 = 0x1000;
        let head = self.take(4)?;
        let (kind, id) = (u16_at(head, 0)?, u16_at(head, 2)?);
        if id >= 0x8000 {
            self.take(16)?;
            let len =
                if self.number()? == 0 { 4 } else { self.number()?.checked_next_multiple_of(4)? };
            self.take(len)?;
        }
        let many = kind & MANY != 0 || matches!(kind, 0x0d | 0x1e | 0x1f | 0x102);
        let count = if many { u32::try_from(self.number()?).ok()? } else { 1 };
        self.current = (id, kind & !MANY, count);
        Some(())
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let len = match self.current.1 {
            0x02 | 0x03 | 0x04 | 0x0a | 0x0b => 4,
            0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
            0x48 => 16,
            0x0d | 0x1e | 0x1f | 0x102 => {
                let len = self.number()?;
                let padded = self.take(len.checked_next_multiple_of(4)?.min(self.rest.len()))?;
                return slice(padded, 0, len);
            }
            _ => return None,
        };
        self.take(len)
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (u16, u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.current.2 == 0 {
            if self.left == 0 {
                return None;
            }
            self.head()?;
            self.left -= 1;
        }
        self.current.2 -= 1;
        let value = self.value();
        if value.is_none() {
            // Told by the caller as damage.
            self.left = self.left.max(1);
            self.rest = &[];
            self.current.2 = 0;
        }
        value.map(|value| (self.current.0, self.current.1, value))
    }
}
