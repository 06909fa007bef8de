//! What a reading costs: ten times the input at most fifteen times the time, whatever is sent, and
//! nothing that is too much takes long.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::index::Index;
use mail::union::{Outcome, UnionLimits, read};
use std::ops::ControlFlow;
use std::time::Duration;

fn run(message: &[u8]) -> (Duration, usize, Outcome) {
    let index = Index::of(message);
    let started = worked();
    let mut count = 0;
    let outcome = read(message, &index, &UnionLimits::default(), &mut |item| {
        count += usize::from(!item.content.is_empty());
        ControlFlow::Continue(())
    });
    (worked().saturating_sub(started), count, outcome)
}

/// How long this thread was at work: what others do on the machine is not counted.
fn worked() -> Duration {
    // Without this the kernel tells what it knew at its last tick.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux's own count");
    let nanos = told.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("nanoseconds"))
}

const HEAD: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n";

/// Shapes that made other readers slow; the number says how many pieces.
fn shapes(pieces: usize) -> Vec<(&'static str, Vec<u8>)> {
    let line = "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
    let repeated = |head: &str, piece: &str, end: &str| {
        format!("{HEAD}{head}\r\n{}{end}", piece.repeat(pieces)).into_bytes()
    };
    let part = "--b0\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    let file = format!("--b0x\r\nContent-Transfer-Encoding: base64\r\n\r\n{line}");
    let nested: String = (0..pieces / 8)
        .map(|n| format!("--n{n}\r\nContent-Type: multipart/mixed; boundary=n{}\r\n\r\n", n + 1))
        .collect();
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(pieces);
    let junk = line.replace("//8", "!!8=");
    let coded = format!("--b0\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", junk.repeat(pieces));
    vec![
        ("parts", repeated("", part, "--b0--\r\n")),
        ("parts without sense", repeated("Content-Type: text/plain\r\n", part, "")),
        ("doubtful files", repeated("", &file, "")),
        ("dashes", repeated("", "--\r\n", "")),
        ("dashed lines", repeated("", "--b0--x--\r\n", "")),
        ("fields", repeated(&"Content-Disposition: a; name=b\r\n".repeat(pieces), "", "")),
        (
            "parameters",
            repeated(
                &format!("X: y\r\nContent-Type: a/b{}\r\n", "; name=x".repeat(pieces)),
                "",
                "",
            ),
        ),
        ("begin lines", repeated("", "begin 644 a\r\n", "")),
        ("begin and data", repeated("", "begin 644 a\r\n#86)C\r\nx\r\n", "")),
        ("yenc", repeated("", "=ybegin name=a\r\n", "")),
        ("binhex", repeated("", "converted with BinHex 4.0)\r\n", "")),
        ("nested", format!("{}\r\n--n0\r\n{nested}", HEAD.replace("b0", "n0")).into_bytes()),
        ("messages", messages.into_bytes()),
        ("junk", format!("{HEAD}\r\n{coded}\r\n--b0--\r\n").into_bytes()),
        ("bare CR", repeated("", "--b0\rContent-Type: text/plain\r\rx\r", "")),
        (
            "quotes",
            repeated(
                &format!("X-A: b\r\nContent-Type: a/b; name=\"{}\r\n", "\\\"=(".repeat(pieces)),
                "",
                "",
            ),
        ),
    ]
}

#[test]
fn ten_times_the_input_is_at_most_fifteen_times_the_time() {
    for (at, (name, small)) in shapes(2_000).into_iter().enumerate() {
        let large = shapes(20_000).swap_remove(at).1;
        let best = |message: &[u8]| (0..3).map(|_| run(message).0).min().unwrap_or_default();
        let (small, large) = (best(&small), best(&large));
        // What takes less than some milliseconds says nothing.
        let allowed = small.max(Duration::from_millis(4)) * 15;
        println!("{name:<22} {small:?} {large:?}");
        assert!(large <= allowed, "{name}: {small:?}, ten times as much {large:?}");
    }
}

#[test]
fn what_is_too_much_ends_soon_and_is_incomplete() {
    let nested: String = (0..10_000)
        .map(|n| format!("--n{n}\r\nContent-Type: multipart/mixed; boundary=n{}\r\n\r\n", n + 1))
        .collect();
    let part = "--b0\r\n\r\nx\r\n".repeat(1_000_000);
    let cases = [
        ("a million parts", format!("{HEAD}\r\n{part}")),
        ("nesting of 10,000", format!("{}\r\n{nested}", HEAD.replace("b0", "n0"))),
        (
            "a million parameters",
            format!("Content-Type: a/b{}\r\n\r\nx", "; name=x".repeat(1_000_000)),
        ),
        ("messages in messages", "Content-Type: message/rfc822\r\n\r\n".repeat(10_000)),
        ("a million doubtful files", format!("{HEAD}Content-Type: text/plain\r\n\r\n{part}")),
    ];
    for (name, message) in cases {
        let (time, count, outcome) = run(message.as_bytes());
        println!("{name:<26} {time:?} {count} {:?}", outcome.incomplete);
        assert!(outcome.incomplete.is_some(), "{name} counts as whole");
        // Half a second for the release profile.
        assert!(time < Duration::from_secs(3), "{name} takes {time:?}");
    }
}

#[test]
#[ignore = "a measurement, for the release profile"]
fn throughput() {
    let line = "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURl\r\n";
    for size in [10 * 1024, 35 << 20] {
        let message = format!(
            "{HEAD}\r\n--b0\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b0\r\n\
             Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             {}\r\n--b0--\r\n",
            line.repeat(size / line.len())
        );
        let rounds = 200_000_000 / message.len();
        let index = Index::of(message.as_bytes());
        let started = worked();
        for _ in 0..rounds {
            read(message.as_bytes(), &index, &UnionLimits::default(), &mut |item| {
                std::hint::black_box(item.content);
                ControlFlow::Continue(())
            });
        }
        let each = worked().saturating_sub(started) / rounds as u32;
        let rate = message.len() as f64 / each.as_secs_f64() / 1e6;
        println!("{size:>10} bytes: {each:?}, {rate:.0} MB/s");
    }
}
