//! One transaction for many writes.
//!
//! At first all statements of all writes go out at once, and their answers are read in order; only
//! the commit waits for them, because only we know what each write expects. If one does not find
//! what it expects, the transaction is taken back and made again with a savepoint for each write,
//! which costs a round trip each, but tells whose fault it is. Conflicts are rare.
//!
//! Rows that several writes change are locked in the order of their ids before anything else: the
//! mailboxes, which a write names by its bells. Two committers then never wait for one another in
//! a circle over them. Whatever collides all the same (40001, 40P01) is tried again.

use crate::failure::Failure;
use crate::link::Connection;
use crate::values::{self, Param};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use store::{Bell, Error, Row, Value, Write};
use tokio_postgres::types::{ToSql, Type};

/// Locks mailboxes in order. `= ANY` takes one parameter for any number of them.
const LOCK: &str = "SELECT id FROM mailbox WHERE id = ANY($1) ORDER BY id FOR UPDATE";

/// What a write gave: for each of its statements the rows that it returned.
pub(crate) type Answer = Result<Vec<Vec<Row>>, Error>;

/// What one statement gave: how many rows it changed, and those it returned.
struct Reply {
    count: u64,
    rows: Vec<Row>,
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// Why a transaction as a whole did not come about.
pub(crate) enum Broken {
    /// Nothing of it is kept; the same again may work.
    Again(String),
    /// The connection was lost before the commit was sent: nothing of it is kept.
    Gone(String),
    /// Lost while it committed, or not to be cured: nobody knows, or nobody can.
    Fatal(Error),
}

/// Commits the writes; an answer for each.
pub(crate) async fn commit(
    connection: &Connection,
    writes: &[&Write],
) -> Result<Vec<Answer>, Broken> {
    if let Some(answers) = together(connection, writes).await? {
        return Ok(answers);
    }
    one_by_one(connection, writes).await
}

/// All at once. `None`: somebody did not find what it expected, and nothing is kept.
async fn together(
    connection: &Connection,
    writes: &[&Write],
) -> Result<Option<Vec<Answer>>, Broken> {
    let mailboxes = mailboxes(writes);
    let mut pending = vec![control(connection, "BEGIN")];
    if !mailboxes.is_empty() {
        pending.push(lock(connection, &mailboxes).await?);
    }
    let first = pending.len();
    for write in writes {
        match statements(connection, write).await {
            Ok(more) => pending.extend(more),
            Err(Failure::Gone(text)) => return Err(Broken::Gone(text)),
            // Which write has the statement that cannot be prepared is found out one by one. So
            // far nothing was sent.
            Err(_) => return Ok(None),
        }
    }
    let mut replies = match all(pending).await {
        Ok(replies) => replies.into_iter().skip(first),
        Err((_, failure)) => {
            rollback(connection, failure).await?;
            return Ok(None);
        }
    };
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        match judge(write, &mut replies) {
            Ok(rows) => answers.push(Ok(rows)),
            Err(_) => {
                control(connection, "ROLLBACK").await.map_err(broken)?;
                return Ok(None);
            }
        }
    }
    end(connection).await?;
    Ok(Some(answers))
}

/// With a savepoint for each write, so that one that fails takes back itself alone.
async fn one_by_one(connection: &Connection, writes: &[&Write]) -> Result<Vec<Answer>, Broken> {
    control(connection, "BEGIN").await.map_err(broken)?;
    let mailboxes = mailboxes(writes);
    if !mailboxes.is_empty() {
        let lock = lock(connection, &mailboxes).await?;
        if let Err(failure) = lock.await {
            rollback(connection, failure).await?;
            return Err(Broken::Again("the rows of a batch could not be locked".to_owned()));
        }
    }
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        control(connection, "SAVEPOINT one").await.map_err(broken)?;
        let answer = match one(connection, write).await {
            Ok(rows) => {
                control(connection, "RELEASE SAVEPOINT one").await.map_err(broken)?;
                Ok(rows)
            }
            Err((statement, failure)) => {
                let failure = match failure {
                    Failure::Again(text) => {
                        control(connection, "ROLLBACK").await.map_err(broken)?;
                        return Err(Broken::Again(text));
                    }
                    Failure::Gone(text) => return Err(Broken::Gone(text)),
                    Failure::Constraint => Error::Conflict { statement },
                    Failure::Other(error) => error,
                };
                control(connection, "ROLLBACK TO SAVEPOINT one").await.map_err(broken)?;
                Err(failure)
            }
        };
        answers.push(answer);
    }
    end(connection).await?;
    Ok(answers)
}

/// One write inside its savepoint; the statement that failed, and why.
async fn one(connection: &Connection, write: &Write) -> Result<Vec<Vec<Row>>, (usize, Failure)> {
    let pending = statements(connection, write).await.map_err(|failure| (0, failure))?;
    let replies = all(pending).await?;
    judge(write, &mut replies.into_iter()).map_err(|statement| (statement, Failure::Constraint))
}

/// The rows of a write, if it found what it expected; else the statement that did not.
fn judge(write: &Write, replies: &mut impl Iterator<Item = Reply>) -> Result<Vec<Vec<Row>>, usize> {
    let mut rows = Vec::with_capacity(write.statements.len());
    let mut unmet = None;
    for (n, (statement, reply)) in write.statements.iter().zip(replies).enumerate() {
        if !statement.expect.is_met(reply.count) {
            unmet = unmet.or(Some(n));
        }
        rows.push(reply.rows);
    }
    unmet.map_or(Ok(rows), Err)
}

/// The write's statements, prepared and ready to be sent.
async fn statements<'a>(
    connection: &'a Connection,
    write: &'a Write,
) -> Result<Vec<Pending<'a>>, Failure> {
    let mut pending: Vec<Pending<'a>> = Vec::with_capacity(write.statements.len());
    for statement in &write.statements {
        let prepared = connection.prepared(statement.sql, values::types(&statement.params)).await?;
        pending.push(Box::pin(run(connection, prepared, &statement.params)));
    }
    Ok(pending)
}

/// Runs a prepared statement.
async fn run(
    connection: &Connection,
    prepared: tokio_postgres::Statement,
    values: &[Value],
) -> Result<Reply, Failure> {
    let params: Vec<Param<'_>> = values.iter().map(Param).collect();
    let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
    let client = &connection.client;
    if prepared.columns().is_empty() {
        let count = client.execute(&prepared, &params).await.map_err(|e| Failure::of(&e))?;
        return Ok(Reply { count, rows: Vec::new() });
    }
    let rows = client.query(&prepared, &params).await.map_err(|e| Failure::of(&e))?;
    let rows: Result<Vec<Row>, _> = rows.iter().map(values::row).collect();
    let rows = rows.map_err(|e| Failure::of(&e))?;
    Ok(Reply { count: rows.len() as u64, rows })
}

/// Runs one reading statement outside of any transaction.
pub(crate) async fn read(
    connection: &Connection,
    sql: &'static str,
    params: &[Value],
) -> Result<Vec<Row>, Failure> {
    let prepared = connection.prepared(sql, values::types(params)).await?;
    run(connection, prepared, params).await.map(|reply| reply.rows)
}

/// A word that steers the transaction.
fn control<'a>(connection: &'a Connection, word: &'static str) -> Pending<'a> {
    Box::pin(async move {
        connection.client.batch_execute(word).await.map_err(|e| Failure::of(&e))?;
        Ok(Reply { count: 0, rows: Vec::new() })
    })
}

async fn lock<'a>(connection: &'a Connection, ids: &'a [i64]) -> Result<Pending<'a>, Broken> {
    let prepared = connection.prepared(LOCK, vec![Type::INT8_ARRAY]).await.map_err(broken)?;
    Ok(Box::pin(async move {
        connection.client.query(&prepared, &[&ids]).await.map_err(|e| Failure::of(&e))?;
        Ok(Reply { count: 0, rows: Vec::new() })
    }))
}

/// Every mailbox that the writes ring for, once, in order.
fn mailboxes(writes: &[&Write]) -> Vec<i64> {
    let mut ids: Vec<i64> = writes
        .iter()
        .flat_map(|write| &write.bells)
        .filter_map(|bell| match bell {
            Bell::Mailbox(id) => Some(id.0),
            _ => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Sends everything, then reads the answers in order. All are read even if one failed, so that the
/// connection is at rest afterwards; the first failure is the one that counts (what follows it in
/// a transaction fails because of it).
async fn all(mut pending: Vec<Pending<'_>>) -> Result<Vec<Reply>, (usize, Failure)> {
    let mut early: Vec<Option<Result<Reply, Failure>>> = Vec::with_capacity(pending.len());
    std::future::poll_fn(|context| {
        for future in &mut pending {
            early.push(match future.as_mut().poll(context) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            });
        }
        Poll::Ready(())
    })
    .await;
    let mut replies = Vec::with_capacity(pending.len());
    let mut failed = None;
    for (n, (future, early)) in pending.into_iter().zip(early).enumerate() {
        let result = match early {
            Some(result) => result,
            None => future.await,
        };
        match result {
            Ok(reply) => replies.push(reply),
            Err(failure) => failed = failed.or(Some((n, failure))),
        }
    }
    failed.map_or(Ok(replies), Err)
}

/// Ends the transaction for good. From here on a lost connection means that nobody knows.
async fn end(connection: &Connection) -> Result<(), Broken> {
    match control(connection, "COMMIT").await {
        Ok(_) => Ok(()),
        Err(Failure::Again(text)) => Err(Broken::Again(text)),
        Err(failure) => Err(Broken::Fatal(failure.into_error())),
    }
}

/// Takes a transaction back after `failure`; an error if the whole batch has to be tried again.
async fn rollback(connection: &Connection, failure: Failure) -> Result<(), Broken> {
    if let Failure::Gone(text) = failure {
        return Err(Broken::Gone(text));
    }
    control(connection, "ROLLBACK").await.map_err(broken)?;
    match failure {
        Failure::Again(text) => Err(Broken::Again(text)),
        _ => Ok(()),
    }
}

fn broken(failure: Failure) -> Broken {
    match failure {
        Failure::Again(text) => Broken::Again(text),
        Failure::Gone(text) => Broken::Gone(text),
        other => Broken::Fatal(other.into_error()),
    }
}
