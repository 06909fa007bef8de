//! Files of bodies: swept at the start, collected when nothing shows them any more.

use crate::columns::Columns;
use crate::database::{Expect, Write};
use crate::incoming::blocking;
use crate::mailbox::PLACE_FILE;
use crate::{Error, Store};
use std::io::ErrorKind;
use std::path::PathBuf;

/// Bodies that one write frees.
const BODIES_AT_ONCE: i64 = 100;

impl Store {
    /// Frees some bodies that no entry shows any more; `true` if more are left.
    ///
    /// First the row lets go of its file, then the file goes: a crash between leaves a file that
    /// the next start sweeps, never a row without its file.
    pub(crate) async fn collect_garbage(&self) -> Result<bool, Error> {
        // A file is collected by the node that has it.
        let sql = "SELECT g.message, m.body_place FROM garbage g \
                   JOIN message m ON m.id = g.message \
                   WHERE g.collected = 0 AND (m.body_place <> $1 OR m.node = $2) \
                   ORDER BY g.message LIMIT $3";
        let params = vec![PLACE_FILE.into(), self.node.into(), BODIES_AT_ONCE.into()];
        let rows = self.db.read(sql, params).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let more = rows.len() as i64 == BODIES_AT_ONCE;
        let mut write = Write::default();
        let mut files = Vec::new();
        for row in rows {
            let mut row = Columns::of(row);
            let message = row.int()?;
            if row.int()? == PLACE_FILE {
                files.push(message);
            }
            write.push(
                "UPDATE message SET body_place = 0, body = NULL, rendition = NULL \
                 WHERE id = $1 AND entries = 0",
                vec![message.into()],
                Expect::Rows(1),
            );
            write.push(
                "UPDATE garbage SET collected = 1 WHERE message = $1",
                vec![message.into()],
                Expect::Rows(1),
            );
        }
        self.db.write(write).await?;
        for message in files {
            self.remove_blob(message).await;
        }
        Ok(more)
    }

    /// Removes the file of a message that nothing refers to.
    pub(crate) async fn remove_blob(&self, message: i64) {
        let path = self.folder.blob(message);
        match blocking(move || std::fs::remove_file(path)).await {
            Ok(Err(error)) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(message, %error, "a body that nobody needs cannot be removed");
            }
            _ => {}
        }
    }

    /// Removes the files of one folder that no message refers to and that an earlier process left
    /// there. Those of this process may be still received, or on their way into a commit.
    pub(crate) async fn sweep_blobs(&self, folder: PathBuf) -> Result<(), Error> {
        for message in blocking(move || names(folder)).await?? {
            if message >= self.first_id {
                continue;
            }
            let sql = "SELECT body_place FROM message WHERE id = $1";
            let row = self.db.read(sql, vec![message.into()]).await?.pop();
            let place = row.map(|row| Columns::of(row).int()).transpose()?;
            if place != Some(PLACE_FILE) {
                tracing::info!(message, "a body that no message refers to is removed");
                self.remove_blob(message).await;
            }
        }
        Ok(())
    }
}

/// The message numbers that the files of a folder are named by.
fn names(folder: PathBuf) -> Result<Vec<i64>, Error> {
    let failed = |e: &std::io::Error| Error::io(&format!("cannot list {}", folder.display()), e);
    let mut numbers = Vec::new();
    for file in std::fs::read_dir(&folder).map_err(|e| failed(&e))? {
        let name = file.map_err(|e| failed(&e))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<i64>().ok()));
    }
    Ok(numbers)
}
