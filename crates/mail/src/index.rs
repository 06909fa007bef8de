//! The index of a message: what the parser noticed while its bytes arrived.
//!
//! A push parser ([`IndexBuilder`]) takes the bytes once, in pieces of any size, and keeps only
//! header blocks and offsets, never bodies: its memory is bounded by [`Limits`] whatever is sent.
//! The [`Index`] holds the message's header fields (decoded on demand), the tree of its parts with
//! their offsets, and a list of ambiguities: all that two mail programs could read differently.
//!
//! Of each thing that stands more than once the *first* is the preferred reading; the others stay
//! within reach ([`Header::named`], [`Structured::readings`](crate::mime::Structured::readings)),
//! so that a filter can judge every reading.

mod ambiguity;
mod builder;
mod census;
mod check;
mod content;
mod header;
mod limits;
mod part;
mod tree;
mod view;

pub use ambiguity::{Affects, Ambiguity, DETAIL_MAX, PER_KIND_MAX, Sighting};
pub use builder::IndexBuilder;
pub use header::{Field, FieldText, Header};
pub(crate) use header::{Scan, Stretch, split_name};
pub use limits::Limits;
pub use part::{Inside, Part};
pub use view::{FieldView, MessageView, NameValue, PartView, SightingView};

use crate::Address;
use crate::address_list::AddressList;

/// Addresses of From that are looked at; honest mail has one.
const FROM_MAX: usize = 100;

/// What the push parser learned of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Size of the whole message in bytes.
    pub size: u64,
    /// The header block of the message itself, as received (without the empty line), bounded. It
    /// begins where the message begins, so offsets in it are offsets in the message.
    pub header: Vec<u8>,
    /// Where each field of the message's header stands.
    pub fields: Vec<Field>,
    /// All parts in the order they stand; the first is the message itself.
    pub parts: Vec<Part>,
    /// What two programs could read differently, in the order of the message.
    pub ambiguities: Vec<Sighting>,
    /// The headers of all parts but the first.
    part_headers: Vec<u8>,
}

impl Index {
    /// The index of a message that is at hand as a whole.
    pub fn of(message: &[u8]) -> Self {
        let mut builder = IndexBuilder::new();
        builder.push(message);
        builder.finish()
    }

    /// The fields of the message's own header, in order.
    pub fn header_fields(&self) -> impl Iterator<Item = FieldText<'_>> {
        self.fields.iter().filter_map(|field| FieldText::of(&self.header, field))
    }

    /// All fields of the message's own header with this name (any case), in order.
    pub fn fields_named(&self, name: &str) -> impl Iterator<Item = FieldText<'_>> {
        self.header_fields().filter(move |field| field.is(name))
    }

    /// The first field with this name.
    pub fn field(&self, name: &str) -> Option<FieldText<'_>> {
        self.fields_named(name).next()
    }

    /// The last field with this name: what some programs show where there are several.
    pub fn last_field(&self, name: &str) -> Option<FieldText<'_>> {
        self.fields_named(name).last()
    }

    /// The first Subject as people read it.
    pub fn subject(&self) -> Option<String> {
        self.field("subject").map(|field| field.text())
    }

    /// The addresses of all From fields, as far as they can be read; at most 100.
    pub fn from(&self) -> Vec<Address> {
        self.addresses("from")
    }

    /// The addresses of all fields with this name, as far as they can be read; at most 100.
    pub fn addresses(&self, name: &str) -> Vec<Address> {
        let lists = self.fields_named(name).map(|field| AddressList::parse(&field.unfolded()));
        lists.flat_map(AddressList::into_addresses).take(FROM_MAX).collect()
    }

    /// The first Message-ID as written, with its angle brackets.
    pub fn message_id(&self) -> Option<String> {
        let text = self.field("message-id")?.text();
        (!text.is_empty()).then_some(text)
    }

    /// How many servers say that they received the message.
    pub fn received_count(&self) -> usize {
        self.fields_named("received").count()
    }

    /// The message itself as a part; `None` only for an index that no builder made.
    pub fn root(&self) -> Option<&Part> {
        self.parts.first()
    }

    /// The header of a part.
    pub fn header_of(&self, part: &Part) -> Header<'_> {
        let block = if part.parent.is_none() { &self.header } else { &self.part_headers };
        Header::new(block.get(part.kept.clone()).unwrap_or_default())
    }

    /// Whether this ambiguity was seen anywhere.
    pub fn has(&self, ambiguity: Ambiguity) -> bool {
        self.ambiguities.iter().any(|sighting| sighting.ambiguity == ambiguity)
    }

    /// Whether it has bytes above 127 anywhere, whatever its fields and its sender say.
    pub fn is_eight_bit(&self) -> bool {
        !self.header.is_ascii()
            || self.has(Ambiguity::EightBitHeader)
            || self.parts.iter().any(|part| part.eight_bit)
    }

    /// A form to be shown, with headers decoded (`gatepost parse`).
    pub fn view(&self) -> MessageView {
        view::message(self)
    }
}

#[cfg(test)]
mod tests;
