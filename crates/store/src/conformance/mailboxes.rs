//! Mailboxes: UIDs that are never used twice, entries that are removed and moved.

use super::site::{account, deliver, domain};
use super::{Failure, Ground, ensure, same};
use crate::{Bell, Error, Mailbox, RemovedBy, Store};
use mail::{AccountId, EntryId, MailboxId};

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    domain(&store, "example.org").await?;
    let owner = account(&store, "owner@example.org").await?;
    let removed = removing(&store, owner).await?;
    moving(&store, owner).await?;
    names(&store, owner).await?;
    store.close().await;
    let store = ground.store().await?;
    deliver(&store, owner, "after a new start").await?;
    let inbox = find(&store, owner, "INBOX").await?;
    let entries = store.entries(inbox.id).await?;
    let last = entries.last().map(|entry| (entry.uid, entry.id));
    ensure!(
        last.is_some_and(|(uid, id)| uid > removed.0 && id > removed.1),
        "a UID or an id is used again after a new start: {last:?}"
    );
    store.close().await;
    Ok(())
}

async fn find(store: &Store, owner: AccountId, name: &str) -> Result<Mailbox, Error> {
    let mut all = store.mailboxes(owner).await?;
    all.retain(|mailbox| mailbox.name == name);
    all.pop().ok_or_else(|| Error::NotFound(format!("mailbox {name}")))
}

async fn uids(store: &Store, mailbox: MailboxId) -> Result<Vec<i64>, Error> {
    Ok(store.entries(mailbox).await?.iter().map(|entry| entry.uid).collect())
}

/// Answers the highest UID and entry id that were removed.
async fn removing(store: &Store, owner: AccountId) -> Result<(i64, EntryId), Failure> {
    for n in 0..5 {
        deliver(store, owner, &format!("message {n}")).await?;
    }
    let inbox = find(store, owner, "INBOX").await?;
    let entries = store.entries(inbox.id).await?;
    same!(uids(store, inbox.id).await?, [1, 2, 3, 4, 5]);
    let wanted: Vec<EntryId> = entries.iter().skip(3).map(|entry| entry.id).collect();
    let mut bell = store.bell();
    same!(store.remove(inbox.id, &wanted, RemovedBy::Owner).await?, 2);
    ensure!(
        std::iter::from_fn(|| bell.try_recv().ok()).any(|b| b == Bell::Mailbox(inbox.id))
            || store.db.engine() != "sqlite",
        "the bell did not ring for the mailbox"
    );
    same!(store.remove(inbox.id, &wanted, RemovedBy::Owner).await?, 0);
    same!(uids(store, inbox.id).await?, [1, 2, 3]);
    let after = find(store, owner, "INBOX").await?;
    same!((after.messages, after.uid_next), (3, 6));
    ensure!(after.modseq > inbox.modseq, "a removal leaves the mod-sequence as it was");
    ensure!(after.size < inbox.size, "a removal leaves the size as it was");
    deliver(store, owner, "the next").await?;
    same!(uids(store, inbox.id).await?, [1, 2, 3, 6]);
    while store.collect_garbage().await? {}
    if let Some(entry) = entries.last() {
        let gone = store.rendition(entry).await.map(drop);
        ensure!(matches!(gone, Err(Error::NotFound(_))), "a removed message is shown: {gone:?}");
        return Ok((6, entry.id));
    }
    Err(Failure::Wrong("there were no entries".to_owned()))
}

async fn moving(store: &Store, owner: AccountId) -> Result<(), Failure> {
    let inbox = find(store, owner, "INBOX").await?;
    let trash = find(store, owner, "Trash").await?;
    let entries = store.entries(inbox.id).await?;
    let wanted: Vec<EntryId> = entries.iter().take(2).map(|entry| entry.id).collect();
    same!(store.move_entries(inbox.id, trash.id, &wanted).await?, 2);
    let moved = store.entries(trash.id).await?;
    let found: Vec<_> = moved.iter().map(|entry| (entry.uid, entry.id)).collect();
    let expected: Vec<_> = wanted.iter().zip(1..).map(|(id, uid)| (uid, *id)).collect();
    same!(found, expected);
    same!(uids(store, inbox.id).await?, [3, 6]);
    let (after, target) = (find(store, owner, "INBOX").await?, find(store, owner, "Trash").await?);
    same!((after.messages, target.messages), (2, 2));
    same!(after.size + target.size, inbox.size);
    // And back: a new UID, the same id.
    same!(store.move_entries(trash.id, inbox.id, &wanted).await?, 2);
    same!(uids(store, inbox.id).await?, [3, 6, 7, 8]);
    let other = account(store, "other@example.org").await?;
    let foreign = find(store, other, "INBOX").await?;
    let stolen = store.move_entries(inbox.id, foreign.id, &wanted).await;
    ensure!(matches!(stolen, Err(Error::Invalid(_))), "moved to another account: {stolen:?}");
    for entry in store.entries(inbox.id).await? {
        let mut rendered = store.rendition(&entry).await?;
        rendered.seek(entry.size - 2);
        same!(rendered.read(100).await?.len(), 2);
    }
    Ok(())
}

async fn names(store: &Store, owner: AccountId) -> Result<(), Failure> {
    let made = store.create_mailbox(owner, "Projects/Gatepost").await?;
    same!(store.mailbox(made).await?.name, "Projects/Gatepost");
    for taken in ["Projects/Gatepost", "inbox", "Trash"] {
        let twice = store.create_mailbox(owner, taken).await;
        ensure!(matches!(twice, Err(Error::Exists(_))), "{taken} twice: {twice:?}");
    }
    for bad in ["", "/", "a//b", "a\n"] {
        let wrong = store.create_mailbox(owner, bad).await;
        ensure!(matches!(wrong, Err(Error::Invalid(_))), "{bad:?} is a name: {wrong:?}");
    }
    Ok(())
}
