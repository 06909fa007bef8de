//! The quarantine: in by the accept commit, out by a release, a deletion, or when its time is over;
//! at every step the ledger is whole.

use super::site::{FULL, Fate, HEAD, ONWARD, account, message};
use super::{Failure, Ground, ensure, same};
use crate::{
    Actor, Body, Error, Held, HeldFilter, HeldKind, HeldState, INBOX, Released, RemovedBy,
    Rendered, SpoolChange, SpoolFilter, Store, StoreOptions,
};
use mail::{AccountId, Door, HeldPart, MailboxId, MessageId, Reason};

const BY: Actor<'static> = Actor { door: Door::Admin, name: "administrator", peer: None };
const TEXT: &[u8] = b"a message to be held";

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let anna = account(&store, "held-anna@example.org").await?;
    let ben = account(&store, "held-ben@example.org").await?;
    whole(&store, anna, ben).await?;
    parts(&store, anna).await?;
    tokens(&store, anna).await?;
    same!(store.fsck().await?.problems, Vec::<String>::new());
    store.close().await;
    let store = ground.store().await?;
    expiry(&store, anna).await?;
    same!(store.fsck().await?.problems, Vec::<String>::new());
    store.close().await;
    Ok(())
}

/// One message for several: each is released or deleted by itself, and the last takes the body.
async fn whole(store: &Store, anna: AccountId, ben: AccountId) -> Result<(), Failure> {
    let fates = [
        ("held-anna@example.org", Fate::Held(&[anna], &[])),
        ("both@example.org", Fate::Held(&[anna, ben], &["on@far.example"])),
        ("held-ben@example.org", Fate::Held(&[ben], &[])),
    ];
    let id = keep(store, &fates, Vec::new()).await?;
    let held = all(store, id).await?;
    let shown: Vec<_> = held.iter().map(|it| (it.address.as_str(), it.mailboxes.len())).collect();
    let two = ("both@example.org", 2);
    let others = [("on@far.example", 0), ("held-ben@example.org", 1)];
    same!(shown, [("held-anna@example.org", 1), two, others[0], others[1]]);
    ensure!(held.iter().all(|it| it.kind == HeldKind::Message), "not held as a whole: {held:?}");
    ensure!(held.iter().all(|it| it.reason == Reason::AttachmentProhibited), "{held:?}");
    let [first, both, on, last] = held.as_slice() else { return Ok(()) };
    same!(inbox(store, anna).await?.1.len(), 0);
    same!(read(store.original(id).await?).await?, TEXT);
    same!(store.fsck().await?.problems, Vec::<String>::new());

    released(store, first, anna).await?;
    let placed = store.release(both.id, None, BY).await?;
    ensure!(matches!(&placed, Released::Placed(to) if to.len() == 2), "not to both: {placed:?}");
    same!(inbox(store, anna).await?.1.len(), 2);
    let queued = store.release(on.id, None, BY).await?;
    let Released::Queued(queued) = queued else {
        return Err(Failure::Wrong(format!("not sent on: {queued:?}")));
    };
    let copy = store.spooled(queued).await?;
    same!((copy.recipient.as_str(), copy.destination.as_str()), ("on@far.example", "far.example"));
    same!(copy.sender, "a@example.net");
    same!(copy.size, (ONWARD.len() + TEXT.len()) as u64);
    same!(read(store.onward(id).await?).await?, [ONWARD, TEXT].concat());
    same!(store.fsck().await?.problems, Vec::<String>::new());
    let due = SpoolFilter { message: Some(id), ..SpoolFilter::default() };
    let copies = store.spool_list(0, &due, 10).await?;
    same!(store.change_spool(&copies, SpoolChange::Remove).await?, 1);

    store.delete_held(last.id, BY).await?;
    let gone = store.quarantined(last.id).await?;
    same!((gone.state, gone.state_by.as_str()), (HeldState::Deleted, "administrator"));
    same!(all(store, id).await?, Vec::new());
    same!(store.fsck().await?.problems, Vec::<String>::new());
    for account in [anna, ben] {
        empty(store, account).await?;
    }
    let body = store.original(id).await;
    ensure!(body.is_ok() || matches!(body, Err(Error::NotFound(_))), "{body:?}");
    same!(store.fsck().await?.problems, Vec::<String>::new());
    Ok(())
}

/// A release shows the whole message with our fields, and happens once.
async fn released(store: &Store, held: &Held, owner: AccountId) -> Result<(), Failure> {
    let placed = store.release(held.id, None, BY).await?;
    let (mailbox, entries) = inbox(store, owner).await?;
    same!(placed, Released::Placed(vec![mailbox]));
    same!(entries, [[FULL, TEXT].concat()]);
    let now = store.quarantined(held.id).await?;
    same!((now.state, now.state_by.as_str()), (HeldState::Released, "administrator"));
    for again in [
        store.release(held.id, None, BY).await.map(drop),
        store.delete_held(held.id, BY).await,
        store.request_release(held.id, "anna", BY).await.map(drop),
        store.quarantine_token(held.id).await.map(drop),
    ] {
        ensure!(matches!(again, Err(Error::Invalid(_))), "it is released: {again:?}");
    }
    let missing = store.release(i64::MAX, None, BY).await;
    ensure!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    Ok(())
}

/// A part is held, the rest delivered: a release adds the whole beside it.
async fn parts(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let part = HeldPart {
        place: 2..9,
        name: "invoice.exe".to_owned(),
        media_type: "application/x-dosexec".to_owned(),
        size: 5,
        sha256: "ab".repeat(32),
        reason: Reason::AttachmentProhibited,
        rule: "attachment program".to_owned(),
        detail: "kind=pe".to_owned(),
    };
    let fates = [
        ("held-anna@example.org", Fate::To(&[anna])),
        ("elsewhere@example.org", Fate::On(&["on@far.example"])),
    ];
    let id = keep(store, &fates, vec![part.clone()]).await?;
    same!(inbox(store, anna).await?.1, [[HEAD, TEXT].concat()]);
    same!(store.held_parts(id).await?, [part]);
    let held = all(store, id).await?;
    same!(held.len(), 2);
    ensure!(held.iter().all(|it| it.kind == HeldKind::Part), "held as a whole: {held:?}");
    let [own, elsewhere] = held.as_slice() else { return Ok(()) };
    same!((own.rule.as_str(), own.detail.as_str()), ("attachment program", "kind=pe"));
    // The body outlives the cleaned copy.
    empty(store, anna).await?;
    same!(store.fsck().await?.problems, Vec::<String>::new());
    store.release(own.id, None, BY).await?;
    same!(inbox(store, anna).await?.1, [[FULL, TEXT].concat()]);
    // What was sent on without it can be given to somebody here.
    let nowhere = store.release(elsewhere.id, None, BY).await;
    ensure!(matches!(nowhere, Err(Error::Invalid(_))), "released to nobody: {nowhere:?}");
    store.release(elsewhere.id, Some(anna), BY).await?;
    same!(inbox(store, anna).await?.1.len(), 2);
    same!(store.fsck().await?.problems, Vec::<String>::new());
    let due = SpoolFilter { message: Some(id), ..SpoolFilter::default() };
    let copies = store.spool_list(0, &due, 10).await?;
    same!(store.change_spool(&copies, SpoolChange::Remove).await?, 1);
    empty(store, anna).await
}

/// A token is good once, for its own row alone, and the first who asks is remembered.
async fn tokens(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let fates = [("held-anna@example.org", Fate::Held(&[anna], &[]))];
    let id = keep(store, &fates, Vec::new()).await?;
    let held = all(store, id).await?.pop();
    let held = held.ok_or_else(|| Error::NotFound("what is held".to_owned()))?;
    let token = store.quarantine_token(held.id).await?;
    let found = store.quarantine_by_token(&token).await?;
    same!(found.map(|it| it.id), Some(held.id));
    let (number, hash) = token.split_once('-').unwrap_or_default();
    let long = format!("{token}0");
    let other = format!("{}-{hash}", held.id - 1);
    let short = token.get(..token.len() - 1).unwrap_or_default();
    for wrong in ["", "-", "1-2", "x-y", number, &long, short, &other] {
        let found = store.quarantine_by_token(wrong).await?;
        ensure!(found.is_none(), "{wrong:?} is taken: {found:?}");
    }
    let asked = store.request_by_token(&token, "held-anna@example.org", BY).await?;
    same!(asked.map(|it| it.requested_by), Some("held-anna@example.org".to_owned()));
    same!(store.request_by_token(&token, "again", BY).await?, None);
    let next = store.quarantine_token(held.id).await?;
    ensure!(next != token, "a token is good twice");
    let asked = store.request_release(held.id, "ben", BY).await?;
    same!(asked.requested_by, "held-anna@example.org");
    let requested = HeldFilter { requested: true, ..HeldFilter::default() };
    same!(store.quarantine_list(0, &requested, 10).await?.len(), 1);
    let mine = HeldFilter { address: "HELD-Anna@example.org".to_owned(), ..HeldFilter::default() };
    same!(store.quarantine_list(0, &mine, 10).await?.len(), 1);
    let ours = HeldFilter { reason: Some(Reason::VirusFound), ..HeldFilter::default() };
    same!(store.quarantine_list(0, &ours, 10).await?.len(), 0);
    Ok(())
}

/// Expires what is too much until so many bytes are left. The store's own housekeeper may do the
/// same at this moment: whoever comes second finds it changed, or done.
async fn shrink(store: &Store, bytes: u64) -> Result<(), Failure> {
    for _ in 0..10 {
        if store.quarantine_size().await? <= bytes {
            break;
        }
        match store.expire_held(store.clock.now()).await {
            Ok(_) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    same!(store.quarantine_size().await?, bytes);
    Ok(())
}

/// What is too much goes, the oldest first, and only so much of it as has to; what is too old goes.
async fn expiry(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let fates = [("held-anna@example.org", Fate::Held(&[anna], &[]))];
    let second = keep(store, &fates, Vec::new()).await?;
    let two = 2 * TEXT.len() as u64;
    same!(store.quarantine_size().await?, two);
    let options = |quarantine_days, quarantine_bytes| StoreOptions {
        disk_free_min_bytes: 0,
        disk_free_min_percent: 0,
        quarantine_days,
        quarantine_bytes,
        ..StoreOptions::default()
    };
    let now = store.clock.now();
    store.set_options(&options(1, two)).await;
    ensure!(!store.expire_held(now).await?, "something fitting is gone");
    store.set_options(&options(1, two - 1)).await;
    shrink(store, TEXT.len() as u64).await?;
    let left = store.quarantine_list(0, &HeldFilter::default(), 10).await?;
    same!(left.iter().map(|it| it.message).collect::<Vec<_>>(), [second]);
    let all = HeldFilter { settled: true, ..HeldFilter::default() };
    let all = store.quarantine_list(0, &all, 100).await?;
    let expired: Vec<_> = all.iter().filter(|it| it.state == HeldState::Expired).collect();
    same!(expired.iter().map(|it| it.state_by.as_str()).collect::<Vec<_>>(), ["size limit"]);
    same!(store.fsck().await?.problems, Vec::<String>::new());

    let later = now.plus_millis(25 * 3_600_000);
    store.set_options(&options(0, two)).await;
    ensure!(!store.expire_held(later).await?, "what is held for ever is gone");
    store.set_options(&options(1, two)).await;
    ensure!(store.expire_held(later).await?, "nothing is too old");
    ensure!(!store.expire_held(later).await?, "there is more");
    same!(store.quarantine_size().await?, 0);
    let before = all.len();
    let mut after = Some(0);
    while let Some(id) = after {
        after = store.forget_settled(later, id).await?;
    }
    let rest = HeldFilter { settled: true, ..HeldFilter::default() };
    let rest = store.quarantine_list(0, &rest, 100).await?.len();
    ensure!(before > 1 && rest == 0, "{rest} of {before} are not forgotten");
    Ok(())
}

async fn keep(
    store: &Store,
    fates: &[(&str, Fate<'_>)],
    held: Vec<HeldPart>,
) -> Result<MessageId, Failure> {
    let mut kept = message(store, Body::from_bytes(TEXT)?, fates).await?;
    kept.judgement.held = held;
    let id = kept.message;
    store.accept(kept).await?;
    Ok(id)
}

async fn all(store: &Store, id: MessageId) -> Result<Vec<Held>, Error> {
    let of = HeldFilter { message: Some(id), ..HeldFilter::default() };
    store.quarantine_list(0, &of, 10).await
}

/// The INBOX of an account, and all that it shows.
async fn inbox(store: &Store, account: AccountId) -> Result<(MailboxId, Vec<Vec<u8>>), Error> {
    let mailboxes = store.mailboxes(account).await?;
    let inbox = mailboxes.into_iter().find(|mailbox| mailbox.name == INBOX);
    let inbox = inbox.ok_or_else(|| Error::NotFound("INBOX".to_owned()))?;
    let mut shown = Vec::new();
    for entry in store.entries(inbox.id).await? {
        let whole = read(store.rendition(&entry).await?).await?;
        if entry.size != whole.len() as u64 {
            return Err(Error::Corrupt(format!("{entry:?} has another size: {}", whole.len())));
        }
        shown.push(whole);
    }
    Ok((inbox.id, shown))
}

async fn empty(store: &Store, account: AccountId) -> Result<(), Failure> {
    let (inbox, _) = inbox(store, account).await?;
    let entries: Vec<_> = store.entries(inbox).await?.iter().map(|entry| entry.id).collect();
    store.remove(inbox, &entries, RemovedBy::Owner).await?;
    Ok(())
}

async fn read(mut rendered: Rendered) -> Result<Vec<u8>, Error> {
    let mut whole = Vec::new();
    loop {
        let window = rendered.read(7).await?;
        if window.is_empty() {
            return Ok(whole);
        }
        whole.extend_from_slice(&window);
    }
}
