//! The trace: kept with the mail, found by what it is about, in pages, before and after indexing.

use super::site::{account, deliver, domain, row};
use super::{Failure, Ground, ensure, same};
use crate::{About, Error, Store, TraceQuery};
use mail::{AccountId, Event, MessageId, Reason, SessionId, Timestamp, TraceRow};

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    domain(&store, "example.org").await?;
    let to = account(&store, "traced@example.org").await?;
    kept_and_noted(&store, to).await?;
    pages(&store).await?;
    bounds(&store).await?;
    forgetting(&store).await?;
    counting(&store).await?;
    store.close().await;
    Ok(())
}

fn refusal(peer: &str, recipient: &str) -> TraceRow {
    TraceRow {
        event: Event::Recipient,
        message: None,
        peer: peer.to_owned(),
        reply: 550,
        reason: Reason::UnknownRecipient,
        ..row(Event::Recipient, MessageId(0), SessionId(77), recipient)
    }
}

async fn events(store: &Store, about: About) -> Result<Vec<Event>, Error> {
    let rows = store.trace(TraceQuery::about(about)).await?;
    Ok(rows.iter().map(|row| row.event).collect())
}

async fn kept_and_noted(store: &Store, to: AccountId) -> Result<(), Failure> {
    let before = store.trace_position().await?;
    let message = deliver(store, to, "traced").await?;
    store.note(refusal("198.51.100.7", "Nobody@example.org"));
    let rows = store.trace_since(before).await?;
    let found: Vec<Event> = rows.iter().map(|row| row.event).collect();
    let mut sorted = found.clone();
    sorted.sort_by_key(|event| event.word());
    same!(sorted, [Event::Delivered, Event::Message, Event::Recipient]);
    let noted = rows.iter().find(|row| row.event == Event::Recipient);
    same!(noted, Some(&refusal("198.51.100.7", "Nobody@example.org")));
    // First from the tail alone, then from the index alone, with the same result.
    for indexed in [false, true] {
        if indexed {
            while store.index_trace().await? {}
        }
        let kept = [Event::Message, Event::Delivered];
        same!(events(store, About::Message(message)).await?, kept);
        let address = About::Address("TRACED@example.org".to_owned());
        same!(events(store, address).await?, [Event::Delivered]);
        let nobody = About::Address("nobody@example.org".to_owned());
        ensure!(
            events(store, nobody).await?.contains(&Event::Recipient),
            "a refused recipient is not found (indexed: {indexed})"
        );
        ensure!(
            events(store, About::Session(SessionId(77))).await?.contains(&Event::Recipient),
            "a session is not found (indexed: {indexed})"
        );
    }
    Ok(())
}

async fn pages(store: &Store) -> Result<(), Failure> {
    for n in 0..25 {
        let peer = format!("203.0.{n}.1");
        store.note(TraceRow { reply: 550 + n, ..refusal(&peer, "paged@example.org") });
        if n == 12 {
            // Half of them in the index, half in the tail.
            store.trace_position().await?;
            while store.index_trace().await? {}
        }
    }
    let mut query = TraceQuery::address("paged@example.org").limit(7);
    let mut found = Vec::new();
    loop {
        let page = store.trace_page(query.clone()).await?;
        ensure!(page.rows.len() <= 7, "a page of {} rows", page.rows.len());
        let replies: Vec<u16> = page.rows.iter().map(|row| row.reply).collect();
        // The newest page comes first; on it the newest row is the last.
        found.splice(0..0, replies);
        match page.next {
            Some(next) => query = query.before(next),
            None => break,
        }
    }
    let expected: Vec<u16> = (550..575).collect();
    same!(found, expected);
    for about in [About::Everything, About::Session(SessionId(77))] {
        let page = store.trace_page(TraceQuery::about(about).limit(2)).await?;
        let newest: Vec<u16> = page.rows.iter().map(|row| row.reply).collect();
        same!(newest, [573, 574]);
        ensure!(page.next.is_some(), "older rows are not told of");
    }
    // A page that ends with the very first row has no other behind it.
    let all = store.trace_page(TraceQuery::address("paged@example.org").limit(25)).await?;
    same!((all.rows.len(), all.next), (25, None));
    Ok(())
}

async fn bounds(store: &Store) -> Result<(), Failure> {
    let before = store.trace_position().await?;
    let long = TraceRow {
        sender: "s\0ä".repeat(400),
        detail: "d".repeat(5_000),
        ..refusal("198.51.100.8", "long@example.org")
    };
    store.note(long);
    let rows = store.trace_since(before).await?;
    same!(rows.len(), 1);
    ensure!(
        rows.iter().all(|row| row.sender.len() <= 600 && row.detail.len() == 1_000),
        "texts of the trace are not bounded"
    );
    // Beyond a hundred a minute from one network they are counted.
    let before = store.trace_position().await?;
    for n in 0..130 {
        store.note(refusal(&format!("198.51.77.{n}"), "flood@example.org"));
    }
    same!(store.trace_since(before).await?.len(), 100);
    Ok(())
}

/// What was counted is told, newest first, and forgotten when its time is over.
async fn counting(store: &Store) -> Result<(), Failure> {
    let minute = |number: i64| Timestamp(number * 60_000);
    let told = async || -> Result<Vec<(String, Reason, u64, Timestamp)>, Error> {
        let all = store.counted_refusals(100).await?.into_iter();
        let mine = all.filter(|counted| counted.network.starts_with("198.51.78."));
        Ok(mine.map(|c| (c.network, c.reason, c.refusals, c.last)).collect())
    };
    // Minutes of the time to come, so that nothing else of the suite is newer.
    let first = store.clock.now().seconds() / 60 + 10;
    let denied = Reason::RelayDenied;
    for (at, reason, rows) in [
        (first, Reason::UnknownRecipient, 107),
        (first + 1, Reason::UnknownRecipient, 105),
        (first + 2, denied, 103),
        (first + 3, denied, 100),
    ] {
        for n in 0..rows {
            let peer = format!("198.51.78.{n}");
            store.note(TraceRow { at: minute(at), reason, ..refusal(&peer, "flood@example.org") });
        }
        // Written between, so that counts of one minute add up.
        store.counted_refusals(1).await?;
        if reason == denied && rows > 100 {
            store.note(TraceRow { at: minute(at), reason, ..refusal("198.51.78.1", "") });
        }
    }
    let network = "198.51.78.0/24".to_owned();
    let newest = (network.clone(), denied, 4, minute(first + 2));
    let older = |refusals| (network.clone(), Reason::UnknownRecipient, refusals, minute(first + 1));
    same!(told().await?, [newest.clone(), older(12)]);
    same!(store.counted_refusals(1).await?.len(), 1);
    while store.forget_counted(minute(first + 1)).await? {}
    same!(told().await?, [newest, older(5)]);
    while store.forget_counted(minute(first + 3)).await? {}
    same!(store.counted_refusals(100).await?, []);
    Ok(())
}

/// Old rows go, with their terms; new ones stay.
async fn forgetting(store: &Store) -> Result<(), Failure> {
    let before = store.trace_position().await?;
    let old = Timestamp(1_000);
    let aged = |at| TraceRow { at, ..refusal("198.51.100.99", "aged@example.org") };
    store.note(aged(old));
    let now = store.clock.now();
    store.note(aged(now.plus_millis(86_400_000)));
    store.trace_position().await?;
    while store.index_trace().await? {}
    same!(store.trace_since(before).await?.len(), 2);
    // The suite goes on in another time than its rows tell: all but the last are forgotten.
    while store.forget_trace(now.plus_millis(1_000)).await? {}
    let rows = store.trace(TraceQuery::address("aged@example.org")).await?;
    let left: Vec<bool> = rows.iter().map(|row| row.at == old).collect();
    same!(left, [false]);
    Ok(())
}
