//! Writes: batches, conflicts, values.

use crate::database::{add, insert, number, with_table};
use std::sync::Arc;
use store::{Error, Expect, NamedFolder, Statement, Value, Write};

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_went() {
    let Some((_, db)) = with_table().await else { return };
    let row = |id: i64, n: Value, s: Value, b: Value| {
        let sql = "INSERT INTO t (id, n, s, b) VALUES ($1, $2, $3, $4) RETURNING n, s, b";
        Statement::new(sql, vec![id.into(), n, s, b])
    };
    let everything: Vec<u8> = (0..=255).collect();
    let rows = [
        vec![Value::Null, Value::Null, Value::Null],
        vec![i64::MAX.into(), "".into(), Vec::new().into()],
        vec![i64::MIN.into(), "ä\u{1F4E7}'\\".into(), everything.into()],
    ];
    let statements = rows
        .iter()
        .zip(1_i64..)
        .map(|(r, id)| row(id, r[0].clone(), r[1].clone(), r[2].clone()))
        .collect();
    let returned = db.write(Write::new(statements)).await.unwrap();
    let read = db.read("SELECT n, s, b FROM t ORDER BY id", vec![]).await.unwrap();
    assert_eq!(read, rows);
    assert_eq!(returned.concat(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_takes_back_its_own_write_alone() {
    let Some((_, db)) = with_table().await else { return };
    db.write(Write::new(vec![insert(1, 0)])).await.unwrap();
    let mut writing = Vec::new();
    for n in 0..400_i64 {
        let db = Arc::clone(&db);
        writing.push(tokio::spawn(async move {
            // Every tenth breaks the key, every other tenth misses a row, in its second statement.
            let second = match n % 10 {
                3 => insert(1, 1),
                7 => add(999_999, 1),
                _ => add(1, 1),
            };
            (n, db.write(Write::new(vec![insert(n + 10, n), second])).await)
        }));
    }
    let mut kept = 0;
    for writing in writing {
        let (n, result) = writing.await.unwrap();
        match n % 10 {
            3 | 7 => {
                assert_eq!(result, Err(Error::Conflict { statement: 1 }), "{n}");
                assert_eq!(number(&*db, n + 10).await, None);
            }
            _ => {
                assert!(result.is_ok(), "{n}: {result:?}");
                assert_eq!(number(&*db, n + 10).await, Some(n));
                kept += 1;
            }
        }
    }
    assert_eq!(number(&*db, 1).await, Some(kept));
    let stats = db.stats();
    assert_eq!(stats.conflicts, 80);
    assert!(stats.commits < stats.writes, "nothing was batched: {stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_that_cannot_be_hits_nobody_else() {
    let Some((_, db)) = with_table().await else { return };
    let wrong = Statement::new("INSERT INTO nowhere VALUES (1)", vec![]);
    let (wrong, right) = tokio::join!(
        db.write(Write::new(vec![insert(1, 1), wrong])),
        db.write(Write::new(vec![insert(2, 2)]))
    );
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
    assert!(right.is_ok(), "{right:?}");
    assert_eq!(number(&*db, 1).await, None);
    assert_eq!(number(&*db, 2).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_is_there_after_a_flush() {
    let Some((_, db)) = with_table().await else { return };
    for n in 0..1_000 {
        db.post(Write::new(vec![insert(n, n)]));
    }
    db.post(Write::new(vec![insert(5, 5)]));
    db.flush().await.unwrap();
    let count = "SELECT CAST(count(*) AS INTEGER) FROM t";
    assert_eq!(db.read(count, vec![]).await.unwrap(), [vec![Value::Int(1_000)]]);
    assert_eq!(db.stats().dropped, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn expectations_count_rows_returned_and_changed() {
    let Some((_, db)) = with_table().await else { return };
    db.write(Write::new(vec![insert(1, 1), insert(2, 2)])).await.unwrap();
    let update = |expect| {
        let sql = "UPDATE t SET n = n + 1 RETURNING id";
        Write::new(vec![Statement::new(sql, vec![]).expect(expect)])
    };
    let rows = db.write(update(Expect::AtLeast(2))).await.unwrap();
    assert_eq!(rows.concat().len(), 2);
    let result = db.write(update(Expect::Rows(3))).await;
    assert_eq!(result, Err(Error::Conflict { statement: 0 }));
    assert_eq!(number(&*db, 1).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_synced_refuses_its_write_alone() {
    let Some((_, db)) = with_table().await else { return };
    let mut spoilt = Write::new(vec![insert(1, 1)]);
    let folder = NamedFolder::new("/nonexistent/blobs/00".into());
    spoilt.new_names.push(folder.made());
    let (spoilt, sound) = tokio::join!(db.write(spoilt), db.write(Write::new(vec![insert(2, 2)])));
    assert!(matches!(spoilt, Err(Error::Unavailable(_))), "{spoilt:?}");
    assert!(sound.is_ok());
    assert_eq!(number(&*db, 1).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_commits_what_waits_and_ends() {
    let Some((url, db)) = with_table().await else { return };
    db.post(Write::new(vec![insert(1, 1)]));
    db.close().await;
    let closed = db.write(Write::new(vec![insert(2, 2)])).await;
    assert!(matches!(closed, Err(Error::Unavailable(_))));
    assert!(matches!(db.read("SELECT 1", vec![]).await, Err(Error::Unavailable(_))));
    let again = store_cluster::Postgres::connect(&url).await.unwrap();
    assert_eq!(number(&*again, 1).await, Some(1));
}
