//! What happened, and why.

use crate::{Admin, Error, Page, Paging, Response, TraceAbout};
use mail::Id;
use store::{About, TraceQuery};

/// The newest rows first, page by page; of a message or a session there must be some.
pub(super) async fn trace(
    admin: &Admin,
    about: TraceAbout,
    paging: &Paging,
) -> Result<Response, Error> {
    let nothing = match &about {
        TraceAbout::Message(id) => Some(format!("the trace has no message {}", id.0)),
        TraceAbout::Session(id) => Some(format!("the trace has nothing of a session {}", id.0)),
        TraceAbout::Address(_) | TraceAbout::Everything => None,
    };
    let about = match about {
        TraceAbout::Message(id) => About::Message(id),
        TraceAbout::Session(id) => About::Session(id),
        TraceAbout::Address(address) => About::Address(address),
        TraceAbout::Everything => About::Everything,
    };
    let query =
        TraceQuery { about, before: paging.number()?.unwrap_or(Id::MAX), limit: paging.rows()? };
    let page = admin.store.trace_page(query).await?;
    if let Some(nothing) = nothing
        && page.rows.is_empty()
        && paging.cursor.is_none()
    {
        return Err(Error::NotFound(nothing));
    }
    let next = page.next.map(|id| id.to_string());
    Ok(Response::Trace(Page { rows: page.rows, next }))
}
