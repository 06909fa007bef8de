//! Our pages: a template each, filled with our words and with strangers' as [`Shown`].

use crate::Web;
use crate::answer::{self, Answer};
use crate::csrf;
use crate::escape::Shown;
use crate::words::{Plain, Words};
use admin::held::Seen;
use askama::Template;
use hyper::StatusCode;
use mail::HeldPart;
use store::Held;

/// Parts that are listed; a message may have a hundred.
const PARTS_MAX: usize = 100;

/// What all pages have.
pub(crate) struct Frame {
    words: &'static Words,
    hostname: String,
}

/// What is held, and the button.
#[derive(Template)]
#[template(path = "release.html")]
struct Release<'a> {
    frame: &'a Frame,
    from: Shown,
    sender: Shown,
    /// Not where the token is of all recipients of a message: they are none of one another's
    /// business.
    recipient: Option<Shown>,
    subject: Shown,
    dated: Shown,
    came: String,
    why: &'static str,
    parts: Vec<Part>,
    path: &'a str,
    field: &'static str,
    mark: String,
}

struct Part {
    name: Shown,
    media_type: Shown,
    size: u64,
    why: &'static str,
}

/// What a request was heard by.
#[derive(Template)]
#[template(path = "asked.html")]
struct Asked<'a> {
    frame: &'a Frame,
    text: &'static str,
}

/// A heading and a sentence.
#[derive(Template)]
#[template(path = "plain.html")]
struct Sentence<'a> {
    frame: &'a Frame,
    title: &'static str,
    text: &'static str,
}

impl Frame {
    /// That of the settings in force.
    pub(crate) fn of(web: &Web) -> Self {
        let settings = web.settings.load();
        let words = Words::of(settings.texts.language);
        Self { words, hostname: settings.server.hostname.to_string() }
    }

    /// The page of what is held; its form is sent to `path`.
    pub(crate) fn release(
        &self,
        (held, seen): (&Held, &Seen),
        needs_address: bool,
        path: &str,
        mark: String,
    ) -> Answer {
        let parts = seen.parts.iter().take(PARTS_MAX).map(part).collect();
        let page = Release {
            frame: self,
            from: Shown::of(&seen.from),
            sender: Shown::of(&held.sender),
            recipient: (!needs_address).then(|| Shown::of(&held.address)),
            subject: Shown::of(&seen.subject),
            dated: Shown::of(&seen.date),
            came: held.at.rfc5322(),
            why: held.reason.meaning(),
            parts,
            path,
            field: csrf::FIELD,
            mark,
        };
        rendered(StatusCode::OK, &page)
    }

    /// The page after the button. Where an address had to be named, it does not tell whether that
    /// was one of the message's.
    pub(crate) fn asked(&self, needs_address: bool) -> Answer {
        let text = if needs_address { self.words.asked_if } else { self.words.asked_text };
        rendered(StatusCode::OK, &Asked { frame: self, text })
    }

    /// A page that has nothing to show.
    pub(crate) fn plain(&self, page: Plain) -> Answer {
        let (title, text) = self.words.plain(page);
        rendered(status(page), &Sentence { frame: self, title, text })
    }
}

fn part(part: &HeldPart) -> Part {
    Part {
        name: Shown::of(&part.name),
        media_type: Shown::of(&part.media_type),
        size: part.size,
        why: part.reason.meaning(),
    }
}

fn status(page: Plain) -> StatusCode {
    match page {
        Plain::Nothing | Plain::NoPage => StatusCode::NOT_FOUND,
        Plain::Foreign => StatusCode::FORBIDDEN,
        Plain::Malformed => StatusCode::BAD_REQUEST,
        Plain::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Plain::Method => StatusCode::METHOD_NOT_ALLOWED,
        Plain::Late => StatusCode::REQUEST_TIMEOUT,
        Plain::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn rendered(status: StatusCode, page: &impl Template) -> Answer {
    match page.render() {
        Ok(html) => answer::page(status, html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            answer::page(StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    }
}
