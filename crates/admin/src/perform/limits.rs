//! What accounts, domains and users of this machine may send a day.

use super::accounts;
use crate::request::LimitChange;
use crate::{Admin, Error, Response, SendLimitView};
use mail::{Address, Domain, Submitter};
use store::LimitOf;

/// Who is meant: an account by its address, or a user of the server's machine as `uid:1000`.
pub(super) fn submitter(admin: &Admin, who: &str) -> Result<Submitter, Error> {
    if let Some(uid) = who.strip_prefix("uid:") {
        let wrong = |_| Error::Invalid(format!("`{who}`: a user is named by number, as uid:1000"));
        return uid.parse().map(Submitter::User).map_err(wrong);
    }
    let address = Address::parse(who)
        .map_err(|error| Error::Invalid(format!("`{who}` is no address: {error}")))?;
    accounts::find(admin, &address).map(|account| Submitter::Account(account.id))
}

pub(super) async fn account(
    admin: &Admin,
    who: &str,
    change: LimitChange,
) -> Result<Response, Error> {
    let submitter = submitter(admin, who)?;
    let now = admin.clock.now();
    match (change, submitter) {
        (LimitChange::Show, _) => {}
        (LimitChange::Reset, _) => admin.store.reset_sent(submitter, who, now).await?,
        (_, Submitter::User(_)) => {
            let text = "limits of users of this machine are in the settings: [[local.users]]";
            return Err(Error::Refused(text.to_owned()));
        }
        (change, Submitter::Account(account)) => {
            set(admin, LimitOf::Account(account), who, change).await?;
        }
    }
    let snapshot = admin.policy.snapshot();
    let (of, limits) = match submitter {
        Submitter::Account(account) => {
            (Some(LimitOf::Account(account)), snapshot.limits_of(account))
        }
        Submitter::User(uid) => (None, snapshot.limits_of_user(uid)),
    };
    let sent = admin.store.sent_today(submitter, limits, now).await?;
    Ok(Response::SendLimit(SendLimitView {
        who: who.to_owned(),
        own: of.is_some_and(|of| snapshot.directory().send_limit(of).is_some()),
        recipients: limits.recipients,
        first_time: limits.first_time,
        today: Some(sent.into()),
    }))
}

pub(super) async fn domain(
    admin: &Admin,
    domain: &Domain,
    change: LimitChange,
) -> Result<Response, Error> {
    let directory = admin.store.directory();
    let missing = || Error::NotFound(format!("domain {domain}"));
    let of = directory.domain(domain).map(|record| LimitOf::Domain(record.id));
    let of = of.ok_or_else(missing)?;
    match change {
        LimitChange::Show => {}
        LimitChange::Reset => {
            let text = "each account's day is counted for itself: gatepost account limit --reset";
            return Err(Error::Invalid(text.to_owned()));
        }
        change => set(admin, of, domain.as_str(), change).await?,
    }
    let snapshot = admin.policy.snapshot();
    let limits = snapshot.limits_in(Some(domain));
    Ok(Response::SendLimit(SendLimitView {
        who: domain.to_string(),
        own: snapshot.directory().send_limit(of).is_some(),
        recipients: limits.recipients,
        first_time: limits.first_time,
        today: None,
    }))
}

async fn set(admin: &Admin, of: LimitOf, name: &str, change: LimitChange) -> Result<(), Error> {
    let known = admin.store.directory().send_limit(of).copied();
    let (recipients, first_time) = match change {
        LimitChange::Set { recipients, first_time } => (
            recipients.or(known.and_then(|known| known.recipients)),
            first_time.or(known.and_then(|known| known.first_time)),
        ),
        _ => (None, None),
    };
    Ok(admin.store.set_send_limit(of, name, recipients, first_time).await?)
}
