//! Lost connections, collisions, and two nodes that start at once.

use crate::database::{add, fresh, insert, number, outside, with_table};
use std::sync::Arc;
use std::time::Duration;
use store::{Error, Write};
use store_cluster::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_are_made_anew_and_nobody_notices() {
    let Some((url, db)) = with_table().await else { return };
    db.write(Write::new(vec![insert(1, 0)])).await.unwrap();
    let outside = outside(&url).await;
    for round in 1..=3 {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        outside.batch_execute(sql).await.unwrap();
        assert_eq!(number(&*db, 1).await, Some(round - 1));
        db.write(Write::new(vec![add(1, 1)])).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_unavailable_at_once_and_comes_back() {
    let Some((url, db)) = with_table().await else { return };
    let (base, name) = url.rsplit_once('/').unwrap();
    let admin = outside(&format!("{base}/postgres")).await;
    let allow = |allowed: bool| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.batch_execute(&allow(false)).await.unwrap();
    admin.batch_execute(&end).await.unwrap();
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        let result = db.write(Write::new(vec![insert(1, 1)])).await;
        assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    assert!(db.stats().failures > 0 && db.stats().last_error.is_some());
    admin.batch_execute(&allow(true)).await.unwrap();
    let mut result = Err(Error::Unavailable(String::new()));
    for _ in 0..100 {
        result = db.write(Write::new(vec![insert(1, 1)])).await.map(drop);
        if result.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(result, Ok(()));
    assert_eq!(number(&*db, 1).await, Some(1));
}

/// Two nodes change the same two rows in opposite orders: PostgreSQL ends one of them, which is
/// tried again. Nothing is lost and nobody is told.
#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_are_tried_again() {
    let Some((url, setting)) = with_table().await else { return };
    // PostgreSQL looks for circles after a second; here it looks at once.
    let (_, name) = url.rsplit_once('/').unwrap();
    let sooner = format!("ALTER DATABASE {name} SET deadlock_timeout = '5ms'");
    outside(&url).await.batch_execute(&sooner).await.unwrap();
    setting.close().await;
    let one = Postgres::connect(&url).await.unwrap();
    let two = Postgres::connect(&url).await.unwrap();
    one.write(Write::new(vec![insert(1, 0), insert(2, 0)])).await.unwrap();
    let mut writing = Vec::new();
    for n in 0..40 {
        let (db, order) = if n % 2 == 0 { (&one, [1, 2]) } else { (&two, [2, 1]) };
        let db = Arc::clone(db);
        writing.push(tokio::spawn(async move {
            let pause = store::Statement::new("SELECT pg_sleep(0.002)::text", vec![]);
            let write = Write::new(vec![add(order[0], 1), pause, add(order[1], 1)]);
            db.write(write).await
        }));
    }
    for writing in writing {
        writing.await.unwrap().unwrap();
    }
    assert_eq!((number(&*one, 1).await, number(&*one, 2).await), (Some(40), Some(40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_make_one_schema() {
    let Some(url) = fresh().await else { return };
    let mut starting = Vec::new();
    for _ in 0..6 {
        let url = url.clone();
        starting.push(tokio::spawn(async move {
            let db = Postgres::connect(&url).await.unwrap();
            db.migrate().await
        }));
    }
    for starting in starting {
        starting.await.unwrap().unwrap();
    }
    let outside = outside(&url).await;
    let rows = outside.query("SELECT version FROM schema_version", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let version: i64 = rows[0].get(0);
    assert_eq!(version, store::schema::VERSION);
    outside.batch_execute("UPDATE schema_version SET version = 1000").await.unwrap();
    let db = Postgres::connect(&url).await.unwrap();
    let known = store::schema::VERSION;
    assert_eq!(db.migrate().await, Err(Error::TooNew { found: 1_000, known }));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_trusts_the_certificate_that_was_named_and_no_other() {
    let Some((url, _)) = with_table().await else { return };
    let Ok(certificate) = std::env::var("GATEPOST_TEST_POSTGRES_CERTIFICATE") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "run cargo xtask test");
        return;
    };
    let over_tls = format!("{url}?sslmode=require&sslrootcert={certificate}");
    let db = Postgres::connect(&over_tls).await.unwrap();
    let sql = "SELECT CAST(count(*) AS INTEGER) FROM pg_stat_ssl \
               WHERE ssl AND pid = pg_backend_pid()";
    assert_eq!(db.read(sql, vec![]).await.unwrap(), [vec![store::Value::Int(1)]]);

    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other.cert.pem()).unwrap();
    let stranger = format!("{url}?sslmode=require&sslrootcert={}", file.path().display());
    let refused = Postgres::connect(&stranger).await.map(drop);
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
}
