//! Which page a path means. Pure: whether something is behind it is asked later.

/// Characters of the longest token that is looked at; the store's have fewer.
const TOKEN_MAX: usize = 64;
/// The path of the one style sheet.
pub(crate) const STYLE: &str = "/style.css";

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// The style sheet of all pages.
    Style,
    /// The page of what is held, by a token.
    Release(&'a str),
    /// There is none.
    Nothing,
}

/// The page of a path. Nothing in our paths needs percent-encoding, so that what has any is none
/// of ours.
pub fn route(path: &str) -> Route<'_> {
    if path == STYLE {
        return Route::Style;
    }
    match path.strip_prefix(filter::release::PATH) {
        Some(token) if is_token(token) => Route::Release(token),
        _ => Route::Nothing,
    }
}

fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=TOKEN_MAX).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::{Route, route};

    #[test]
    fn only_what_looks_like_a_token_is_looked_for() {
        for (path, expected) in [
            ("/style.css", Route::Style),
            ("/release/m12-0af", Route::Release("m12-0af")),
            ("/release/12-0af", Route::Release("12-0af")),
            ("/release/", Route::Nothing),
            ("/release", Route::Nothing),
            ("/release/12-0af/", Route::Nothing),
            ("/release/../style.css", Route::Nothing),
            ("/release/%31-0af", Route::Nothing),
            ("/release/a b", Route::Nothing),
            ("/", Route::Nothing),
            ("", Route::Nothing),
            ("*", Route::Nothing),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
        assert_eq!(route(&format!("/release/{}", "1".repeat(65))), Route::Nothing);
    }
}
