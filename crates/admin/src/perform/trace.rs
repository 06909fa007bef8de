//! What happened, and why.

use crate::{Admin, Error, Page, Paging, Response, TraceAbout};
use store::{About, TraceQuery};

pub(super) async fn trace(
    admin: &Admin,
    about: TraceAbout,
    paging: &Paging,
) -> Result<Response, Error> {
    let about = match about {
        TraceAbout::Message(id) => About::Message(id),
        TraceAbout::Session(id) => About::Session(id),
        TraceAbout::Address(address) => About::Address(address),
        TraceAbout::Everything => About::Everything,
    };
    let after = match &paging.cursor {
        None => 0,
        Some(cursor) => {
            cursor.parse().map_err(|_| Error::Invalid("the cursor is a number".to_owned()))?
        }
    };
    let limit = paging.limit.clamp(1, Paging::LIMIT_MAX);
    let page = admin.store.trace_page(TraceQuery { about, after, limit }).await?;
    let next = page.next.map(|id| id.to_string());
    Ok(Response::Trace(Page { rows: page.rows, next }))
}
