//! Where the log goes: one structured line a session and a message, to stderr or journald.

use config::LogFormat;
use tracing_subscriber::EnvFilter;

/// Starts the log. `GATEPOST_LOG` overrides the level (`info`, `debug`, `smtp=debug`).
pub(crate) fn start(default: &str, format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("GATEPOST_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would report a full disk behind stderr by eprintln!, which panics.
        .log_internal_errors(false)
        .with_ansi(false);
    // journald stamps the time itself.
    let under_journald = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match (format, under_journald) {
        (LogFormat::Text, false) => log.try_init(),
        (LogFormat::Text, true) => log.without_time().try_init(),
        (LogFormat::Json, _) => log.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        eprintln!("gatepost: the log was started twice");
    }
}
