//! Measures how fast messages are indexed:
//! `cargo test --release -p mail --test throughput -- --ignored --nocapture`.
//!
//! No timed test, it cannot fail: it prints MB/s for typical shapes, pushed in pieces of 16 KiB as
//! they come from a socket.

use mail::index::IndexBuilder;
use std::time::Instant;

const PIECE: usize = 16 * 1024;
const HEADER: &str = "Received: from a.example by b.example; Tue, 24 Nov 2026 18:45:15 +0000\r\n\
    From: \"Anna Smith\" <anna@example.org>\r\nTo: b@example.net\r\n\
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.org>\r\n\
    Date: Tue, 24 Nov 2026 18:45:15 +0000\r\nMIME-Version: 1.0\r\n";

fn message(part_header: &str, line: &str, size: usize) -> Vec<u8> {
    let head = format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=\"b0\"\r\n\r\n--b0\r\n{part_header}\r\n"
    );
    let mut bytes = head.into_bytes();
    while bytes.len() < size {
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n--b0--\r\n");
    bytes
}

fn measure(name: &str, message: &[u8]) {
    let rounds = (500_000_000 / message.len()).clamp(5, 300_000);
    let started = Instant::now();
    let mut parts = 0;
    for _ in 0..rounds {
        let mut builder = IndexBuilder::new();
        for piece in message.chunks(PIECE) {
            builder.push(piece);
        }
        parts += std::hint::black_box(builder.finish()).parts.len();
    }
    let each = started.elapsed().as_secs_f64() / rounds as f64;
    let rate = message.len() as f64 / each / 1e6;
    println!(
        "{name:<34} {:>10} bytes {:>4} parts {:>12.2} us {rate:>8.0} MB/s",
        message.len(),
        parts / rounds,
        each * 1e6
    );
}

#[test]
#[ignore = "a measurement, for the release profile"]
fn throughput() {
    let text = "The quick brown fox jumps over the lazy dog and writes a letter home.\r\n";
    let base64 = "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURl\r\n";
    let quoted = "=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82 =D0=BC=D0=B8=D1=80 and some text=\r\n";
    let dashes = "--------------------------------------------------------------------\r\n";
    let plain = format!("{HEADER}\r\n{}", text.repeat(8));
    measure("plain text, 1 KiB", plain.as_bytes());
    let plain = format!("{HEADER}\r\n{}", text.repeat(500_000));
    measure("plain text, one part, 35 MB", plain.as_bytes());
    let kinds = [
        ("7bit", "Content-Type: text/plain\r\n", text),
        ("base64", "Content-Transfer-Encoding: base64\r\n", base64),
        ("quoted-printable", "Content-Transfer-Encoding: quoted-printable\r\n", quoted),
        ("lines of dashes", "Content-Type: text/plain\r\n", dashes),
        ("empty lines", "Content-Type: text/plain\r\n", "\r\n"),
    ];
    for (name, header, line) in kinds {
        for size in [10 * 1024, 35 << 20] {
            measure(&format!("multipart, {name}"), &message(header, line, size));
        }
    }
    let parts = "--b0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\r\n";
    measure("multipart, 900 parts", &message("", parts, 900 * parts.len()));
    let header = format!("{HEADER}X-Long: 0123456789012345678901234567890123456789\r\n");
    measure("header only, 200 KiB", header.repeat(200 * 1024 / header.len()).as_bytes());
}
