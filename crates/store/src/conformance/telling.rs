//! Who was told of what is held: each thing once, whoever is quicker, and each sender once a day;
//! and the token of a message of which parts are held.

use super::site::{Fate, account, address, message};
use super::{Failure, Ground, ensure, same};
use crate::{Acceptance, Actor, Body, Error, Held, HeldFilter, Listener, Store};
use mail::{AccountId, Door, HeldPart, Id, MessageId, Reason, Timestamp};

const BY: Actor<'static> = Actor { door: Door::Smtp, name: "recipient", peer: None };
const DAY: i64 = 86_400_000;
const TEXT: &[u8] = b"a message to be told of";

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let anna = account(&store, "told-anna@example.org").await?;
    digests(&store, anna).await?;
    requests(&store, anna).await?;
    message_tokens(&store, anna).await?;
    senders(&store).await?;
    for held in store.quarantine_list(0, &HeldFilter::default(), 100).await? {
        store.delete_held(held.id, BY).await?;
    }
    // What is held no more is told to nobody.
    for listener in [Listener::Recipient, Listener::Administrator] {
        same!(store.untold_held(listener, 0).await?.len(), 0);
    }
    same!(store.untold_requests().await?.len(), 0);
    same!(store.fsck().await?.problems, Vec::<String>::new());
    store.close().await;
    Ok(())
}

/// A recipient hears of whole messages, the administrator of parts too; each once.
async fn digests(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let whole = ids(&hold_whole(store, anna).await?);
    let parts = ids(&hold_part(store, anna).await?);
    let both = [whole.as_slice(), parts.as_slice()].concat();
    same!(ids(&store.untold_held(Listener::Recipient, 0).await?), whole);
    same!(ids(&store.untold_held(Listener::Administrator, 0).await?), both);

    let digest = notice(store, anna).await?;
    let number = digest.message;
    store.tell_held(Listener::Recipient, &whole, Some(digest)).await?;
    same!(store.untold_held(Listener::Recipient, 0).await?.len(), 0);
    same!(ids(&store.untold_held(Listener::Administrator, 0).await?), both);
    ensure!(store.original(number).await.is_ok(), "the digest is not kept");

    // Another node that was slower tells nothing, not even what only it has.
    let late = notice(store, anna).await?;
    let number = late.message;
    let second = ids(&hold_whole(store, anna).await?);
    let last = second.last().copied().unwrap_or_default();
    same!(store.untold_held(Listener::Recipient, last).await?.len(), 0);
    let all = [whole.as_slice(), second.as_slice()].concat();
    let twice = store.tell_held(Listener::Recipient, &all, Some(late)).await;
    ensure!(matches!(twice, Err(Error::Conflict { .. })), "told twice: {twice:?}");
    ensure!(matches!(store.original(number).await, Err(Error::NotFound(_))), "it is kept");
    same!(ids(&store.untold_held(Listener::Recipient, 0).await?), second);

    store.tell_held(Listener::Recipient, &second, None).await?;
    same!(store.untold_held(Listener::Recipient, 0).await?.len(), 0);
    let untold = ids(&store.untold_held(Listener::Administrator, 0).await?);
    store.tell_held(Listener::Administrator, &untold, None).await?;
    same!(store.untold_held(Listener::Administrator, 0).await?.len(), 0);
    Ok(())
}

/// The administrator hears of each request once.
async fn requests(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let mut asked = Vec::new();
    for _ in 0..2 {
        for held in hold_whole(store, anna).await? {
            store.request_release(held.id, "told-anna@example.org", BY).await?;
            asked.push(held.id);
        }
    }
    let untold = store.untold_requests().await?;
    same!(ids(&untold), asked);
    ensure!(untold.iter().all(|it| it.requested_by == "told-anna@example.org"), "{untold:?}");
    let Some((first, rest)) = asked.split_first() else { return Ok(()) };
    let told = notice(store, anna).await?;
    store.tell_requests(&[*first], Some(told)).await?;
    same!(ids(&store.untold_requests().await?), rest);
    let twice = store.tell_requests(&asked, None).await;
    ensure!(matches!(twice, Err(Error::Conflict { .. })), "told twice: {twice:?}");
    same!(ids(&store.untold_requests().await?), rest);
    store.tell_requests(rest, None).await?;
    // Who asks for it again is not told of again.
    store.request_release(*first, "ben@example.org", BY).await?;
    same!(store.untold_requests().await?.len(), 0);
    Ok(())
}

/// A message's token is for its held parts, until they are asked for.
async fn message_tokens(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let held = hold_part(store, anna).await?;
    let [own, elsewhere] = held.as_slice() else {
        return Err(Failure::Wrong(format!("not two rows: {held:?}")));
    };
    let token = store.message_token(own.message).await?;
    same!(ids(&store.held_by_token(&token).await?), [own.id, elsewhere.id]);
    let (number, hash) = token.split_once('-').unwrap_or_default();
    let bare = token.trim_start_matches('m').to_owned();
    let other = format!("m{}-{hash}", own.message.0 + 1);
    let row = format!("{}-{hash}", own.id);
    let upper = token.to_uppercase();
    let long = format!("{token}0");
    for wrong in [number, "m-", "mm1-2", &bare, &other, &row, &upper, &long] {
        same!(store.held_by_token(wrong).await?.len(), 0);
    }
    ensure!(store.request_held(own, "told-anna@example.org", BY).await?, "not asked for");
    ensure!(!store.request_held(own, "again", BY).await?, "asked for twice");
    same!(ids(&store.held_by_token(&token).await?), [elsewhere.id]);
    let by_link = store.request_by_token(&token, "by link", BY).await?;
    same!(by_link.map(|it| it.id), Some(elsewhere.id));
    same!(store.held_by_token(&token).await?.len(), 0);
    // What is held whole is asked for by its own token alone.
    let whole = hold_whole(store, anna).await?;
    for held in whole {
        let token = store.message_token(held.message).await?;
        same!(store.held_by_token(&token).await?.len(), 0);
    }
    Ok(())
}

/// Once a day, whatever the case of the address; another day again, and days past are forgotten.
async fn senders(store: &Store) -> Result<(), Failure> {
    let (dora, shouted) = (address("dora@far.example")?, address("Dora@FAR.example")?);
    let other = address("fred@far.example")?;
    let day = |n: i64| Timestamp(20_000 * DAY + n * DAY);
    for (sender, at, expected) in [
        (&dora, day(0), true),
        (&dora, day(0), false),
        (&shouted, day(0).plus_millis(DAY - 1), false),
        (&other, day(0), true),
        (&dora, day(1), true),
        (&dora, day(0), false),
        // By now the first days are forgotten.
        (&other, day(10), true),
        (&dora, day(1), true),
    ] {
        let found = store.may_tell_sender(sender, at).await?;
        ensure!(found == expected, "{sender} at {at:?}: {found}");
    }
    Ok(())
}

fn ids(held: &[Held]) -> Vec<Id> {
    held.iter().map(|held| held.id).collect()
}

async fn hold_whole(store: &Store, anna: AccountId) -> Result<Vec<Held>, Failure> {
    hold(store, &[("told-anna@example.org", Fate::Held(&[anna], &[]))], Vec::new()).await
}

async fn hold_part(store: &Store, anna: AccountId) -> Result<Vec<Held>, Failure> {
    let part = HeldPart {
        place: 2..9,
        name: "a.exe".to_owned(),
        media_type: "application/x-dosexec".to_owned(),
        size: 5,
        sha256: "ab".repeat(32),
        reason: Reason::AttachmentProhibited,
        rule: "attachment program".to_owned(),
        detail: String::new(),
    };
    let fates = [
        ("told-anna@example.org", Fate::To(&[anna])),
        ("away@example.org", Fate::On(&["on@far.example"])),
    ];
    hold(store, &fates, vec![part]).await
}

async fn hold(
    store: &Store,
    fates: &[(&str, Fate<'_>)],
    parts: Vec<HeldPart>,
) -> Result<Vec<Held>, Failure> {
    let mut kept = message(store, Body::from_bytes(TEXT)?, fates).await?;
    kept.judgement.held = parts;
    let id: MessageId = kept.message;
    store.accept(kept).await?;
    let of = HeldFilter { message: Some(id), ..HeldFilter::default() };
    Ok(store.quarantine_list(0, &of, 10).await?)
}

/// A message of ours to her.
async fn notice(store: &Store, anna: AccountId) -> Result<Acceptance, Failure> {
    let fates = [("told-anna@example.org", Fate::To(&[anna]))];
    Ok(message(store, Body::from_bytes("notice")?, &fates).await?)
}
