//! Forms and paths: any bytes are a form or none, and a form written anew is the same.

use std::fmt::Write as _;
use web::form::{Form, SIZE_MAX};
use web::route::{Route, route};

/// Reads the first line as a path, and the rest as a form.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut halves = bytes.splitn(2, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
    if let Route::Release(token) = route(&path) {
        assert!(path.ends_with(token) && token.len() <= 64);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
    let body = halves.next().unwrap_or_default();
    let Ok(form) = Form::parse(body) else { return };
    assert!(body.len() <= SIZE_MAX && form.fields().len() <= 16);
    let pairs: Vec<String> = form
        .fields()
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let again = pairs.join("&");
    if again.len() <= SIZE_MAX {
        assert_eq!(Form::parse(again.as_bytes()), Ok(form.clone()));
    }
    for (name, value) in form.fields() {
        assert_eq!(form.get(name), value);
    }
}

/// Each byte in its longest form.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "%{byte:02X}");
        all
    })
}
