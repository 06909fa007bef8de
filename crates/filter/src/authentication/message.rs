//! A message as signatures see it: its header fields at hand, its body in windows.
//!
//! One form for what was received (a blob and its index), for what is to be sent (a rendition of
//! pieces) and for a file that a command has read.

use super::body_hash::{BodyDigests, BodyHashes, Wanted};
use mail::index::{Ambiguity, Header, Index};
use mail::rendition::{Piece, Rendition};
use std::borrow::Cow;
use std::ops::Range;
use store::{Body, Error};

/// Largest header of a message that is to be sent, in bytes: what the index keeps of one that is
/// received, and as much again for the fields that were put before it.
const HEADER_MAX: usize = 512 * 1024;
/// Bytes of the body that are read at once.
const WINDOW: usize = 64 * 1024;

/// A message that is to be verified or signed.
pub struct Message<'a> {
    header: Cow<'a, [u8]>,
    fields: Vec<Range<usize>>,
    body: Vec<Part<'a>>,
    complete: bool,
}

/// A stretch of the body.
enum Part<'a> {
    Bytes(&'a [u8]),
    Blob(&'a Body, Range<u64>),
}

impl<'a> Message<'a> {
    /// A message that was received: its index and its bytes.
    pub fn received(index: &'a Index, body: &'a Body) -> Self {
        Self::of(index, Part::Blob(body, body_start(index)..index.size))
    }

    /// A message that is at hand as a whole, with the index of it: a file of a command.
    pub fn at_hand(index: &'a Index, message: &'a [u8]) -> Self {
        let start = usize::try_from(body_start(index)).unwrap_or(usize::MAX);
        Self::of(index, Part::Bytes(message.get(start..).unwrap_or_default()))
    }

    fn of(index: &'a Index, body: Part<'a>) -> Self {
        let fields = index.fields.iter().map(|field| field.range.clone()).collect();
        // Where fields were left out, the last one of a name is not known.
        let beyond = [Ambiguity::HeaderTooLarge, Ambiguity::TooManyFields];
        let hidden = index
            .ambiguities
            .iter()
            .any(|sighting| sighting.part == 0 && beyond.contains(&sighting.ambiguity));
        Self { header: Cow::Borrowed(&index.header), fields, body: vec![body], complete: !hidden }
    }

    /// A message that is to be sent: pieces over the blob `body`.
    ///
    /// The header ends at the first empty line; of one larger than 512 KiB nothing is taken, and
    /// the message can neither be signed nor pass.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn rendered(rendition: &'a Rendition, body: &'a Body) -> Result<Self, Error> {
        let mut head = Head::default();
        let mut parts = Vec::new();
        for piece in rendition.pieces() {
            match piece {
                Piece::Insert(bytes) => {
                    let taken = head.take(bytes);
                    parts.push(Part::Bytes(bytes.get(taken..).unwrap_or_default()));
                }
                Piece::Copy(range) => {
                    let mut at = range.start;
                    while at < range.end && head.is_open() {
                        let window = body.read(at..range.end, WINDOW).await?;
                        if window.is_empty() {
                            break;
                        }
                        at += head.take(&window) as u64;
                    }
                    parts.push(Part::Blob(body, at..range.end));
                }
            }
        }
        let complete = !head.too_large;
        let fields = Header::new(&head.bytes)
            .fields()
            .map(|field| field.start..field.start + field.bytes.len())
            .collect();
        let header = Cow::Owned(head.bytes);
        Ok(Self { header, fields, body: if complete { parts } else { Vec::new() }, complete })
    }

    /// Whether all of its header is at hand. What was signed cannot be told where it is not.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The header fields in order, each with its line end.
    pub(crate) fn fields(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.fields.iter().map(|range| self.header.get(range.clone()).unwrap_or_default())
    }

    /// Reads the body once, in windows, and hashes every form of it that is wanted.
    ///
    /// # Errors
    /// The disk fails.
    pub(crate) async fn hash_body(
        &self,
        wanted: impl IntoIterator<Item = Wanted>,
    ) -> Result<BodyDigests, Error> {
        let mut hashes = BodyHashes::of(wanted);
        if hashes.is_empty() {
            return Ok(BodyDigests::default());
        }
        for part in &self.body {
            match part {
                Part::Bytes(bytes) => {
                    for window in bytes.chunks(WINDOW) {
                        hashes.push(window);
                        tokio::task::yield_now().await;
                    }
                }
                Part::Blob(body, range) => {
                    let mut at = range.start;
                    while at < range.end {
                        let window = body.read(at..range.end, WINDOW).await?;
                        if window.is_empty() {
                            break;
                        }
                        at += window.len() as u64;
                        hashes.push(&window);
                        // What is in memory is read without waiting, and others want to work too.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        Ok(hashes.finish())
    }
}

/// Where the body begins; at the end for a message that has none.
fn body_start(index: &Index) -> u64 {
    index.root().map_or(index.size, |root| root.body.start)
}

/// The name of a field as written, without the blanks before its colon.
pub(crate) fn field_name(field: &[u8]) -> &[u8] {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    field.get(..colon).unwrap_or_default().trim_ascii_end()
}

/// What follows the colon of a field.
pub(crate) fn field_value(field: &[u8]) -> &[u8] {
    memchr::memchr(b':', field).and_then(|colon| field.get(colon + 1..)).unwrap_or_default()
}

/// The header while it is gathered.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    ended: bool,
    too_large: bool,
}

impl Head {
    fn is_open(&self) -> bool {
        !self.ended && !self.too_large
    }

    /// Takes the header from the front of `bytes`; tells how many bytes that were, with the empty
    /// line.
    fn take(&mut self, bytes: &[u8]) -> usize {
        if !self.is_open() {
            return 0;
        }
        let before = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        // The empty line may have begun in the piece before.
        let mut line = before.saturating_sub(1);
        line =
            memchr::memrchr(b'\n', self.bytes.get(..line).unwrap_or_default()).map_or(0, |i| i + 1);
        while let Some(rest) = self.bytes.get(line..) {
            let empty =
                if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
            if empty > 0 {
                let end = line + empty;
                self.bytes.truncate(line);
                self.ended = true;
                return end - before;
            }
            match memchr::memchr(b'\n', rest) {
                Some(i) => line += i + 1,
                None => break,
            }
        }
        if self.bytes.len() > HEADER_MAX {
            self.too_large = true;
            self.bytes = Vec::new();
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests;
