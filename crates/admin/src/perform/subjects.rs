//! Subject rules: of the store, of the settings, and which of them a subject would match.

use crate::paging::{number_key, page};
use crate::{Admin, Error, Paging, Response, SubjectView};
use config::subject::Match;
use filter::subject::normalise::Subject;
use filter::subject::rules::{Rule, usable};
use mail::{ReplyText, Timestamp};
use store::NewSubject;

/// Longest subject that is tested.
const SUBJECT_MAX: usize = 64 * 1024;

pub(super) async fn list(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    // Hits are counted in the database; the directory has them as of its last load.
    admin.store.reload_directory().await?;
    let rules = admin.filter.subject_rules();
    let rules = rules.into_iter().enumerate();
    let rules = page(
        "subjects",
        rules,
        paging,
        |(at, rule)| match rule.id {
            Some(id) => format!("1 {}", number_key(id)),
            None => format!("0 {at:06}"),
        },
        |(_, rule)| view(admin, &rule),
    )?;
    Ok(Response::Subjects(rules))
}

pub(super) async fn add(
    admin: &Admin,
    kind: String,
    pattern: String,
    reply: Option<ReplyText>,
    expires: Option<Timestamp>,
) -> Result<Response, Error> {
    let Some(kind) = Match::from_word(&kind) else {
        return Err(Error::Invalid(format!("`{kind}` is none of text, prefix, regex")));
    };
    usable(kind, &pattern).map_err(Error::Invalid)?;
    if expires.is_some_and(|at| at <= admin.clock.now()) {
        return Err(Error::Invalid("it would have ended already".to_owned()));
    }
    let (code, enhanced, text) = reply.map(words).transpose()?.unwrap_or_default();
    let kind = kind.word().to_owned();
    let said = format!("{kind} {pattern:?}");
    let new = NewSubject { kind, pattern, code, enhanced, text, expires };
    let id = admin.store.add_subject(new).await?;
    Ok(Response::Done(format!("subject rule {id}: {said}")))
}

/// Code, enhanced code and text as the store keeps them, checked as the settings file checks them.
fn words(reply: ReplyText) -> Result<(u16, String, String), Error> {
    let enhanced = reply.enhanced.map(|(c, s, d)| format!("{c}.{s}.{d}")).unwrap_or_default();
    // Without a text of its own a rule takes the reason's: any will do for the check.
    let text = if reply.text.is_empty() { "text" } else { &reply.text };
    config::reply::parse_reply(&format!("{} {enhanced} {text}", reply.code))
        .map_err(Error::Invalid)?;
    Ok((reply.code, enhanced, reply.text))
}

pub(super) async fn remove(admin: &Admin, id: i64) -> Result<Response, Error> {
    admin.store.remove_subject(id).await?;
    Ok(Response::Done(format!("subject rule {id} is ended")))
}

/// The rule that would refuse a message with this subject, written as in its header field.
pub(super) fn test(admin: &Admin, subject: &str) -> Result<Response, Error> {
    if subject.len() > SUBJECT_MAX {
        return Err(Error::Invalid(format!("a subject has at most {SUBJECT_MAX} bytes")));
    }
    let subject = Subject::new(&mail::mime::text(subject.as_bytes()));
    let matching = admin.filter.matching(&subject, admin.clock.now());
    Ok(Response::SubjectTest {
        normalised: subject.whole().to_owned(),
        rule: matching.first().map(|rule| view(admin, rule)),
    })
}

fn view(admin: &Admin, rule: &Rule) -> SubjectView {
    let directory = admin.store.directory();
    let record = directory.subjects().iter().find(|record| rule.id == Some(record.id));
    SubjectView {
        id: rule.id,
        kind: rule.kind.word().to_owned(),
        pattern: rule.pattern.clone(),
        code: rule.reply.as_ref().map_or(553, |reply| reply.code),
        text: rule.reply.as_ref().map(|reply| reply.text.clone()).unwrap_or_default(),
        expires: rule.expires,
        ended: rule.expires.is_some_and(|end| end <= admin.clock.now()),
        hits: record.map(|record| record.hits),
    }
}
