//! The mailbox of a session, as the store has it.

use crate::machine::Item;
use crate::sessions::Hold;
use bytes::Bytes;
use mail::{AccountId, EntryId, MailboxId};
use store::{Error, RemovedBy, Rendered, Store};

/// Entries read from the store at once.
const PAGE: usize = 5_000;
/// Messages that one session shows, the oldest first; the others follow when some of these are
/// removed. 24 bytes each.
const MESSAGES_MAX: usize = 1_000_000;
/// Bytes of a message in memory at once.
const WINDOW: usize = 64 * 1024;

/// An account's INBOX, held by this session.
pub(super) struct Opened {
    pub(super) hold: Hold,
    inbox: MailboxId,
}

/// A message that is being sent.
pub(super) struct Fetching {
    rendered: Rendered,
    /// Bytes that have not been read: less than was promised is a fault, not an end.
    left: u64,
}

impl Opened {
    /// Looks at what is in the INBOX now.
    pub(super) async fn look(
        store: &Store,
        account: Option<AccountId>,
        hold: Hold,
    ) -> Result<(Self, Vec<Item>), Error> {
        let directory = store.directory();
        let inbox = account
            .and_then(|account| directory.account(account))
            .map(|account| account.inbox)
            .ok_or_else(|| Error::NotFound("such account any more".to_owned()))?;
        let mut items: Vec<Item> = Vec::new();
        while items.len() < MESSAGES_MAX {
            let after = items.last().map_or(0, |item| item.uid);
            let page = store.entries_after(inbox, after, PAGE).await?;
            let last = page.len() < PAGE;
            items.extend(page.into_iter().map(|e| Item { id: e.id, uid: e.uid, size: e.size }));
            if last {
                break;
            }
        }
        Ok((Self { hold, inbox }, items))
    }

    /// Opens a message; `None` if somebody removed or moved it meanwhile.
    pub(super) async fn fetch(&self, store: &Store, item: Item) -> Result<Option<Fetching>, Error> {
        let found = store.entries_after(self.inbox, item.uid - 1, 1).await?;
        let Some(entry) = found.into_iter().find(|entry| entry.id == item.id) else {
            return Ok(None);
        };
        match store.rendition(&entry).await {
            Ok(rendered) => Ok(Some(Fetching { left: rendered.size(), rendered })),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes messages, for good.
    pub(super) async fn remove(&self, store: &Store, entries: &[EntryId]) -> Result<u64, Error> {
        store.remove(self.inbox, entries, RemovedBy::Owner).await
    }
}

impl Fetching {
    /// The next bytes; none at the end.
    pub(super) async fn read(&mut self) -> Result<Bytes, Error> {
        let bytes = self.rendered.read(WINDOW).await?;
        if bytes.is_empty() && self.left > 0 {
            return Err(Error::Corrupt(format!("a message ends {} bytes early", self.left)));
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Ok(bytes)
    }
}
