//! The server as a whole: its state, its settings, the proof of its store.

use crate::{Admin, Error, Fsck, Response, Status};

pub(super) async fn status(admin: &Admin) -> Result<Response, Error> {
    let store = admin.store.status().await;
    let facts = admin.running.as_ref().map(|running| (running.facts)()).unwrap_or_default();
    let up = facts.started.map_or(0, |started| admin.clock.now().seconds() - started.seconds());
    let mut errors = facts.errors;
    errors.extend(store.last_error);
    Ok(Response::Status(Box::new(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: store.engine.to_owned(),
        doors: facts.doors,
        sessions: facts.sessions,
        commits: store.commits,
        writes: store.writes,
        disk_free: store.disk_free,
        disk_ok: store.disk_ok,
        certificate_ends: facts.certificate_ends,
        errors,
        uptime_secs: u64::try_from(up).unwrap_or(0),
    })))
}

/// Reads settings and maps anew; with any error the old ones stay in force.
pub(super) async fn reload(admin: &Admin) -> Result<Response, Error> {
    let running = admin.running()?;
    (running.reload)().await.map(Response::Done).map_err(Error::Invalid)
}

pub(super) async fn fsck(admin: &Admin) -> Result<Response, Error> {
    let report = admin.store.fsck().await?;
    Ok(Response::Fsck(Fsck { problems: report.problems, counted: report.counted }))
}
