//! Whether a form was sent from a page of ours: what another site has a browser send does nothing.
//!
//! Two locks. The browser says where the form stood (`Sec-Fetch-Site`, `Origin`), which no site can
//! make it forge; and the form bears a mark that only this store makes, for this one path and a
//! day. No cookie is needed: there is no log-in that another site could ride on. Pages are served
//! with `Referrer-Policy: same-origin`, since with `no-referrer` a browser would write `Origin:
//! null` (Fetch standard §3.2); no page of ours leads elsewhere, so that no link gets out by it.

use aws_lc_rs::{constant_time, hmac};
use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};
use mail::{Secret, Timestamp};
use std::fmt::Write as _;

/// The name of the field that bears the mark.
pub(crate) const FIELD: &str = "mark";
/// How long a page may stay open before its form is sent.
const VALID_MILLIS: i64 = 24 * 3_600 * 1_000;
/// Bytes of the hash that a mark bears.
const HASH_BYTES: usize = 16;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Makes marks and knows them again.
pub(crate) struct Forms {
    key: hmac::Key,
}

/// Why a form is not taken for ours; the words are for the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// The browser says that it stood on a page of somebody else.
    Site,
    /// It has no mark, another's, or one that is too old.
    Mark,
}

impl Forms {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()) }
    }

    /// The mark of a form that is sent to this path.
    pub(crate) fn mark(&self, path: &str, now: Timestamp) -> String {
        self.mark_until(path, now.0.saturating_add(VALID_MILLIS))
    }

    fn mark_until(&self, path: &str, until: i64) -> String {
        let tag = hmac::sign(&self.key, format!("{until} {path}").as_bytes());
        let mut mark = format!("{until}-");
        for byte in tag.as_ref().iter().take(HASH_BYTES) {
            let _ = write!(mark, "{byte:02x}");
        }
        mark
    }

    /// Whether a form sent to this path is ours. `own` is how links name this server.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        own: Option<&str>,
        path: &str,
        mark: &str,
        now: Timestamp,
    ) -> Result<(), Foreign> {
        if !is_same_origin(headers, own) {
            return Err(Foreign::Site);
        }
        let until = mark.split_once('-').and_then(|(until, _)| until.parse::<i64>().ok());
        let until = until.filter(|until| (now.0..=now.0 + VALID_MILLIS).contains(until));
        let expected = self.mark_until(path, until.ok_or(Foreign::Mark)?);
        constant_time::verify_slices_are_equal(expected.as_bytes(), mark.as_bytes())
            .map_err(|_| Foreign::Mark)
    }
}

/// Whether a browser that says where the form stood names this server. One that says nothing is
/// older than both headers, or no browser: it has the mark alone.
fn is_same_origin(headers: &HeaderMap, own: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let from_us = |origin: &str| {
        let at = origin.strip_prefix("https://");
        at.is_some_and(|at| Some(at) == own || Some(at) == text(&HOST))
    };
    text(&FETCH_SITE).is_none_or(|site| site == "same-origin") && text(&ORIGIN).is_none_or(from_us)
}

impl Foreign {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Foreign::Site => "site",
            Foreign::Mark => "mark",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{Foreign, Forms, VALID_MILLIS};
    use hyper::HeaderMap;
    use hyper::header::{HeaderName, HeaderValue};
    use mail::{Secret, Timestamp};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const OWN: Option<&str> = Some("mail.example.org");

    fn forms(key: u8) -> Forms {
        Forms::new(&Secret::new([key; 32]))
    }

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let one = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        given.iter().map(one).collect()
    }

    fn check(given: &[(&'static str, &'static str)], expected: Result<(), Foreign>) {
        let forms = forms(1);
        let mark = forms.mark("/release/1", NOW);
        let found = forms.check(&headers(given), OWN, "/release/1", &mark, NOW);
        assert_eq!(found, expected, "{given:?}");
    }

    #[test]
    fn a_browser_says_where_the_form_stood() {
        let host = ("host", "127.0.0.1:8443");
        let site = Err(Foreign::Site);
        check(&[host], Ok(()));
        check(&[host, ("sec-fetch-site", "same-origin")], Ok(()));
        check(&[host, ("origin", "https://mail.example.org")], Ok(()));
        check(&[host, ("origin", "https://127.0.0.1:8443")], Ok(()));
        for wrong in ["cross-site", "same-site", "none", ""] {
            check(&[host, ("sec-fetch-site", wrong)], site);
        }
        for wrong in [
            "null",
            "",
            "https://evil.example",
            "http://mail.example.org",
            "https://mail.example.org:8443",
            "https://mail.example.org.evil.example",
            "https://127.0.0.1",
        ] {
            check(&[host, ("origin", wrong)], site);
        }
        check(&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], site);
        check(&[("origin", "https://mail.example.org"), ("sec-fetch-site", "cross-site")], site);
    }

    #[test]
    fn a_mark_is_for_one_path_and_a_day() {
        let forms = forms(1);
        let mark = forms.mark("/release/1", NOW);
        let check = |path: &str, mark: &str, at: i64| {
            forms.check(&HeaderMap::new(), OWN, path, mark, Timestamp(at))
        };
        let wrong = Err(Foreign::Mark);
        assert_eq!(check("/release/1", &mark, NOW.0), Ok(()));
        assert_eq!(check("/release/1", &mark, NOW.0 + VALID_MILLIS), Ok(()));
        assert_eq!(check("/release/1", &mark, NOW.0 + VALID_MILLIS + 1), wrong);
        assert_eq!(check("/release/2", &mark, NOW.0), wrong);
        let (until, hash) = mark.split_once('-').unwrap();
        let later = until.parse::<i64>().unwrap() + 1;
        let cut = &mark[..mark.len() - 1];
        for other in [
            "",
            "-",
            until,
            cut,
            &format!("{later}-{hash}"),
            &format!("0{until}-{hash}"),
            &format!("{}-{hash}", i64::MAX),
            &self::forms(2).mark("/release/1", NOW),
        ] {
            assert_eq!(check("/release/1", other, NOW.0), wrong, "{other}");
        }
    }
}
