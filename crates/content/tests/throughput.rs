//! Measures how fast parts are looked into:
//! `cargo test --release -p content --test throughput -- --ignored --nocapture`.
//!
//! No timed test, it cannot fail: it prints time and MB/s for typical parts.

use content::{Budget, Item, Limits, Lists, inspect};
use std::time::Instant;

fn measure(what: &str, name: &str, kind: &str, bytes: &[u8]) {
    let names: Vec<String> = (!name.is_empty()).then(|| name.to_owned()).into_iter().collect();
    let types = [kind.to_owned()];
    let item = Item { names: &names, types: &types, bytes };
    let lists = Lists::default();
    let rounds = (200_000_000 / bytes.len()).clamp(5, 20_000);
    let begun = Instant::now();
    let mut hits = 0;
    for _ in 0..rounds {
        hits += inspect(&item, &lists, &mut Budget::new(Limits::default())).hits.len();
    }
    let each = begun.elapsed().as_secs_f64() / rounds as f64;
    let rate = bytes.len() as f64 / each / 1e6;
    let hits = hits / rounds;
    println!(
        "{what:<28} {:>9} bytes {hits:>3} hits {:>10.2} us {rate:>8.0} MB/s",
        bytes.len(),
        each * 1e6
    );
}

/// Bytes as compression makes them, always the same.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(|_| next()).collect()
}

#[test]
#[ignore = "a measurement, for the release profile"]
fn throughput() {
    let text = b"The quick brown fox jumps over the lazy dog and writes a letter home.\r\n";
    measure("text of a letter", "", "text/plain", &text.repeat(147));
    measure("text with a name", "a.txt", "text/plain", &text.repeat(147));
    let page = [b"<html><body>".as_slice(), &text.repeat(147)].concat();
    measure("page", "", "text/html", &page);
    let jpeg = [b"\xFF\xD8\xFF\xE0\0\x10JFIF".as_slice(), &noise(5 << 20)].concat();
    measure("picture", "a.jpg", "image/jpeg", &jpeg);
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let data = noise(5 << 20);
    for (number, piece) in data.chunks(40_000).enumerate() {
        let head = format!("{number} 0 obj\n<</Filter/FlateDecode/Length 40000>>\nstream\n");
        pdf.extend([head.as_bytes(), piece, b"\nendstream\nendobj\n"].concat());
    }
    measure("PDF", "a.pdf", "application/pdf", &pdf);
    measure("unknown", "a.bin", "application/octet-stream", &data);
    measure("page, large", "a.html", "text/html", &page.repeat(100));
    measure("text, large", "a.csv", "text/csv", &text.repeat(70_000));
}
