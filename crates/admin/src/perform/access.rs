//! The access map: entries of the store, entries of the file, and which of them decides.

use crate::paging::{number_key, page};
use crate::{AccessView, Admin, Error, Paging, Response};
use config::access::{Entry, Tag, parse_entry};
use mail::Timestamp;
use store::AccessRecord;

/// Longest reason that an administrator may note.
const REASON_MAX: usize = 500;

pub(super) async fn list(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    // Hits are counted in the database; the directory has them as of its last load.
    admin.policy.flush();
    admin.store.reload_directory().await?;
    let snapshot = admin.policy.snapshot();
    let directory = admin.store.directory();
    let file = snapshot.access_file();
    let now = admin.clock.now();
    let stored = directory.access().iter().map(|record| of_store(record, now));
    let written = snapshot.maps().access.iter().map(|entry| of_file(&file, entry));
    let entries = page("access", stored.chain(written), paging, order, |view| view)?;
    Ok(Response::AccessEntries(entries))
}

pub(super) async fn add(
    admin: &Admin,
    tag: &str,
    key: &str,
    value: &str,
    reason: &str,
    expires: Option<Timestamp>,
) -> Result<Response, Error> {
    let (tag, key) = (tag.trim().trim_end_matches(':'), key.trim());
    let whole = if tag.is_empty() { key.to_owned() } else { format!("{tag}:{key}") };
    let entry = parse_entry(&whole, value).map_err(Error::Invalid)?;
    if reason.len() > REASON_MAX || reason.contains(char::is_control) {
        return Err(Error::Invalid(format!("a reason is one line of {REASON_MAX} bytes at most")));
    }
    if expires.is_some_and(|at| at <= admin.clock.now()) {
        return Err(Error::Invalid("it would have ended already".to_owned()));
    }
    let key = untagged(&entry);
    let id =
        admin.store.add_access(tag_word(entry.tag), key, value.trim(), reason, expires).await?;
    Ok(Response::Done(format!("access entry {id}: {whole} {}", value.trim())))
}

pub(super) async fn remove(admin: &Admin, id: i64) -> Result<Response, Error> {
    admin.store.remove_access(id).await?;
    Ok(Response::Done(format!("access entry {id} is ended")))
}

/// Which entry decides of a value, as a session would ask.
pub(super) fn test(admin: &Admin, tag: &str, value: &str) -> Result<Response, Error> {
    let snapshot = admin.policy.snapshot();
    let own = |domain: &mail::Domain| snapshot.is_own(domain);
    let rule = policy::access::test(snapshot.access(), tag, value, own, admin.clock.now());
    let rule = rule.map_err(Error::Invalid)?;
    let Some(rule) = rule else { return Ok(Response::AccessTest(None)) };
    let directory = admin.store.directory();
    let record = directory.access().iter().find(|record| rule.stored == Some(record.id));
    let file = snapshot.access_file();
    let mut written = snapshot.maps().access.iter().map(|entry| of_file(&file, entry));
    let in_file = || written.find(|view| rule.name == format!("access {}", view.origin));
    let view = record.map(|record| of_store(record, admin.clock.now())).or_else(in_file);
    // The maps are those that the rule was compiled from; the entry may have ended meanwhile.
    view.map(|view| Response::AccessTest(Some(view)))
        .ok_or_else(|| Error::NotFound(format!("{} is there no more", rule.name)))
}

/// Entries of the store first, in the order of their numbers; then the file's, by key.
fn order(view: &AccessView) -> String {
    match view.id {
        Some(id) => format!("0 {}", number_key(id)),
        None => format!("1 {} {} {}", view.key, view.tag, view.origin),
    }
}

fn of_store(record: &AccessRecord, now: Timestamp) -> AccessView {
    AccessView {
        id: Some(record.id),
        tag: record.tag.clone(),
        key: record.key.clone(),
        value: record.value.clone(),
        reason: record.reason.clone(),
        expires: record.expires,
        ended: record.expires.is_some_and(|end| end <= now),
        hits: Some(record.hits),
        origin: "store".to_owned(),
    }
}

fn of_file(file: &str, entry: &Entry) -> AccessView {
    AccessView {
        id: None,
        tag: tag_word(entry.tag).to_owned(),
        key: untagged(entry).to_owned(),
        value: entry.value.clone(),
        reason: String::new(),
        expires: None,
        ended: false,
        hits: None,
        origin: format!("{file}:{}", entry.line),
    }
}

fn untagged(entry: &Entry) -> &str {
    strip_tag(&entry.text, tag_word(entry.tag)).unwrap_or(&entry.text)
}

/// The key behind `Tag:`, in whatever case the tag was written.
fn strip_tag<'k>(key: &'k str, tag: &str) -> Option<&'k str> {
    let (head, rest) = key.split_once(':')?;
    (!tag.is_empty() && head.trim().eq_ignore_ascii_case(tag)).then(|| rest.trim_start())
}

fn tag_word(tag: Tag) -> &'static str {
    match tag {
        Tag::Connect => "Connect",
        Tag::From => "From",
        Tag::To => "To",
        Tag::Any => "",
    }
}
