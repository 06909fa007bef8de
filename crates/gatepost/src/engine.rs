//! Which database stands behind the store: SQLite in the data folder, or PostgreSQL by its URL.

use anyhow::{Context, Result, bail};
use config::Settings;
use std::path::Path;
use std::sync::Arc;
use store::{Store, StoreOptions};

/// Opens the store that the settings name and that `gatepost init` has made.
///
/// # Errors
/// There is none, and otherwise as [`make`].
pub(crate) async fn open(settings: &Settings, clock: &net::Clock) -> Result<Arc<Store>> {
    refuse_none(settings)?;
    make(settings, clock).await
}

/// Refuses a data folder without a store: a wrong path would be made, and called good.
///
/// # Errors
/// There is no store, or the data folder cannot be looked into.
pub(crate) fn refuse_none(settings: &Settings) -> Result<()> {
    let data = &settings.storage.data;
    // With PostgreSQL the folder has large bodies alone: each node begins with an empty one.
    let proof = match settings.storage.database {
        Some(_) => data.clone(),
        None => data.join(store::sqlite::FILE),
    };
    if !is_there(&proof)? {
        bail!("there is no store in {}; gatepost init makes one", data.display());
    }
    Ok(())
}

fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().with_context(|| format!("cannot look at {}", path.display()))
}

/// Opens the store that the settings name, and makes it if it is not there.
///
/// # Errors
/// The data folder is in use by another process, the database cannot be reached, or its schema is
/// newer than this binary.
pub(crate) async fn make(settings: &Settings, clock: &net::Clock) -> Result<Arc<Store>> {
    let data = &settings.storage.data;
    let database: Arc<dyn store::Database> = match &settings.storage.database {
        Some(url) => store_cluster::Postgres::connect(url.expose())
            .await
            .context("the database of [storage] database cannot be opened")?,
        None => store::sqlite::Sqlite::open(data)
            .with_context(|| format!("the database in {} cannot be opened", data.display()))?,
    };
    let node = settings.server.hostname.as_str();
    Store::open_with(database, data, clock.clone(), node, options(settings))
        .await
        .with_context(|| format!("the store in {} cannot be opened", data.display()))
}

/// What the settings choose about an open store.
pub(crate) fn options(settings: &Settings) -> StoreOptions {
    let storage = &settings.storage;
    StoreOptions {
        retention_days: u32::try_from(storage.trace_retention_days).unwrap_or(u32::MAX),
        quarantine_days: u32::try_from(settings.quarantine.retention_days).unwrap_or(u32::MAX),
        quarantine_bytes: settings.quarantine.size_max,
        disk_free_min_bytes: storage.disk_free_min_bytes,
        disk_free_min_percent: storage.disk_free_min_percent,
    }
}
