//! Fresh databases, and a way to look at them from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Database, Expect, Statement, Value, Write};
use store_cluster::Postgres;
use tokio_postgres::{Client, NoTls};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A new, empty database: its address. `None` where there is no server to test with.
pub(crate) async fn fresh() -> Option<String> {
    let Ok(server) = std::env::var("GATEPOST_TEST_POSTGRES") else {
        let is_ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(!is_ci, "GATEPOST_TEST_POSTGRES is not set: run cargo xtask test");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("cluster_{}_{number}", std::process::id());
    let client = outside(&server).await;
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}

/// A connection of the test's own.
pub(crate) async fn outside(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The engine on a new database that has one table, `t (id, n, s, b)`.
pub(crate) async fn with_table() -> Option<(String, Arc<dyn Database>)> {
    let url = fresh().await?;
    let db = Postgres::connect(&url).await.unwrap();
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, b BLOB)";
    db.write(Write::new(vec![Statement::new(sql, vec![])])).await.unwrap();
    Some((url, db))
}

/// Inserts `(id, n)`.
pub(crate) fn insert(id: i64, n: i64) -> Statement {
    let sql = "INSERT INTO t (id, n) VALUES ($1, $2)";
    Statement::new(sql, vec![id.into(), n.into()]).expect(Expect::Rows(1))
}

/// Adds to `n` of the row `id`, which must be there.
pub(crate) fn add(id: i64, n: i64) -> Statement {
    let sql = "UPDATE t SET n = n + $2 WHERE id = $1";
    Statement::new(sql, vec![id.into(), n.into()]).expect(Expect::Rows(1))
}

/// `n` of the row `id`.
pub(crate) async fn number(db: &dyn Database, id: i64) -> Option<i64> {
    let rows = db.read("SELECT n FROM t WHERE id = $1", vec![id.into()]).await.unwrap();
    rows.first().and_then(|row| row.first()).and_then(Value::as_int)
}
