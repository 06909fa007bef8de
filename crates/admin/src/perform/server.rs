//! The server as a whole: its state, its settings, the proof of its store.

use crate::{Admin, Commits, Disk, Error, Fsck, Response, Status};

/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600 * 1_000;
/// How long the database is waited for.
const COUNTED_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) async fn status(admin: &Admin) -> Result<Response, Error> {
    let store = admin.store.status().await;
    // The state is told also where the database does not answer.
    let counted = tokio::time::timeout(COUNTED_WAIT, super::trace::counted(admin)).await;
    let counted = counted.ok().and_then(Result::ok).unwrap_or_default();
    let facts = admin.running.as_ref().map(|running| (running.facts)()).unwrap_or_default();
    let now = admin.clock.now();
    let up = facts.started.map_or(0, |started| now.seconds() - started.seconds());
    Ok(Response::Status(Box::new(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        running: admin.running.is_some(),
        uptime_secs: u64::try_from(up).unwrap_or(0),
        engine: store.engine.to_owned(),
        doors: facts.doors,
        sessions: facts.sessions,
        commits: Commits {
            commits: store.commits,
            writes: store.writes,
            failures: store.failures,
            last_failure: store.last_error,
        },
        disk: Disk { free: store.disk_free, min: store.disk_min, ok: store.disk_ok },
        certificate_ends: facts.certificate_ends,
        certificate_days_left: facts.certificate_ends.map(|ends| (ends.0 - now.0).div_euclid(DAY)),
        workers: facts.workers,
        log: facts.log,
        counted,
    })))
}

/// Reads settings and maps anew; with any error the old ones stay in force.
pub(super) async fn reload(admin: &Admin) -> Result<Response, Error> {
    let running = admin.running()?;
    (running.reload)().await.map(Response::Done).map_err(Error::Refused)
}

pub(super) async fn fsck(admin: &Admin) -> Result<Response, Error> {
    let report = admin.store.fsck().await?;
    Ok(Response::Fsck(Fsck { problems: report.problems, counted: report.counted }))
}
