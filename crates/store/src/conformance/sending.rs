//! How much each sends: counted exactly, held beyond the limit, told once, released.

use super::site::{Fate, account, message};
use super::{Failure, Ground, ensure, same};
use crate::{
    About, Acceptance, Body, Error, LimitOf, SentToday, SpoolChange, SpoolFilter, Store, TraceQuery,
};
use mail::{
    AccountId, Event, Id, LocalUser, MessageId, SendLimits, SessionId, Submitter, Timestamp,
};
use std::sync::Arc;

const LIMITS: SendLimits = SendLimits { recipients: 10, first_time: 3 };
const DAY: i64 = 86_400_000;
/// Messages that come at once.
const CROWD: usize = 24;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let anna = account(&store, "sender@example.org").await?;
    let who = Submitter::Account(anna);
    first_time(&store, anna, who).await?;
    growth(&store, anna, who).await?;
    crowd(&store, account(&store, "crowd@example.org").await?).await?;
    users(&store).await?;
    overrides(&store, anna).await?;
    forgotten(&store, who).await?;
    store.close().await;
    Ok(())
}

/// A message of an account to these recipients elsewhere, on a day of the suite.
async fn sent(store: &Store, by: AccountId, day: i64, to: &[&str]) -> Result<Acceptance, Error> {
    let sent = super::load::sent(store, by, to, Some(LIMITS)).await?;
    Ok(Acceptance { received_at: noon(store, day), ..sent })
}

/// Accepts it, and answers why its copies are held.
async fn accepted(store: &Store, sent: Acceptance) -> Result<Vec<String>, Error> {
    let message = Some(sent.message);
    store.accept(sent).await?;
    let filter = SpoolFilter { message, ..SpoolFilter::default() };
    let rows = store.spool_list(0, &filter, 100).await?;
    Ok(rows.into_iter().map(|row| row.held).collect())
}

/// Noon of a day of the suite; the first is now's, so that the housekeeper forgets none.
fn noon(store: &Store, day: i64) -> Timestamp {
    let today = store.clock.now().0.div_euclid(DAY);
    Timestamp((today + day) * DAY + DAY / 2)
}

async fn today(store: &Store, who: Submitter, day: i64) -> Result<SentToday, Error> {
    store.sent_today(who, LIMITS, noon(store, day)).await
}

async fn first_time(store: &Store, anna: AccountId, who: Submitter) -> Result<(), Failure> {
    let held = accepted(store, sent(store, anna, 0, &["a@far.example", "b@far.example"]).await?);
    same!(held.await?, ["", ""]);
    // One address twice, and one that is known, whatever its case.
    let again = sent(store, anna, 0, &["A@far.example", "c@far.example"]).await?;
    same!(accepted(store, again).await?, ["", ""]);
    let count = today(store, who, 0).await?;
    same!((count.recipients, count.first_time, count.held), (4, 3, 0));
    let now = noon(store, 0);
    same!(store.untold_holds(now).await?.len(), 0);

    let stranger = sent(store, anna, 0, &["a@far.example", "d@far.example"]).await?;
    let (message, session) = (stranger.message, stranger.envelope.peer.session);
    let why = "over its first-time recipients a day";
    same!(accepted(store, stranger).await?, [why, why]);
    traced(store, message, session).await?;
    let count = today(store, who, 0).await?;
    same!((count.recipients, count.first_time, count.held), (6, 4, 2));
    // Whom a held message was for is a stranger still.
    let again = sent(store, anna, 0, &["d@far.example"]).await?;
    same!(accepted(store, again).await?, [why]);
    same!(today(store, who, 0).await?.first_time, 5);

    let holds = store.untold_holds(now).await?;
    let [hold] = holds.as_slice() else {
        return Err(Failure::Wrong(format!("one hold is to be told: {holds:?}")));
    };
    same!((hold.name(), hold.held), ("sender@example.org".to_owned(), 3));
    store.tell_hold(hold, None).await?;
    let twice = store.tell_hold(hold, None).await;
    ensure!(matches!(twice, Err(Error::Conflict { .. })), "told twice: {twice:?}");
    same!(store.untold_holds(now).await?.len(), 0);

    // One command releases, and whom it was for is known from then on.
    let filter = SpoolFilter { submitter: Some(who), held: true, ..SpoolFilter::default() };
    let rows = store.spool_list(0, &filter, 100).await?;
    same!(rows.len(), 3);
    same!(store.change_spool(&rows, SpoolChange::Release).await?, 3);
    same!(store.spool_list(0, &filter, 100).await?.len(), 0);
    store.reset_sent(who, "sender@example.org", now).await?;
    let known = sent(store, anna, 0, &["d@far.example"]).await?;
    same!(accepted(store, known).await?, [""]);
    let count = today(store, who, 0).await?;
    same!((count.recipients, count.first_time), (1, 0));
    Ok(())
}

/// The hold has its row in the trace, of the same commit.
async fn traced(store: &Store, message: MessageId, session: SessionId) -> Result<(), Failure> {
    let query = TraceQuery { about: About::Message(message), before: Id::MAX, limit: 100 };
    let page = store.trace(query).await?;
    let told = page.iter().find(|row| row.reason == mail::Reason::SendLimit);
    let told = told.ok_or_else(|| Failure::Wrong(format!("no row tells of it: {page:?}")))?;
    same!((told.event, told.session), (Event::Finding, Some(session)));
    same!(told.rule, "limit send.first_time_per_day_max");
    same!(told.detail, "recipients=6 first_time=4 clean_days=0");
    Ok(())
}

/// Clean days grow the limits by a tenth, others take half of it back, days without mail nothing.
async fn growth(store: &Store, anna: AccountId, who: Submitter) -> Result<(), Failure> {
    // The day before was not clean.
    same!(today(store, who, 1).await?.clean, 0);
    for day in 1..=5 {
        same!(accepted(store, sent(store, anna, day, &["a@far.example"]).await?).await?, [""]);
        same!(today(store, who, day).await?.clean, (day - 1).cast_unsigned());
    }
    let grown = today(store, who, 30).await?;
    same!((grown.clean, grown.recipients), (5, 0));
    same!(grown.limits, SendLimits { recipients: 15, first_time: 4 });
    let many: Vec<String> = (0..15).map(|n| format!("a+{n}@far.example")).collect();
    let known: Vec<&str> = std::iter::repeat_n("a@far.example", 15).collect();
    // Fifteen copies are within the grown limit, the sixteenth is not.
    same!(accepted(store, sent(store, anna, 30, &known).await?).await?, vec![""; 15]);
    let one = sent(store, anna, 30, &["a@far.example"]).await?;
    same!(accepted(store, one).await?, ["over its recipients a day"]);
    same!(today(store, who, 31).await?.clean, 2);
    let strangers: Vec<&str> = many.iter().map(String::as_str).collect();
    let held = accepted(store, sent(store, anna, 31, &strangers).await?).await?;
    ensure!(held.iter().all(|why| !why.is_empty()), "strangers are not held: {held:?}");
    for day in 40..80 {
        same!(accepted(store, sent(store, anna, day, &["a@far.example"]).await?).await?, [""]);
    }
    let most = today(store, who, 80).await?.limits;
    same!(most, SendLimits { recipients: 40, first_time: 12 });
    Ok(())
}

/// However many come at once, no more pass than may.
async fn crowd(store: &Arc<Store>, by: AccountId) -> Result<(), Failure> {
    // Known, so that the number of recipients alone decides.
    for to in ["a@far.example", "b@far.example"] {
        accepted(store, sent(store, by, 0, &[to]).await?).await?;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CROWD {
        let store = Arc::clone(store);
        let one = sent(&store, by, 0, &["a@far.example"]).await?;
        tasks.spawn(async move { accepted(&store, one).await });
    }
    let mut passed = 0;
    while let Some(done) = tasks.join_next().await {
        let held = done.map_err(|error| Failure::Wrong(error.to_string()))??;
        passed += held.iter().filter(|why| why.is_empty()).count();
    }
    same!(passed, 8);
    let count = today(store, Submitter::Account(by), 0).await?;
    same!((count.recipients, count.held), (2 + CROWD as u64, CROWD as u64 - 8));
    Ok(())
}

/// A user of this machine is counted like an account; strangers are not.
async fn users(store: &Store) -> Result<(), Failure> {
    let body = Body::from_bytes("by a program")?;
    let to: Vec<String> = (0..20).map(|n| format!("p{n}@far.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let mut mail = message(store, body, &[("x@far.example", Fate::On(&to))]).await?;
    let address = super::site::address("www-data@mx.example.org")?;
    mail.envelope.peer.user = Some(LocalUser { uid: 33, name: "www-data".to_owned(), address });
    mail.envelope.limits = Some(SendLimits { recipients: 10, first_time: 100 });
    mail.received_at = noon(store, 0);
    let held = accepted(store, mail).await?;
    ensure!(held.iter().all(|why| why == "over its recipients a day"), "not held: {held:?}");
    let count = today(store, Submitter::User(33), 0).await?;
    same!((count.recipients, count.held), (20, 20));
    same!(today(store, Submitter::User(34), 0).await?.recipients, 0);
    let holds = store.untold_holds(noon(store, 0)).await?;
    ensure!(holds.iter().any(|hold| hold.name() == "uid:33"), "not told: {holds:?}");

    let body = Body::from_bytes("by a stranger")?;
    let relayed = message(store, body, &[("x@far.example", Fate::On(&to))]).await?;
    let held = accepted(store, relayed).await?;
    ensure!(held.iter().all(String::is_empty), "a stranger is counted: {held:?}");
    Ok(())
}

/// Limits of one account and one domain, each ended and not overwritten.
async fn overrides(store: &Store, anna: AccountId) -> Result<(), Failure> {
    let domain = super::site::domain(store, "example.org").await?;
    let domain = store.directory().domain(&domain).map_or(0, |record| record.id);
    let (account, domain) = (LimitOf::Account(anna), LimitOf::Domain(domain));
    let own = |of| store.directory().send_limit(of).copied();
    same!(own(account), None);
    store.set_send_limit(account, "anna", Some(7), None).await?;
    store.set_send_limit(account, "anna", Some(8), Some(2)).await?;
    store.set_send_limit(domain, "example.org", None, Some(1)).await?;
    let numbers = |of| own(of).map(|limit| (limit.recipients, limit.first_time));
    same!(numbers(account), Some((Some(8), Some(2))));
    same!(numbers(domain), Some((None, Some(1))));
    let rows = store.db.read("SELECT id FROM send_limit", Vec::new()).await?;
    same!(rows.len(), 3);
    store.set_send_limit(account, "anna", None, None).await?;
    same!(own(account), None);
    store.reload_directory().await?;
    same!(own(account), None);
    same!(own(domain).map(|limit| limit.first_time), Some(Some(1)));
    Ok(())
}

/// What is long ago is forgotten, what is not is kept.
async fn forgotten(store: &Store, who: Submitter) -> Result<(), Failure> {
    let count = |sql: &'static str| async move {
        Ok::<_, Error>(store.db.read(sql, Vec::new()).await?.len())
    };
    const SENT: &str = "SELECT day FROM sent";
    const KNOWN: &str = "SELECT recipient FROM correspondent";
    let (sent, known) = (count(SENT).await?, count(KNOWN).await?);
    let late = noon(store, 139);
    while store.forget_sent(late).await? {}
    same!(store.sent_today(who, LIMITS, late).await?.clean, 30);
    ensure!(count(SENT).await? == 1, "of {sent} days all but the last are forgotten");
    let mut walk = crate::sending::Walk::default();
    while store.forget_correspondents(late, &mut walk).await? {}
    same!(count(KNOWN).await?, known);
    let later = noon(store, 600);
    while store.forget_correspondents(later, &mut walk).await? {}
    same!(count(KNOWN).await?, 0);
    Ok(())
}
