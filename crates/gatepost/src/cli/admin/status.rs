//! `gatepost status` for people.

use crate::output;
use ::admin::{Commits, Disk, Status, Workers};

/// Tables: the server, its doors, what was refused too often to be listed, the newest warnings and
/// errors of its log.
pub(super) fn text(status: &Status) -> String {
    let mut parts = vec![output::table(&["What", "State"], &server(status))];
    if !status.doors.is_empty() {
        parts.push(output::table(&["Door", "Address", "Sessions"], &doors(status)));
    }
    if !status.counted.is_empty() {
        parts.push(super::show::counted(&status.counted));
    }
    if status.log.is_empty() {
        if status.running {
            parts.push("No warnings and no errors since the start.".to_owned());
        }
    } else {
        let rows: Vec<_> = status
            .log
            .iter()
            .map(|line| vec![line.at.rfc3339(), line.level.clone(), line.text.clone()])
            .collect();
        parts.push(output::table(&["When", "Level", "Log"], &rows));
    }
    parts.join("\n")
}

fn server(status: &Status) -> Vec<Vec<String>> {
    let up = match status.running {
        true => format!("up {}", span(status.uptime_secs)),
        false => "no server runs; this is the store's state".to_owned(),
    };
    let mut rows = vec![
        ("gatepost", format!("{}, {up}", status.version)),
        ("store", format!("{}, {}", status.engine, commits(&status.commits))),
    ];
    if let Some(failure) = &status.commits.last_failure {
        rows.push(("failed", format!("{} commits, the last: {failure}", status.commits.failures)));
    }
    rows.push(("disk", disk(status.disk)));
    if let (Some(ends), Some(days)) = (status.certificate_ends, status.certificate_days_left) {
        let left = if days < 0 { "it HAS ENDED".to_owned() } else { format!("{days} days left") };
        rows.push(("certificate", format!("until {}, {left}", ends.rfc3339())));
    }
    if status.running {
        let sessions = &status.sessions;
        let (open, max, per_address) = (sessions.open, sessions.max, sessions.per_address_max);
        rows.push(("sessions", format!("{open} of {max}, at most {per_address} an address")));
    }
    if status.workers.max > 0 {
        rows.push(("workers", workers(&status.workers)));
    }
    rows.into_iter().map(|(what, state)| vec![what.to_owned(), state]).collect()
}

fn workers(workers: &Workers) -> String {
    let Workers { max, idle, busy, crashed, too_complex, .. } = workers;
    let counts = format!("{busy} busy, {idle} idle, at most {max}");
    let lost = format!("{crashed} crashed, {too_complex} ended by their limits");
    match (&workers.unlocked, workers.proof.as_str()) {
        (Some(why), _) => format!("NOT LOCKED DOWN, so none is used: {why}"),
        (None, "") => format!("{counts}; {lost}"),
        (None, proof) => format!("{counts}; {lost}; locked down: {proof}"),
    }
}

fn doors(status: &Status) -> Vec<Vec<String>> {
    let row = |view: &::admin::DoorView| {
        vec![view.door.clone(), view.address.clone(), view.sessions.to_string()]
    };
    status.doors.iter().map(row).collect()
}

fn commits(commits: &Commits) -> String {
    let Commits { commits, writes, .. } = commits;
    // In tenths, without floating point.
    let tenths = (writes * 10).checked_div(*commits).unwrap_or(0);
    format!("{commits} commits of {}.{} writes", tenths / 10, tenths % 10)
}

fn disk(disk: Disk) -> String {
    const MIB: u64 = 1 << 20;
    let (free, min) = (disk.free / MIB, disk.min / MIB);
    match (disk.ok, disk.min) {
        (true, 0) => format!("{free} MiB free, not watched"),
        (true, _) => format!("{free} MiB free, mail is taken down to {min} MiB"),
        (false, _) => format!("{free} MiB free, TOO LITTLE: below {min} MiB MAIL is answered 452"),
    }
}

/// The two largest units of a span: `3 d 4 h`.
fn span(secs: u64) -> String {
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, _) => format!("{minutes} min {} s", secs % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::{span, text};
    use ::admin::{Commits, CountedView, Disk, DoorView, LogLine, Sessions, Status, Workers};
    use mail::{Reason, Timestamp};

    fn running() -> Status {
        let door = |door: &str, address: &str, sessions| DoorView {
            door: door.to_owned(),
            address: address.to_owned(),
            sessions,
        };
        let (level, text) = ("warn".to_owned(), "net: odd".to_owned());
        Status {
            version: "1.2.3".to_owned(),
            running: true,
            uptime_secs: 90_061,
            engine: "sqlite".to_owned(),
            doors: vec![door("smtp", "[::]:25", 5), door("pop3s", "[::]:995", 2)],
            sessions: Sessions { open: 7, max: 1_200, per_address_max: 30 },
            commits: Commits { commits: 4, writes: 10, failures: 0, last_failure: None },
            disk: Disk { free: 5 << 30, min: 1 << 30, ok: true },
            certificate_ends: Some(Timestamp(1_795_545_915_042)),
            certificate_days_left: Some(89),
            workers: Workers {
                max: 2,
                idle: 1,
                busy: 1,
                started: 5,
                crashed: 1,
                too_complex: 2,
                proof: "file: EPERM".to_owned(),
                unlocked: None,
            },
            log: vec![LogLine { at: Timestamp(1_795_545_915_042), level, text }],
            counted: vec![CountedView {
                network: "198.51.78.0/24".to_owned(),
                reason: Reason::RelayDenied,
                refusals: 30_711,
                last: Timestamp(1_795_545_900_000),
            }],
        }
    }

    fn check(status: &Status, expected: &[&str]) {
        let shown = text(status);
        for words in expected {
            assert!(shown.contains(words), "{words} is not in:\n{shown}");
        }
    }

    #[test]
    fn everything_is_shown_of_a_running_server() {
        check(
            &running(),
            &[
                "1.2.3, up 1 d 1 h",
                "sqlite, 4 commits of 2.5 writes",
                "5120 MiB free, mail is taken down to 1024 MiB",
                "until 2026-11-24T18:45:15.042Z, 89 days left",
                "1 busy, 1 idle, at most 2; 1 crashed, 2 ended by their limits",
                "locked down: file: EPERM",
                "7 of 1200, at most 30 an address",
                "│ smtp  ┆ [::]:25  ┆ 5        │",
                "│ pop3s ┆ [::]:995 ┆ 2        │",
                "2026-11-24T18:45:15.042Z ┆ warn  ┆ net: odd",
                "198.51.78.0/24 ┆ relay_denied ┆ 30711 ",
            ],
        );
    }

    #[test]
    fn what_is_wrong_stands_out() {
        let disk = Disk { free: 1 << 20, min: 1 << 30, ok: false };
        let status = Status { disk, certificate_days_left: Some(-1), log: Vec::new(), ..running() };
        check(
            &status,
            &["TOO LITTLE: below 1024 MiB MAIL", "it HAS ENDED", "No warnings and no errors"],
        );
        let unlocked = Some("seccomp: no".to_owned());
        let workers = Workers { unlocked, ..running().workers };
        let status = Status { workers, ..running() };
        check(&status, &["NOT LOCKED DOWN, so none is used: seccomp: no"]);
        let shown = text(&Status::default());
        assert!(shown.contains("no server runs") && !shown.contains("Sessions"), "{shown}");
        assert!(!shown.contains("workers"), "{shown}");
    }

    #[test]
    fn spans_have_their_two_largest_units() {
        for (secs, expected) in
            [(5, "5 s"), (65, "1 min 5 s"), (3_725, "1 h 2 min"), (200_000, "2 d 7 h")]
        {
            assert_eq!(span(secs), expected);
        }
    }
}
