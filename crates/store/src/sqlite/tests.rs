#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use super::Sqlite;
use crate::Error;
use crate::database::{Database, Expect, Statement, Value, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

async fn open(dir: &tempfile::TempDir) -> Arc<dyn Database> {
    let db = Sqlite::open(&dir.path().join("data")).unwrap();
    db.migrate().await.unwrap();
    db
}

fn put(key: &str, number: i64) -> Statement {
    Statement::new(
        "INSERT INTO counter (name, number) VALUES ($1, $2)",
        vec![key.into(), number.into()],
    )
}

async fn numbers(db: &dyn Database) -> Vec<i64> {
    let sql = "SELECT number FROM counter WHERE name LIKE $1 ORDER BY number";
    let rows = db.read(sql, vec!["t%".into()]).await.unwrap();
    rows.into_iter().flatten().filter_map(|value| value.as_int()).collect()
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    db.write(Write::new(vec![put("t1", 1)])).await.unwrap();
    db.post(Write::new(vec![put("t2", 2)]));
    db.flush().await.unwrap();
    assert_eq!(numbers(&*db).await, [1, 2]);
    db.post(Write::new(vec![put("t3", 3)]));
    db.close().await;
    assert!(matches!(db.write(Write::default()).await, Err(Error::Unavailable(_))));
    assert!(matches!(db.read("SELECT 1", Vec::new()).await, Err(Error::Unavailable(_))));
    let db = open(&dir).await;
    assert_eq!(numbers(&*db).await, [1, 2, 3]);
    assert_eq!(db.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_conflict_takes_back_its_own_write_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    let one = |key: &'static str, n: i64, expect: Expect| {
        Write::new(vec![put(key, n), put(&format!("{key}x"), n + 100).expect(expect)])
    };
    // All in one batch, most likely; each result is the same if they are not.
    let writes = [
        one("ta", 1, Expect::Rows(1)),
        one("tb", 2, Expect::Rows(2)),
        one("ta", 3, Expect::Any),
        one("tc", 4, Expect::AtLeast(1)),
    ];
    let mut tasks = Vec::new();
    for write in writes {
        let db = Arc::clone(&db);
        tasks.push(tokio::spawn(async move { db.write(write).await.map(drop) }));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    assert_eq!(
        results,
        [
            Ok(()),
            Err(Error::Conflict { statement: 1 }),
            Err(Error::Conflict { statement: 0 }),
            Ok(())
        ]
    );
    assert_eq!(numbers(&*db).await, [1, 4, 101, 104]);
    assert_eq!(db.stats().conflicts, 2);
}

#[tokio::test]
async fn rows_of_returning_are_answered_by_statement() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    let next = Statement::new(
        "UPDATE id_block SET next = next + $1 WHERE name = 'all' RETURNING next, name",
        vec![5.into()],
    );
    let rows = db.write(Write::new(vec![put("t", 1), next])).await.unwrap();
    assert_eq!(rows, [vec![], vec![vec![Value::Int(1029), Value::Text("all".to_owned())]]]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    let newer = Statement::new("UPDATE schema_version SET version = 999", Vec::new());
    db.write(Write::new(vec![newer])).await.unwrap();
    db.close().await;
    let db = Sqlite::open(&dir.path().join("data")).unwrap();
    let error = db.migrate().await.unwrap_err();
    assert_eq!(error, Error::TooNew { found: 999, known: crate::schema::VERSION });
    assert!(error.to_string().contains("999"), "{error}");
}

#[tokio::test]
async fn the_folder_is_ours_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    let second = Sqlite::open(&dir.path().join("data")).unwrap_err();
    assert!(matches!(second, Error::Locked(_)), "{second}");
    for file in ["store.db", "store.db-wal", "store.db-shm", "lock"] {
        let mode = dir.path().join("data").join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    db.close().await;
    assert!(!dir.path().join("data/store.db-wal").exists(), "closed tidily");
}

#[tokio::test]
async fn the_log_is_moved_into_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    for n in 0..40_i64 {
        let blob = vec![b'x'; 2 << 20];
        let write = Statement::new(
            "INSERT INTO message (id, organisation, node, received_at, sender, size, entries, \
             body_place, body) VALUES ($1, 1, 1, 0, '', 0, 0, 1, $2)",
            vec![n.into(), blob.into()],
        );
        db.write(Write::new(vec![write])).await.unwrap();
    }
    let log = dir.path().join("data/store.db-wal").metadata().unwrap().len();
    assert!(log < 90 << 20, "the log has grown to {log}");
    let main = dir.path().join("data/store.db").metadata().unwrap().len();
    assert!(main > 40 << 20, "the database has only {main}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let opened = data.clone();
    let open = move || -> crate::BoxFuture<'static, Result<Arc<dyn Database>, Error>> {
        let data = opened.clone();
        Box::pin(async move { Sqlite::open(&data) })
    };
    if let Err(failure) = crate::conformance::run(&open, data).await {
        panic!("{failure}");
    }
}

/// Writers that never pause must not keep the log from beginning anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_anew_under_load() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir).await;
    // A busy machine may take a while to find the moment between two commits.
    let begins_anew = async || {
        for round in 1..=3_i64 {
            write_300_mib(&db, round).await;
            let log = dir.path().join("data/store.db-wal").metadata().unwrap().len();
            if log < (round.cast_unsigned() * 200) << 20 {
                return true;
            }
        }
        false
    };
    assert!(begins_anew().await, "all that was written is in the log");
}

async fn write_300_mib(db: &Arc<dyn Database>, round: i64) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_i64 {
        let db = Arc::clone(db);
        writers.spawn(async move {
            for n in 0..150_i64 {
                let write = Statement::new(
                    "INSERT INTO message (id, organisation, node, received_at, sender, size, \
                     entries, body_place, body) VALUES ($1, 1, 1, 0, '', 0, 0, 1, $2)",
                    vec![
                        (round * 100_000 + writer * 1_000 + n).into(),
                        vec![b'x'; 256 << 10].into(),
                    ],
                );
                db.write(Write::new(vec![write])).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
}

/// A store of an earlier version comes up to this one with all that is in it.
#[tokio::test]
async fn every_earlier_schema_is_brought_forward() {
    let steps = crate::schema::steps_from(0).unwrap();
    for version in 1..steps.len() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let old = rusqlite::Connection::open(data.join("store.db")).unwrap();
        let mut sql = vec![crate::schema::VERSION_TABLE.to_owned()];
        sql.extend(steps[..version].iter().flat_map(|step| crate::schema::statements(step.sql)));
        sql.push(format!("INSERT INTO schema_version (version) VALUES ({version})"));
        sql.push("INSERT INTO counter (name, number) VALUES ('told', 7)".to_owned());
        for sql in &sql {
            old.execute(sql, []).unwrap();
        }
        drop(old);
        let db = open(&dir).await;
        assert_eq!(numbers(&*db).await, [7]);
        let rows = db.read("SELECT version FROM schema_version", Vec::new()).await.unwrap();
        assert_eq!(rows, [[Value::Int(crate::schema::VERSION)]]);
        db.read("SELECT count(*) FROM spool", Vec::new()).await.unwrap();
    }
}
