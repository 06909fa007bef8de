//! The accept commit: all of it or nothing, one entry a mailbox, bodies of every size.

use super::site::{Fate, HEAD, account, deliver, domain, message};
use super::{Failure, Ground, ensure, same};
use crate::incoming::INLINE_MAX;
use crate::{Body, Error, Store};
use bytes::Bytes;
use mail::{AccountId, Verdict};
use std::sync::Arc;

const MAX: u64 = INLINE_MAX as u64;
/// Sizes of bodies around the change of place, and far from it.
const SIZES: [u64; 7] = [0, 1, 70_001, MAX - 1, MAX, MAX + 1, 1_000_003];

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    domain(&store, "example.org").await?;
    bodies(&store).await?;
    many_recipients(&store).await?;
    contradictions(&store).await?;
    many_writers(&store).await?;
    store.close().await;
    Ok(())
}

fn pattern(size: u64) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

async fn received(store: &Arc<Store>, bytes: &[u8]) -> Result<Body, Error> {
    let mut incoming = store.incoming();
    for chunk in bytes.chunks(8_000) {
        incoming.write(chunk).await?;
    }
    incoming.seal().await
}

async fn shown(store: &Arc<Store>, account: AccountId) -> Result<Vec<Vec<u8>>, Error> {
    let mailboxes = store.mailboxes(account).await?;
    let mut all = Vec::new();
    let Some(inbox) = mailboxes.first() else { return Ok(all) };
    for entry in store.entries(inbox.id).await? {
        let mut rendered = store.rendition(&entry).await?;
        let mut whole = Vec::new();
        loop {
            let window = rendered.read(50_000).await?;
            if window.is_empty() {
                break;
            }
            whole.extend_from_slice(&window);
        }
        if whole.len() as u64 != entry.size || entry.size != rendered.size() {
            return Err(Error::Corrupt(format!("{} bytes of {}", whole.len(), entry.size)));
        }
        all.push(whole);
    }
    Ok(all)
}

async fn bodies(store: &Arc<Store>) -> Result<(), Failure> {
    let to = account(store, "bodies@example.org").await?;
    let mut expected = Vec::new();
    for size in SIZES {
        let bytes = pattern(size);
        let body = received(store, &bytes).await?;
        same!(body.size(), size);
        let middle = body.read(size / 2..size, 100).await?;
        let from = (size / 2) as usize;
        same!(Some(&middle[..]), bytes.get(from..(from + 100).min(bytes.len())));
        let fates = [("bodies@example.org", Fate::To(&[to]))];
        store.accept(message(store, body, &fates).await?).await?;
        expected.push([HEAD, &bytes].concat());
    }
    let found = shown(store, to).await?;
    for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
        ensure!(found == expected, "message {n} is not shown as it was received");
    }
    same!(found.len(), expected.len());
    let total: usize = expected.iter().map(Vec::len).sum();
    same!(store.usage(to).await?, total as u64);
    Ok(())
}

async fn many_recipients(store: &Arc<Store>) -> Result<(), Failure> {
    let mut accounts = Vec::new();
    for n in 0..50 {
        accounts.push(account(store, &format!("to{n}@example.org")).await?);
    }
    let names: Vec<String> = (0..50).map(|n| format!("to{n}@example.org")).collect();
    let each: Vec<[AccountId; 1]> = accounts.iter().map(|account| [*account]).collect();
    let mut fates: Vec<(&str, Fate<'_>)> =
        names.iter().zip(&each).map(|(name, to)| (name.as_str(), Fate::To(to))).collect();
    // An alias that leads to all of them, and one recipient that a rule discards.
    fates.push(("all@example.org", Fate::To(&accounts)));
    fates.push(("nobody@example.org", Fate::Discarded("access To:nobody@example.org")));
    let body = Body::from_bytes("to many")?;
    store.accept(message(store, body, &fates).await?).await?;
    for account in &accounts {
        let found = shown(store, *account).await?;
        same!(found, [[HEAD, b"to many"].concat()]);
    }
    let fates = [("nobody@example.org", Fate::Discarded("access To:nobody@example.org"))];
    let nowhere = message(store, Body::from_bytes("to no one")?, &fates).await?;
    store.accept(nowhere).await?;
    Ok(())
}

/// What contradicts itself or the store is not kept, and nothing of it.
async fn contradictions(store: &Arc<Store>) -> Result<(), Failure> {
    let to = account(store, "gone@example.org").await?;
    let stays = account(store, "stays@example.org").await?;
    let fates = [("gone@example.org", Fate::To(&[to])), ("stays@example.org", Fate::To(&[stays]))];
    let large = Bytes::from(pattern(MAX + 1));
    let late = message(store, received(store, &large).await?, &fates).await?;
    let (id, mut refused) = (late.message, message(store, Body::from_bytes("x")?, &fates).await?);
    store.remove_account(to).await?;
    let result = store.accept(late).await;
    ensure!(matches!(result, Err(Error::Conflict { .. })), "a mailbox has ended: {result:?}");
    same!(shown(store, stays).await?.len(), 0);
    ensure!(!store.folder.blob(id.0).exists(), "the body of a refused message is left over");

    let mut elsewhere = message(
        store,
        received(store, &large).await?,
        &[("stays@example.org", Fate::To(&[stays]))],
    )
    .await?;
    elsewhere.message.0 += 1;
    let result = store.accept(elsewhere).await;
    ensure!(matches!(result, Err(Error::Invalid(_))), "a file with another number: {result:?}");

    let refusal = mail::Refusal::new(mail::Reason::SubjectProhibited);
    refused.judgement.verdicts =
        vec![Verdict::Refuse(refusal), Verdict::Deliver(Vec::new(), Vec::new())];
    let result = store.accept(refused).await;
    ensure!(matches!(result, Err(Error::Invalid(_))), "a refused recipient: {result:?}");
    deliver(store, stays, "after it").await?;
    same!(shown(store, stays).await?.len(), 1);
    Ok(())
}

async fn many_writers(store: &Arc<Store>) -> Result<(), Failure> {
    const WRITERS: usize = 20;
    const EACH: usize = 10;
    let to = account(store, "busy@example.org").await?;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(store);
        writers.spawn(async move {
            for n in 0..EACH {
                deliver(&store, to, &format!("{writer} {n}")).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done.map_err(|e| Failure::Wrong(e.to_string()))??;
    }
    let mailboxes = store.mailboxes(to).await?;
    let Some(inbox) = mailboxes.first() else { return Ok(()) };
    let entries = store.entries(inbox.id).await?;
    let uids: Vec<i64> = entries.iter().map(|entry| entry.uid).collect();
    let expected: Vec<i64> = (1..=(WRITERS * EACH) as i64).collect();
    same!(uids, expected);
    same!((inbox.uid_next, inbox.messages), (201, 200));
    ensure!(entries.iter().all(|entry| entry.modseq > 1), "an entry has no mod-sequence");
    Ok(())
}
