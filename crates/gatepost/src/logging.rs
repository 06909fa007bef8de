//! Where the log goes: one structured line a session and a message, to stderr or journald; the
//! newest warnings and errors are kept in memory for `gatepost status`.

use admin::LogLine;
use config::LogFormat;
use net::Clock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// How many lines are kept: what fits on a screen below the rest of the status.
const KEPT: usize = 20;
/// Longest kept line, in characters.
const LINE_MAX: usize = 300;

/// The newest warnings and errors of the log; a clone shows the same.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    clock: Clock,
    lines: Arc<Mutex<VecDeque<LogLine>>>,
}

/// Starts the log. `GATEPOST_LOG` overrides the level (`info`, `debug`, `smtp=debug`) of what is
/// written, not of what is kept.
pub(crate) fn start(default: &str, format: LogFormat, clock: Clock) -> Recent {
    let filter =
        EnvFilter::try_from_env("GATEPOST_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // It would report a full disk behind stderr by eprintln!, which panics.
        .log_internal_errors(false)
        .with_ansi(false);
    // journald stamps the time itself.
    let under_journald = std::env::var_os("JOURNAL_STREAM").is_some();
    let log = match (format, under_journald) {
        (LogFormat::Text, false) => log.boxed(),
        (LogFormat::Text, true) => log.without_time().boxed(),
        (LogFormat::Json, _) => log.json().flatten_event(true).boxed(),
    };
    let recent = Recent::new(clock);
    let started = tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(recent.clone().with_filter(LevelFilter::WARN))
        .try_init();
    if started.is_err() {
        eprintln!("gatepost: the log was started twice");
    }
    recent
}

impl Recent {
    fn new(clock: Clock) -> Self {
        Self { clock, lines: Arc::default() }
    }

    /// The lines, newest last.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = format!("{}: ", event.metadata().target());
        // A string takes whatever is written; a field that cannot show itself is left out.
        let _ = DefaultFields::new().format_fields(Writer::new(&mut text), event);
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let level = if *event.metadata().level() == Level::ERROR { "error" } else { "warn" };
        let line = LogLine {
            at: self.clock.now(),
            level: level.to_owned(),
            text: shown.take(LINE_MAX).collect(),
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, LINE_MAX, Recent};
    use net::Clock;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt;

    fn kept(say: impl FnOnce()) -> Vec<(String, String)> {
        let recent = Recent::new(Clock::at(mail::Timestamp(7)));
        let log =
            tracing_subscriber::registry().with(recent.clone().with_filter(LevelFilter::WARN));
        tracing::subscriber::with_default(log, say);
        assert!(recent.lines().iter().all(|line| line.at.0 >= 7));
        recent.lines().into_iter().map(|line| (line.level, line.text)).collect()
    }

    #[test]
    fn warnings_and_errors_are_kept_with_their_fields() {
        let lines = kept(|| {
            tracing::info!("nothing to see");
            tracing::warn!(file = "a.pem", days = 3, "ends soon");
            tracing::error!("two\nlines");
        });
        let expected = [
            ("warn", "gatepost::logging::tests: ends soon file=\"a.pem\" days=3"),
            ("error", "gatepost::logging::tests: two lines"),
        ];
        assert_eq!(lines, expected.map(|(level, text)| (level.to_owned(), text.to_owned())));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let lines = kept(|| {
            for n in 0..100 {
                tracing::warn!("{n} {}", "x".repeat(10_000));
            }
        });
        assert_eq!(lines.len(), KEPT);
        assert!(lines.iter().all(|(_, text)| text.len() == LINE_MAX));
        assert!(lines.first().is_some_and(|(_, text)| text.contains(": 80 ")));
    }
}
