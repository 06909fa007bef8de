//! `fsck` is content with all that the suite did, and finds what is broken on purpose.

use super::site::{account, deliver, domain};
use super::{Failure, Ground, ensure, same};
use crate::database::{Expect, Write};
use crate::{Store, Value};
use mail::MessageId;

/// What the suite did so far left nothing wrong.
pub(super) async fn is_clean(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let report = store.fsck().await?;
    same!(report.problems, Vec::<String>::new());
    let counted = |what: &str| report.counted.iter().find(|(name, _)| name == what);
    ensure!(
        counted("recipients").is_some_and(|(_, n)| *n > 250),
        "looked at too little: {report:?}"
    );
    ensure!(
        counted("trace_rows").is_some_and(|(_, n)| *n > 500),
        "looked at too little: {report:?}"
    );
    store.close().await;
    Ok(())
}

/// What is broken is found.
pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    same!(store.fsck().await?.problems, Vec::<String>::new());
    domain(&store, "example.org").await?;
    let to = account(&store, "broken@example.org").await?;
    let mut messages = Vec::new();
    for n in 0..9 {
        messages.push(deliver(&store, to, &format!("message {n}")).await?);
    }
    let damages: [(&'static str, &str); 9] = [
        ("DELETE FROM entry WHERE message = $1", "is nowhere"),
        ("UPDATE recipient SET entries = '' WHERE message = $1", "is in no place"),
        ("DELETE FROM recipient WHERE message = $1", "lost recipients"),
        ("UPDATE message SET body = NULL WHERE id = $1", "the body of message"),
        ("UPDATE message SET entries = 5 WHERE id = $1", "counts 5 entries"),
        ("UPDATE entry SET size = size + 1 WHERE message = $1", "counts"),
        (
            "UPDATE recipient SET state = 'quarantined', entries = '' WHERE message = $1",
            "in the quarantine by one account alone",
        ),
        ("DELETE FROM message WHERE id = $1", "was acknowledged"),
        // Of now: what was removed long ago is forgotten while fsck looks.
        (
            "INSERT INTO expunged (mailbox, uid, entry, modseq, message, at, why) \
             SELECT e.mailbox, e.uid + 1000, e.id, e.modseq, e.message, m.received_at, 'owner' \
             FROM entry e JOIN message m ON m.id = e.message WHERE m.id = $1",
            "would use UID",
        ),
    ];
    for ((sql, _), message) in damages.iter().zip(&messages) {
        break_it(&store, sql, *message).await?;
    }
    let problems = store.fsck().await?.problems.join("\n");
    for ((sql, sign), message) in damages.iter().zip(&messages) {
        ensure!(problems.contains(sign), "{sql} of {message} is not found in:\n{problems}");
    }
    store.close().await;
    Ok(())
}

async fn break_it(store: &Store, sql: &'static str, message: MessageId) -> Result<(), Failure> {
    let mut write = Write::default();
    write.push(sql, vec![Value::Int(message.0)], Expect::AtLeast(1));
    store.db.write(write).await?;
    Ok(())
}
