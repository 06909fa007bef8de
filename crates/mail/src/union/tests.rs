//! Tables: what a message gives.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop where it stands"
)]

mod basics;
mod blocks;
mod encodings;
mod names;
mod plain;
mod properties;
mod smime;
mod structure;

use super::{Outcome, Source, UnionLimits, read};
use crate::index::Index;
use std::ops::ControlFlow;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    source: Source,
    part: Option<usize>,
    place: std::ops::Range<u64>,
    names: Vec<String>,
    types: Vec<String>,
    content: Vec<u8>,
}

fn see(message: &[u8]) -> (Vec<Item>, Outcome) {
    see_within(message, &UnionLimits::default())
}

fn see_within(message: &[u8], limits: &UnionLimits) -> (Vec<Item>, Outcome) {
    let mut seen = Vec::new();
    let outcome = read(message, &Index::of(message), limits, &mut |item| {
        assert!(item.place.start <= item.place.end && item.place.end <= message.len() as u64);
        seen.push(Item {
            source: item.source,
            part: item.part,
            place: item.place,
            names: item.names,
            types: item.types,
            content: item.content.to_vec(),
        });
        ControlFlow::Continue(())
    });
    (seen, outcome)
}

/// A multipart of a text and one part, which is given with header and body.
fn mixed(part: &str) -> String {
    format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n\
         --b\r\n{part}\r\n--b--\r\n"
    )
}
