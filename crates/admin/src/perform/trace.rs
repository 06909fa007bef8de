//! What happened, and why.

use crate::{Admin, CountedView, Error, Paging, Response, TraceAbout, TraceView};
use mail::Id;
use store::{About, Counted, TraceQuery};

/// Sources of counted refusals that are told.
const COUNTED_MAX: usize = 10;

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
    let of_all = matches!(about, TraceAbout::Everything) && paging.cursor.is_none();
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
    let counted = if of_all { counted(admin).await? } else { Vec::new() };
    Ok(Response::Trace(TraceView { rows: page.rows, next, counted }))
}

/// The refusals that were too many to be listed, by source and reason, newest first.
pub(super) async fn counted(admin: &Admin) -> Result<Vec<CountedView>, Error> {
    let view = |Counted { network, reason, refusals, last }| CountedView {
        network,
        reason,
        refusals,
        last,
    };
    Ok(admin.store.counted_refusals(COUNTED_MAX).await?.into_iter().map(view).collect())
}
