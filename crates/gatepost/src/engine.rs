//! Which database stands behind the store: SQLite in the data folder, or PostgreSQL by its URL.

use anyhow::{Context, Result};
use config::Settings;
use std::sync::Arc;
use store::{Store, StoreOptions};

/// Opens the store that the settings name.
///
/// # Errors
/// The data folder is in use by another process, the database cannot be reached, or its schema is
/// newer than this binary.
pub(crate) async fn open(settings: &Settings, clock: &net::Clock) -> Result<Arc<Store>> {
    let data = &settings.storage.data;
    let database: Arc<dyn store::Database> = match &settings.storage.database {
        Some(url) => store_cluster::Postgres::connect(url.expose())
            .await
            .context("the database of [storage] database cannot be opened")?,
        None => store::sqlite::Sqlite::open(data)
            .with_context(|| format!("the database in {} cannot be opened", data.display()))?,
    };
    let node = settings.server.hostname.as_str();
    let storage = &settings.storage;
    let options = StoreOptions {
        retention_days: u32::try_from(storage.trace_retention_days).unwrap_or(u32::MAX),
        disk_free_min_bytes: storage.disk_free_min_bytes,
        disk_free_min_percent: storage.disk_free_min_percent,
    };
    Store::open_with(database, data, clock.clone(), node, options)
        .await
        .with_context(|| format!("the store in {} cannot be opened", data.display()))
}
