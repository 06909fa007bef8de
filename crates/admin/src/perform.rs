//! The one table from requests to operations.

mod access;
mod accounts;
mod aliases;
mod credentials;
mod dkim;
mod domains;
mod limits;
pub(crate) mod mailboxes;
mod quarantine;
mod queue;
mod records;
mod server;
mod subjects;
mod trace;

use crate::{Admin, Error, Request, Response};
use mail::SenderGrant;

/// Carries a request out.
///
/// # Errors
/// See [`Error`]; nothing was changed then.
pub async fn perform(admin: &Admin, request: Request) -> Result<Response, Error> {
    match request {
        Request::Status => server::status(admin).await,
        Request::Reload => server::reload(admin).await,
        Request::Fsck => server::fsck(admin).await,
        Request::DomainList(paging) => domains::list(admin, &paging),
        Request::DomainAdd { domain } => domains::add(admin, &domain).await,
        Request::DomainRemove { domain } => domains::remove(admin, &domain).await,
        Request::DomainDns { domain } => records::records(admin, &domain),
        Request::DkimList { domain, paging } => dkim::list(admin, domain.as_ref(), &paging),
        Request::DkimChange { domain, what } => dkim::change(admin, &domain, what).await,
        Request::AccountList(paging) => accounts::list(admin, &paging),
        Request::AccountAdd { address, password, hash, quota, admin: administers } => {
            let credential = accounts::Credential::new(password, hash)?;
            accounts::add(admin, address, credential, quota, administers).await
        }
        Request::AccountPassword { address, password } => {
            accounts::password(admin, address, password).await
        }
        Request::AccountDisable { address, disabled } => {
            accounts::disable(admin, &address, disabled).await
        }
        Request::AccountLimit { who, change } => limits::account(admin, &who, change).await,
        Request::DomainLimit { domain, change } => limits::domain(admin, &domain, change).await,
        Request::AccountRemove { address } => accounts::remove(admin, &address).await,
        request @ (Request::AccountShow { .. }
        | Request::AccountGrant { .. }
        | Request::AccountRevoke { .. }
        | Request::AppPasswordAdd { .. }
        | Request::AppPasswordList { .. }
        | Request::AppPasswordRemove { .. }) => credential(admin, request).await,
        Request::AliasList(paging) => aliases::list(admin, &paging),
        Request::AliasAdd { name, goals } => aliases::add(admin, &name, goals).await,
        Request::AliasRemove { name } => aliases::remove(admin, &name).await,
        Request::AliasReview(paging) => aliases::review(admin, &paging),
        Request::AliasShow { name } => aliases::show(admin, &name),
        Request::AccessList(paging) => access::list(admin, &paging).await,
        Request::AccessAdd { tag, key, value, reason, expires } => {
            access::add(admin, &tag, &key, &value, &reason, expires).await
        }
        Request::AccessRemove { id } => access::remove(admin, id).await,
        Request::AccessTest { tag, value } => access::test(admin, &tag, &value),
        Request::SubjectList(paging) => subjects::list(admin, &paging).await,
        Request::SubjectAdd { kind, pattern, reply, expires } => {
            subjects::add(admin, kind, pattern, reply, expires).await
        }
        Request::SubjectRemove { id } => subjects::remove(admin, id).await,
        Request::SubjectTest { subject } => subjects::test(admin, &subject),
        Request::MailboxList { address } => mailboxes::list(admin, &address).await,
        Request::MailboxShow { address, mailbox, paging } => {
            mailboxes::show(admin, &address, &mailbox, &paging).await
        }
        Request::MailboxMove { address, from, to, entries } => {
            mailboxes::shift(admin, &address, &from, &to, entries).await
        }
        Request::MessageRead { address, mailbox, uid, offset } => {
            mailboxes::read(admin, &address, &mailbox, uid, offset).await
        }
        Request::QueueList { filter, paging } => queue::list(admin, filter, &paging).await,
        Request::QueueShow { id } => queue::show(admin, id).await,
        Request::QueueRoute { destination } => queue::route(admin, &destination).await,
        Request::QueueTls { domain, days } => queue::tls(admin, domain.as_ref(), days).await,
        Request::QueueChange { what, ids, filter } => queue::change(admin, what, ids, filter).await,
        Request::Quarantine(request) => quarantine::perform(admin, request).await,
        Request::Scanner(request) => crate::scanner::perform(admin, request).await,
        Request::Trace { about, paging } => trace::trace(admin, about, &paging).await,
    }
}

/// What an account may send as, and its app passwords.
async fn credential(admin: &Admin, request: Request) -> Result<Response, Error> {
    match request {
        Request::AccountShow { address } => credentials::show(admin, &address).await,
        Request::AccountGrant { address, grant } => {
            credentials::grant(admin, &address, &self::grant(&grant)?).await
        }
        Request::AccountRevoke { address, grant } => {
            credentials::revoke(admin, &address, &self::grant(&grant)?).await
        }
        Request::AppPasswordAdd { address, name, protocols, networks, expires } => {
            let wanted = credentials::Wanted { name, protocols, networks, expires };
            credentials::add(admin, address, wanted).await
        }
        Request::AppPasswordList { address } => credentials::list(admin, &address).await,
        Request::AppPasswordRemove { address, name } => {
            credentials::remove(admin, &address, &name).await
        }
        _ => Err(Error::Invalid("this is about no credential".to_owned())),
    }
}

fn grant(text: &str) -> Result<SenderGrant, Error> {
    text.parse().map_err(|why| Error::Invalid(format!("`{text}` is no address or domain: {why}")))
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let text = error.to_string();
        match error {
            store::Error::NotFound(_) => Error::NotFound(text),
            store::Error::Exists(_) => Error::Exists(text),
            store::Error::Invalid(_) => Error::Refused(text),
            _ => Error::Store(text),
        }
    }
}
