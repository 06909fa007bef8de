//! Any Authentication-Results of others, and ours with any values.
//!
//! Shared by the replay of the corpus and the fuzz target `authentication_results`: the input is a
//! field's value, and each of its lines a value in a field of ours.

use filter::authentication::results::{Method, MethodResult, RESULTS_MAX, authserv_id, field};
use mail::Domain;

pub(crate) fn exercise(bytes: &[u8]) {
    if let Some(id) = authserv_id(bytes) {
        assert!(!id.is_empty() && id.len() <= bytes.len());
    }
    let text = String::from_utf8_lossy(bytes);
    let results: Vec<MethodResult> = text
        .split('\n')
        .map(|line| MethodResult::new(Method::Dkim, "fail").with("header.d", line))
        .collect();
    let ours = Domain::parse("mx.example.org").unwrap();
    let field = field(&ours, &results);
    let (name, value) = field.split_once(':').unwrap();
    assert_eq!(name, "Authentication-Results");
    assert_eq!(authserv_id(value.as_bytes()).as_deref(), Some(ours.as_str().as_bytes()));
    let mut lines = field.strip_suffix("\r\n").unwrap().split("\r\n");
    assert!(lines.next().unwrap().starts_with(name));
    for line in lines.clone() {
        assert!(line.starts_with('\t') && line.len() < 998, "{line:?}");
        assert!(line.bytes().skip(1).all(|b| (0x20..0x7f).contains(&b)), "{line:?}");
    }
    let folded: String = lines.collect();
    assert_eq!(outside_quotes(&folded, ';') + 1, results.len().min(RESULTS_MAX));
    assert_eq!(outside_quotes(&folded, '('), 0);
}

/// How often a character stands where it has a meaning.
fn outside_quotes(text: &str, wanted: char) -> usize {
    let (mut is_quoted, mut is_escaped, mut count) = (false, false, 0);
    for c in text.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == wanted && !is_quoted => count += 1,
            _ => {}
        }
    }
    assert!(!is_quoted, "a quote that is not closed: {text:?}");
    count
}
