//! Reads what an entry shows, window by window, never whole.

use super::Entry;
use crate::columns::Columns;
use crate::incoming::{WINDOW_MAX, blocking, read_window};
use crate::{Error, Row, Store};
use bytes::Bytes;
use mail::{MessageId, Piece, Rendition};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// `message.body_place`: there is no body (any more).
pub(crate) const PLACE_NOWHERE: i64 = 0;
/// `message.body_place`: in the row itself.
pub(crate) const PLACE_ROW: i64 = 1;
/// `message.body_place`: a file among the blobs.
pub(crate) const PLACE_FILE: i64 = 2;

/// A message as an entry shows it, read window by window.
///
/// Goes on working when the entry is removed meanwhile.
#[derive(Debug)]
pub struct Rendered {
    pieces: Vec<Shown>,
    position: u64,
    blob: Blob,
    size: u64,
}

/// A piece, with its bytes where the blob does not have them.
#[derive(Debug)]
enum Shown {
    Insert(Bytes),
    Copy(Range<u64>),
}

#[derive(Debug)]
enum Blob {
    Memory(Bytes),
    File(Arc<File>),
}

impl Store {
    /// Opens what an entry shows.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the message is gone, [`Error::Corrupt`], or the database's.
    pub async fn rendition(&self, entry: &Entry) -> Result<Rendered, Error> {
        let id = entry.message;
        let (sql, params) = match entry.rendition {
            0 => {
                ("SELECT body_place, rendition, body FROM message WHERE id = $1", vec![id.0.into()])
            }
            number => (
                "SELECT m.body_place, r.pieces, m.body FROM message m \
                 JOIN rendition r ON r.message = m.id AND r.number = $2 WHERE m.id = $1",
                vec![id.0.into(), number.into()],
            ),
        };
        let row = self.db.read(sql, params).await?.pop();
        self.rendered(id, row).await
    }

    /// What a message shows, from its body's place, the rendition's pieces and the body.
    pub(crate) async fn rendered(
        &self,
        id: MessageId,
        row: Option<Row>,
    ) -> Result<Rendered, Error> {
        let gone = || Error::NotFound(format!("message {id} any more"));
        let mut row = Columns::of(row.ok_or_else(gone)?);
        let place = row.int()?;
        let pieces = row.bytes_or_null()?;
        let body = row.bytes_or_null()?;
        let blob = match place {
            PLACE_ROW => Blob::Memory(
                body.ok_or_else(|| Error::Corrupt(format!("message {id} has lost its body")))?,
            ),
            PLACE_FILE => {
                let path = self.folder.blob(id.0);
                let opened = blocking(move || File::open(path)).await?;
                let told = format!("the body of message {id} cannot be opened");
                Blob::File(Arc::new(opened.map_err(|e| Error::io(&told, &e))?))
            }
            _ => return Err(gone()),
        };
        let rendition = pieces
            .and_then(|bytes| Rendition::decode(&bytes))
            .ok_or_else(|| Error::Corrupt(format!("message {id} has no readable rendition")))?;
        let shown = |piece: &Piece| match piece {
            Piece::Insert(bytes) => Shown::Insert(Bytes::copy_from_slice(bytes)),
            Piece::Copy(range) => Shown::Copy(range.clone()),
        };
        let pieces = rendition.pieces().iter().map(shown).collect();
        Ok(Rendered { pieces, position: 0, blob, size: rendition.size() })
    }
}

impl Rendered {
    /// Size in bytes of the whole.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Goes to a place, counted in bytes from the front.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// The next bytes: at least one unless at the end, at most `max` (and never more than
    /// 256 KiB).
    ///
    /// # Errors
    /// The disk fails, or the blob is shorter than its rendition.
    pub async fn read(&mut self, max: usize) -> Result<Bytes, Error> {
        let max = max.clamp(1, WINDOW_MAX) as u64;
        let mut into = self.position;
        for piece in &self.pieces {
            let size = piece.size();
            if into >= size {
                into -= size;
                continue;
            }
            let end = size.min(into + max);
            let window = match piece {
                Shown::Insert(bytes) => bytes.slice(into as usize..end as usize),
                Shown::Copy(range) => {
                    self.blob.window(range.start + into, (end - into) as usize).await?
                }
            };
            self.position += window.len() as u64;
            return Ok(window);
        }
        Ok(Bytes::new())
    }
}

impl Shown {
    fn size(&self) -> u64 {
        match self {
            Shown::Insert(bytes) => bytes.len() as u64,
            Shown::Copy(range) => range.end.saturating_sub(range.start),
        }
    }
}

impl Blob {
    async fn window(&self, start: u64, len: usize) -> Result<Bytes, Error> {
        match self {
            Blob::Memory(body) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                match start.checked_add(len) {
                    Some(end) if end <= body.len() => Ok(body.slice(start..end)),
                    _ => Err(Error::Corrupt("a body is shorter than its rendition".into())),
                }
            }
            Blob::File(file) => read_window(Arc::clone(file), start, len).await,
        }
    }
}
