//! The release page: what is held under a link, and the button that asks for its release.
//!
//! A token that was used, has ended or never was has one answer, in the same words: who guesses
//! learns nothing.

use crate::Web;
use crate::answer::Answer;
use crate::connection::Visit;
use crate::csrf::Forms;
use crate::form::Form;
use crate::page::Frame;
use crate::words::Plain;
use admin::held::Wanted;
use hyper::HeaderMap;
use mail::{Address, Event, Reason};

/// The field for the address of who asks.
const ADDRESS: &str = "address";

/// The path of the page of a token.
fn path(token: &str) -> String {
    format!("{}{token}", filter::release::PATH)
}

/// GET: shows, and changes nothing.
pub(crate) async fn show(web: &Web, visit: &Visit, token: &str) -> Result<Answer, admin::Error> {
    let Some(wanted) = find(web, visit, token).await? else {
        return Ok(Frame::of(web).plain(missing(web, visit)));
    };
    let seen = wanted.seen(&web.store).await?;
    let path = path(token);
    let mark = Forms::new(&web.store.form_key().await?).mark(&path, web.clock.now());
    Ok(Frame::of(web).release((&wanted.first, &seen), wanted.needs_address, &path, mark))
}

/// POST: asks for a release, once for each token.
pub(crate) async fn ask(
    web: &Web,
    visit: &Visit,
    token: &str,
    (headers, form): (&HeaderMap, &Form),
) -> Result<Answer, admin::Error> {
    if let Some(answer) = foreign(web, visit, &path(token), headers, form).await? {
        return Ok(answer);
    }
    let Some(wanted) = find(web, visit, token).await? else {
        return Ok(Frame::of(web).plain(missing(web, visit)));
    };
    let address = Address::parse(form.get(ADDRESS).trim()).ok();
    let asked = wanted.ask(&web.store, address.as_ref(), visit.ip).await?;
    // Whoever names addresses may be guessing, right or wrong.
    if asked == 0 || wanted.needs_address {
        count(web, visit);
    }
    tracing::info!(session = %visit.session, ip = %visit.ip, asked, "releases are asked for");
    // Somebody was quicker with the token: that is a used one.
    if asked == 0 && !wanted.needs_address {
        return Ok(Frame::of(web).plain(Plain::Nothing));
    }
    Ok(Frame::of(web).asked(wanted.needs_address))
}

/// The answer to a form that is not ours.
async fn foreign(
    web: &Web,
    visit: &Visit,
    path: &str,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Option<Answer>, admin::Error> {
    let own = web.settings.load().web_url().map(|url| url.authority());
    let forms = Forms::new(&web.store.form_key().await?);
    let (mark, now) = (form.get(crate::csrf::FIELD), web.clock.now());
    let Err(why) = forms.check(headers, own.as_deref(), path, mark, now) else { return Ok(None) };
    let detail = format!("form={}", why.word());
    web.note(visit, Event::Command, Reason::ForeignForm, detail);
    Ok(Some(Frame::of(web).plain(Plain::Foreign)))
}

/// What a token leads to; not looked for where the network has followed too many wrong ones.
async fn find(web: &Web, visit: &Visit, token: &str) -> Result<Option<Wanted>, admin::Error> {
    if web.guesses.are_too_many(visit.ip, web.clock.now()) {
        return Ok(None);
    }
    let wanted = Wanted::by_token(&web.store, token).await?;
    if wanted.is_none() {
        web.note(visit, Event::Command, Reason::UnknownLink, String::new());
        count(web, visit);
    }
    Ok(wanted)
}

fn count(web: &Web, visit: &Visit) {
    web.guesses.count(visit.ip, web.clock.now());
}

/// The page where nothing was found.
fn missing(web: &Web, visit: &Visit) -> Plain {
    match web.guesses.are_too_many(visit.ip, web.clock.now()) {
        true => Plain::TooMany,
        false => Plain::Nothing,
    }
}
