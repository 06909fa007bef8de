//! The one way of strangers' words into a page.
//!
//! A page takes them as [`Shown`] alone. Characters that could pose as other lines or turn what
//! stands beside them round are gone then, as in notices ([`filter::texts::one_line`]); the
//! template engine escapes what HTML would take for its own (`<`, `>`, `&`, both quotes), in every
//! template of the folder, since all their names end in `.html`; and templates put them into
//! `<bdi>`, so that Hebrew or Arabic words do not move the others.

use filter::texts::one_line;
use std::fmt;

/// Words of a stranger, in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown(String);

impl Shown {
    /// What may be shown of a text.
    pub(crate) fn of(text: &str) -> Self {
        Self(one_line(text))
    }

    /// Whether there is anything to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::Shown;
    use askama::Template;

    #[derive(Template)]
    #[template(source = "<p title=\"{{ text }}\">{{ text }}</p>", ext = "html")]
    struct Page {
        text: Shown,
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let page = Page { text: Shown::of(text) };
        let expected = format!("<p title=\"{expected}\">{expected}</p>");
        assert_eq!(page.render().unwrap(), expected, "{text:?}");
    }

    #[test]
    fn nothing_of_a_text_is_taken_for_html() {
        check("plain, größe", "plain, größe");
        check("<script>alert(1)</script>", "&#60;script&#62;alert(1)&#60;/script&#62;");
        check("\" onclick='x' & more", "&#34; onclick=&#39;x&#39; &#38; more");
        check("&lt;b&gt;", "&#38;lt;b&#38;gt;");
        check("{{ 7 * 7 }}", "{{ 7 * 7 }}");
    }

    #[test]
    fn nothing_of_a_text_moves_what_stands_beside_it() {
        check("two\r\nlines\t", "two\u{fffd}\u{fffd}lines\u{fffd}");
        check("gpj.\u{202e}exe", "gpj.\u{fffd}exe");
        check("\u{2066}x\u{2069}\0", "\u{fffd}x\u{fffd}\u{fffd}");
        assert!(Shown::of("").is_empty());
    }
}
