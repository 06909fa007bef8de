//! Bells here and on other nodes.

use crate::database::{insert, with_table};
use mail::MailboxId;
use std::time::Duration;
use store::{Bell, Write};
use store_cluster::Postgres;
use tokio::sync::broadcast::Receiver;

async fn next_mailbox(bells: &mut Receiver<Bell>) -> Option<MailboxId> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        match tokio::time::timeout_at(deadline, bells.recv()).await {
            Ok(Ok(Bell::Mailbox(id))) => return Some(id),
            Ok(Ok(_)) => {}
            _ => return None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_rings_once_here_and_on_the_other_node() {
    let Some((url, one)) = with_table().await else { return };
    let other = Postgres::connect(&url).await.unwrap();
    let (mut here, mut there) = (one.listen(), other.listen());
    // The other node listens soon, but not at once: ring until it hears.
    let mut heard = None;
    for n in 0..200 {
        // Mailboxes that do not exist are locked by nobody.
        let bell = Bell::Mailbox(MailboxId(n));
        if n == 0 {
            migrate(&*one).await;
        }
        one.write(Write::new(vec![insert(n, n)]).ring(bell)).await.unwrap();
        assert_eq!(next_mailbox(&mut here).await, Some(MailboxId(n)));
        let hearing = tokio::time::timeout(Duration::from_millis(50), next_mailbox(&mut there));
        if let Ok(Some(id)) = hearing.await {
            heard = Some(id);
            break;
        }
    }
    assert!(heard.is_some(), "the other node heard nothing");
    // Our own bell does not come back to us from the database.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(here.try_recv().is_err());
}

/// The rows that a mailbox's bell locks are in the store's schema.
async fn migrate(db: &dyn store::Database) {
    db.migrate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_rings_nothing() {
    let Some((_, db)) = with_table().await else { return };
    db.migrate().await.unwrap();
    let mut bells = db.listen();
    let bell = Bell::Mailbox(MailboxId(1));
    db.write(Write::new(vec![insert(1, 1)])).await.unwrap();
    assert!(db.write(Write::new(vec![insert(1, 1)]).ring(bell)).await.is_err());
    db.write(Write::new(vec![insert(2, 2)]).ring(Bell::Mailbox(MailboxId(2)))).await.unwrap();
    assert_eq!(next_mailbox(&mut bells).await, Some(MailboxId(2)));
}
