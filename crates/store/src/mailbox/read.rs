//! Reads what an entry shows, window by window, never whole.

use super::Entry;
use crate::columns::Columns;
use crate::incoming::{WINDOW_MAX, blocking, read_window};
use crate::{Error, Store};
use bytes::Bytes;
use mail::{Piece, Rendition};
use std::fs::File;
use std::sync::Arc;

/// `message.body_place`: there is no body (any more).
pub(crate) const PLACE_NOWHERE: i64 = 0;
/// `message.body_place`: in the row itself.
pub(crate) const PLACE_ROW: i64 = 1;
/// `message.body_place`: a file among the blobs.
pub(crate) const PLACE_FILE: i64 = 2;

/// A message as an entry shows it, read from the front.
///
/// Goes on working when the entry is removed meanwhile.
#[derive(Debug)]
pub struct Rendered {
    pieces: std::vec::IntoIter<Piece>,
    current: Option<Piece>,
    blob: Blob,
    size: u64,
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
        let sql = "SELECT body_place, rendition, body FROM message WHERE id = $1";
        let row = self.db.read(sql, vec![id.0.into()]).await?.pop();
        let gone = || Error::NotFound(format!("message {id} any more"));
        let mut row = Columns::of(row.ok_or_else(gone)?);
        let place = row.int()?;
        let pieces = row.bytes_or_null()?;
        let body = row.bytes_or_null()?;
        let rendition = pieces
            .and_then(|bytes| Rendition::decode(&bytes))
            .ok_or_else(|| Error::Corrupt(format!("message {id} has no readable rendition")))?;
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
        let size = rendition.size();
        let pieces = rendition.pieces().to_vec().into_iter();
        Ok(Rendered { pieces, current: None, blob, size })
    }
}

impl Rendered {
    /// Size in bytes of the whole.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes: at least one unless at the end, at most `max` (and never more than
    /// 256 KiB).
    ///
    /// # Errors
    /// The disk fails, or the blob is shorter than its rendition.
    pub async fn read(&mut self, max: usize) -> Result<Bytes, Error> {
        let max = max.clamp(1, WINDOW_MAX);
        let Some(piece) = self.current.take().or_else(|| self.pieces.next()) else {
            return Ok(Bytes::new());
        };
        match piece {
            Piece::Insert(mut bytes) => {
                if bytes.len() > max {
                    let rest = bytes.split_off(max);
                    self.current = Some(Piece::Insert(rest));
                }
                Ok(bytes.into())
            }
            Piece::Copy(range) => {
                let end = range.end.min(range.start.saturating_add(max as u64));
                if end < range.end {
                    self.current = Some(Piece::Copy(end..range.end));
                }
                self.copy(range.start, end).await
            }
        }
    }

    /// Passes over the next `bytes`, without reading them.
    pub fn skip(&mut self, mut bytes: u64) {
        while bytes > 0 {
            let Some(piece) = self.current.take().or_else(|| self.pieces.next()) else { return };
            match piece {
                Piece::Insert(mut text) => {
                    let cut = usize::try_from(bytes).unwrap_or(usize::MAX).min(text.len());
                    bytes -= cut as u64;
                    let rest = text.split_off(cut);
                    self.current = (!rest.is_empty()).then_some(Piece::Insert(rest));
                }
                Piece::Copy(range) => {
                    let cut = bytes.min(range.end.saturating_sub(range.start));
                    bytes -= cut;
                    let rest = range.start + cut..range.end;
                    self.current = (!rest.is_empty()).then_some(Piece::Copy(rest));
                }
            }
        }
    }

    async fn copy(&self, start: u64, end: u64) -> Result<Bytes, Error> {
        match &self.blob {
            Blob::Memory(body) => {
                let (start, end) = (start as usize, end as usize);
                if end > body.len() {
                    return Err(Error::Corrupt("a body is shorter than its rendition".into()));
                }
                Ok(body.slice(start..end))
            }
            Blob::File(file) => read_window(Arc::clone(file), start, (end - start) as usize).await,
        }
    }
}
