//! The index in a form to be shown: headers decoded, parts as a tree.

use super::ambiguity::{Affects, Ambiguity};
use super::part::{Inside, Part};
use super::{Header, Index};
use crate::address_list::{AddressList, MailboxView};
use crate::mime::{Structured, TransferEncoding};
use serde::Serialize;

/// A message as `gatepost parse` shows it. All offsets are bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// Size of the whole in bytes.
    pub size: u64,
    /// The first Subject.
    pub subject: Option<String>,
    /// The mailboxes of all From fields.
    pub from: Vec<MailboxView>,
    /// The first Message-ID.
    pub message_id: Option<String>,
    /// How many Received fields there are.
    pub received: usize,
    /// The fields of the message's header.
    pub header: Vec<FieldView>,
    /// The message itself, with its parts inside.
    pub part: Option<PartView>,
    /// What two programs could read differently.
    pub ambiguities: Vec<SightingView>,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldView {
    /// The name as written.
    pub name: String,
    /// The value, unfolded and decoded.
    pub value: String,
}

/// A parameter as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameValue {
    /// The name in lower case, with the marks of RFC 2231.
    pub name: String,
    /// The value, its bytes as UTF-8 if they are that, else as Windows-1252.
    pub value: String,
}

/// A part and what is inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartView {
    /// Its number in the order of the message; the message itself is 0. Ambiguities refer to it.
    pub number: usize,
    /// `text/plain`.
    pub media_type: String,
    /// The parameters of Content-Type.
    pub parameters: Vec<NameValue>,
    /// `attachment` or `inline`.
    pub disposition: Option<String>,
    /// The parameters of Content-Disposition.
    pub disposition_parameters: Vec<NameValue>,
    /// Every name that some program could show, the usual one first.
    pub names: Vec<String>,
    /// How the body is written.
    pub encoding: TransferEncoding,
    /// The fields of its header; empty for the message itself, whose fields stand above.
    pub header: Vec<FieldView>,
    /// Where the header block is.
    pub header_range: [u64; 2],
    /// Where the body is.
    pub body_range: [u64; 2],
    /// Line ends in the body.
    pub lines: u64,
    /// Whether bytes above 127 were seen in the body.
    pub eight_bit: bool,
    /// `content`, `parts` or `message`.
    pub inside: &'static str,
    /// The parts inside.
    pub parts: Vec<PartView>,
}

/// An ambiguity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SightingView {
    /// Its word.
    pub word: Ambiguity,
    /// What readers would disagree about.
    pub affects: Affects,
    /// Where it begins.
    pub at: u64,
    /// The part it belongs to.
    pub part: usize,
    /// The field, parameter or values concerned.
    pub detail: String,
    /// What the word means.
    pub meaning: &'static str,
}

/// Recursion ends here; deeper than the builder's limit nothing is.
const DEPTH_MAX: usize = 200;

pub(super) fn message(index: &Index) -> MessageView {
    let from = index.fields_named("from").map(|field| AddressList::parse(&field.unfolded()));
    MessageView {
        size: index.size,
        subject: index.subject(),
        from: from.flat_map(|list| list.view()).collect(),
        message_id: index.message_id(),
        received: index.received_count(),
        header: fields(Header::new(&index.header)),
        part: index.root().map(|root| part(index, 0, root)),
        ambiguities: index
            .ambiguities
            .iter()
            .map(|sighting| SightingView {
                word: sighting.ambiguity,
                affects: sighting.ambiguity.affects(),
                at: sighting.at,
                part: sighting.part,
                detail: sighting.detail.clone(),
                meaning: sighting.ambiguity.meaning(),
            })
            .collect(),
    }
}

fn fields(header: Header<'_>) -> Vec<FieldView> {
    let view = |field: super::FieldText<'_>| FieldView {
        name: field.name().to_owned(),
        value: field.text(),
    };
    header.fields().map(view).collect()
}

fn part(index: &Index, number: usize, shown: &Part) -> PartView {
    let parameters = |structured: &Option<Structured>| {
        let parameters = structured.iter().flat_map(|s| &s.parameters);
        let view = |p: &crate::mime::Parameter| NameValue {
            name: p.name.clone(),
            value: crate::mime::charset::guess(&p.value),
        };
        parameters.map(view).collect()
    };
    let children = if shown.depth < DEPTH_MAX { shown.children.as_slice() } else { &[] };
    let inside = |&child: &usize| index.parts.get(child).map(|c| part(index, child, c));
    PartView {
        number,
        media_type: shown.media_type.clone(),
        parameters: parameters(&shown.content_type),
        disposition: shown.disposition.as_ref().map(|d| d.value.clone()),
        disposition_parameters: parameters(&shown.disposition),
        names: shown.names(),
        encoding: shown.encoding,
        header: if number == 0 { Vec::new() } else { fields(index.header_of(shown)) },
        header_range: [shown.header.start, shown.header.end],
        body_range: [shown.body.start, shown.body.end],
        lines: shown.lines,
        eight_bit: shown.eight_bit,
        inside: match shown.inside {
            Inside::Content => "content",
            Inside::Parts => "parts",
            Inside::Message => "message",
        },
        parts: children.iter().filter_map(inside).collect(),
    }
}
