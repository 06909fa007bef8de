//! From a command to the request that it means.

use crate::cli::app_password::AppPasswordCommand;
use crate::cli::object::{
    AccessCommand, AccountCommand, AdminCommand, AliasCommand, DkimCommand, DomainCommand,
    LimitArgs, MailboxCommand, PageArgs, SubjectCommand,
};
use crate::cli::quarantine::QuarantineCommand;
use crate::cli::queue::{QueueCommand, QueueFilterArgs, QueueMeantArgs};
use crate::cli::scanner::ScannerCommand;
use crate::failure::usage;
use ::admin::{
    DkimWhat, LimitChange, Paging, QueueFilter, QueueWhat, Request, ScannerRequest, TraceAbout,
};
use anyhow::{Context, Result, bail};
use mail::{Domain, EntryId, MessageId, ReplyText, SessionId, Timestamp};

/// What to ask before something is removed.
pub(super) fn confirmation(command: &AdminCommand) -> Option<String> {
    match command {
        AdminCommand::Domain(DomainCommand::Remove { domain }) => {
            Some(format!("Stop receiving mail for {domain}?"))
        }
        AdminCommand::Domain(DomainCommand::Dkim(DkimCommand::Retire { domain, selector })) => {
            Some(format!("Sign no more with {selector} of {domain}?"))
        }
        AdminCommand::Account(AccountCommand::Remove { address }) => {
            Some(format!("Remove {address} and all its mail?"))
        }
        AdminCommand::Account(AccountCommand::AppPassword(AppPasswordCommand::Remove {
            address,
            name,
        })) => Some(format!("Remove the app password {name} of {address}?")),
        AdminCommand::Alias(AliasCommand::Remove { name }) => {
            Some(format!("Remove the alias {name}?"))
        }
        AdminCommand::Queue(QueueCommand::Remove(_)) => {
            Some("Remove these from the queue without telling anybody?".to_owned())
        }
        AdminCommand::Quarantine(QuarantineCommand::Delete { id }) => {
            Some(format!("Delete {id} for good without telling anybody?"))
        }
        _ => None,
    }
}

/// The request of a command.
pub(super) fn request(command: &AdminCommand) -> Result<Request> {
    Ok(match command {
        AdminCommand::Status => Request::Status,
        AdminCommand::Reload => Request::Reload,
        AdminCommand::Fsck => Request::Fsck,
        AdminCommand::Domain(command) => domain(command),
        AdminCommand::Account(command) => account(command)?,
        AdminCommand::Alias(command) => alias(command),
        AdminCommand::Access(command) => access(command)?,
        AdminCommand::Subject(command) => subject(command),
        AdminCommand::Mailbox(command) => mailbox(command)?,
        AdminCommand::Queue(command) => queue(command)?,
        AdminCommand::Quarantine(command) => command.request(),
        AdminCommand::Scanner(ScannerCommand::Status) => Request::Scanner(ScannerRequest::Status),
        AdminCommand::SelfTest => Request::Scanner(ScannerRequest::SelfTest),
        AdminCommand::Trace { about, session, page } => {
            Request::Trace { about: trace_about(about.as_deref(), *session)?, paging: paging(page) }
        }
    })
}

fn paging(page: &PageArgs) -> Paging {
    Paging { limit: usize::from(page.limit), cursor: page.cursor.clone() }
}

fn time(at: Option<jiff::Timestamp>) -> Option<Timestamp> {
    at.map(|at| Timestamp(at.as_millisecond()))
}

fn trace_about(about: Option<&str>, session: bool) -> Result<TraceAbout> {
    let Some(about) = about else { return Ok(TraceAbout::Everything) };
    // The one address that needs no domain (RFC 5321 §4.1.1.3).
    let address = about.contains('@') || about.eq_ignore_ascii_case("postmaster");
    Ok(match about.parse::<i64>() {
        Ok(id) if session => TraceAbout::Session(SessionId(id)),
        Ok(id) => TraceAbout::Message(MessageId(id)),
        Err(_) if session => return Err(usage("a session is named by its number").into()),
        Err(_) if address => TraceAbout::Address(about.to_owned()),
        Err(_) => {
            let neither = format!("`{about}` is neither a message's number nor an address");
            return Err(usage(neither).into());
        }
    })
}

fn domain(command: &DomainCommand) -> Request {
    match command {
        DomainCommand::Add { domain } => Request::DomainAdd { domain: domain.clone() },
        DomainCommand::Limit { domain, limit } => {
            Request::DomainLimit { domain: domain.clone(), change: limit_change(*limit, false) }
        }
        DomainCommand::List(page) => Request::DomainList(paging(page)),
        DomainCommand::Dkim(command) => dkim(command),
        DomainCommand::Dns(args) => Request::DomainDns { domain: args.domain.clone() },
        DomainCommand::Remove { domain } => Request::DomainRemove { domain: domain.clone() },
    }
}

fn dkim(command: &DkimCommand) -> Request {
    let change = |domain: &Domain, what| Request::DkimChange { domain: domain.clone(), what };
    match command {
        DkimCommand::List { domain, page } => {
            Request::DkimList { domain: domain.clone(), paging: paging(page) }
        }
        DkimCommand::Rotate { domain } => change(domain, DkimWhat::Rotate),
        DkimCommand::Activate { domain, unseen } => {
            change(domain, DkimWhat::Activate { unseen: *unseen })
        }
        DkimCommand::Retire { domain, selector } => {
            change(domain, DkimWhat::Retire { selector: selector.clone() })
        }
    }
}

fn account(command: &AccountCommand) -> Result<Request> {
    Ok(match command {
        AccountCommand::Add { address, password_stdin, hash, quota, admin } => {
            Request::AccountAdd {
                address: address.clone(),
                password: password(*password_stdin)?,
                hash: hash.clone(),
                quota: *quota,
                admin: *admin,
            }
        }
        AccountCommand::Limit { who, limit, reset } => {
            Request::AccountLimit { who: who.clone(), change: limit_change(*limit, *reset) }
        }
        AccountCommand::List(page) => Request::AccountList(paging(page)),
        AccountCommand::Password { address, password_stdin } => Request::AccountPassword {
            address: address.clone(),
            password: password(*password_stdin)?,
        },
        AccountCommand::Disable { address } => {
            Request::AccountDisable { address: address.clone(), disabled: true }
        }
        AccountCommand::Enable { address } => {
            Request::AccountDisable { address: address.clone(), disabled: false }
        }
        AccountCommand::Remove { address } => Request::AccountRemove { address: address.clone() },
        AccountCommand::Show { address } => Request::AccountShow { address: address.clone() },
        AccountCommand::AppPassword(command) => app_password(command),
        AccountCommand::Grant { address, grant } => {
            Request::AccountGrant { address: address.clone(), grant: grant.to_string() }
        }
        AccountCommand::Revoke { address, grant } => {
            Request::AccountRevoke { address: address.clone(), grant: grant.to_string() }
        }
    })
}

fn app_password(command: &AppPasswordCommand) -> Request {
    match command {
        AppPasswordCommand::Add(args) => Request::AppPasswordAdd {
            address: args.address.clone(),
            name: args.name.clone(),
            protocols: args.protocols(),
            networks: args.networks.clone(),
            expires: time(args.expires),
        },
        AppPasswordCommand::List { address } => {
            Request::AppPasswordList { address: address.clone() }
        }
        AppPasswordCommand::Remove { address, name } => {
            Request::AppPasswordRemove { address: address.clone(), name: name.clone() }
        }
    }
}

fn limit_change(limit: LimitArgs, reset: bool) -> LimitChange {
    let LimitArgs { recipients, first_time, default } = limit;
    match (recipients, first_time) {
        _ if reset => LimitChange::Reset,
        _ if default => LimitChange::Default,
        (None, None) => LimitChange::Show,
        _ => LimitChange::Set { recipients, first_time },
    }
}

/// A password from standard input; arguments can be seen by everyone on the machine.
fn password(from_stdin: bool) -> Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(usage("the password on standard input is empty").into());
    }
    Ok(Some(password))
}

fn alias(command: &AliasCommand) -> Request {
    match command {
        AliasCommand::Add { name, goals } => {
            Request::AliasAdd { name: name.clone(), goals: goals.clone() }
        }
        AliasCommand::List(page) => Request::AliasList(paging(page)),
        AliasCommand::Review(page) => Request::AliasReview(paging(page)),
        AliasCommand::Show { name } => Request::AliasShow { name: name.clone() },
        AliasCommand::Remove { name } => Request::AliasRemove { name: name.clone() },
    }
}

/// `From:spammer.example` to its tag and its key; a key such as `IPv6:2001:db8` has no tag.
fn tagged(text: &str) -> (&str, &str) {
    match text.split_once(':') {
        Some((tag, key))
            if ["connect", "from", "to"].contains(&tag.to_ascii_lowercase().as_str()) =>
        {
            (tag, key)
        }
        _ => ("", text),
    }
}

fn access(command: &AccessCommand) -> Result<Request> {
    Ok(match command {
        AccessCommand::Add { key, value, reason, expires } => {
            let (tag, key) = tagged(key);
            Request::AccessAdd {
                tag: tag.to_owned(),
                key: key.to_owned(),
                value: value.clone(),
                reason: reason.clone(),
                expires: time(*expires),
            }
        }
        AccessCommand::List(page) => Request::AccessList(paging(page)),
        AccessCommand::Remove { id } => Request::AccessRemove { id: *id },
        AccessCommand::Test { value } => {
            let (tag, value) = tagged(value);
            if tag.is_empty() {
                let hint = format!("gatepost access test From:{value}");
                return Err(usage("say what the value is: Connect:, From: or To:")
                    .hint(hint)
                    .into());
            }
            Request::AccessTest { tag: tag.to_owned(), value: value.to_owned() }
        }
    })
}

fn subject(command: &SubjectCommand) -> Request {
    match command {
        SubjectCommand::Add { pattern, kind, code, text, expires } => {
            let own = text.is_some() || *code != 553;
            Request::SubjectAdd {
                kind: kind.clone(),
                pattern: pattern.clone(),
                reply: own.then(|| ReplyText {
                    code: *code,
                    enhanced: None,
                    text: text.clone().unwrap_or_default(),
                }),
                expires: time(*expires),
            }
        }
        SubjectCommand::List(page) => Request::SubjectList(paging(page)),
        SubjectCommand::Remove { id } => Request::SubjectRemove { id: *id },
        SubjectCommand::Test { subject } => Request::SubjectTest { subject: subject.clone() },
    }
}

fn queue(command: &QueueCommand) -> Result<Request> {
    let change = |what, meant: &QueueMeantArgs| {
        let filter = filter(&meant.filter);
        let is_filtered = filter != QueueFilter::default();
        if meant.ids.is_empty() && !is_filtered && !meant.all {
            let missing = "say which: numbers, --destination, --sender, --message, --account, --held or --all";
            return Err(usage(missing).hint("gatepost queue list").into());
        }
        let filter = (is_filtered || meant.all).then_some(filter);
        Ok(Request::QueueChange { what, ids: meant.ids.clone(), filter })
    };
    match command {
        QueueCommand::List { filter, page } => {
            Ok(Request::QueueList { filter: self::filter(filter), paging: paging(page) })
        }
        QueueCommand::Show { id } => Ok(Request::QueueShow { id: *id }),
        QueueCommand::Route { destination } => {
            Ok(Request::QueueRoute { destination: destination.clone() })
        }
        QueueCommand::Tls { domain, days } => {
            Ok(Request::QueueTls { domain: domain.clone(), days: *days })
        }
        QueueCommand::Retry(meant) => change(QueueWhat::Retry, meant),
        QueueCommand::Hold(meant) => change(QueueWhat::Hold, meant),
        QueueCommand::Release(meant) => change(QueueWhat::Release, meant),
        QueueCommand::Remove(meant) => change(QueueWhat::Remove, meant),
    }
}

fn filter(filter: &QueueFilterArgs) -> QueueFilter {
    QueueFilter {
        destination: filter.destination.clone(),
        sender: filter.sender.clone(),
        message: filter.message.map(MessageId),
        account: filter.account.clone(),
        held: filter.held,
    }
}

fn mailbox(command: &MailboxCommand) -> Result<Request> {
    Ok(match command {
        MailboxCommand::List { address } => Request::MailboxList { address: address.clone() },
        MailboxCommand::Show { address, mailbox, page } => Request::MailboxShow {
            address: address.clone(),
            mailbox: mailbox.clone(),
            paging: paging(page),
        },
        MailboxCommand::Move { address, from, to, entries } => Request::MailboxMove {
            address: address.clone(),
            from: from.clone(),
            to: to.clone(),
            entries: entries.iter().copied().map(EntryId).collect(),
        },
        MailboxCommand::Export { .. } => bail!("an export is many requests"),
    })
}

#[cfg(test)]
mod tests {
    use super::tagged;

    #[test]
    fn tags_are_told_from_keys() {
        assert_eq!(tagged("From:spammer.example"), ("From", "spammer.example"));
        assert_eq!(tagged("connect:IPv6:2001:db8"), ("connect", "IPv6:2001:db8"));
        assert_eq!(tagged("IPv6:2001:db8"), ("", "IPv6:2001:db8"));
        assert_eq!(tagged("spammer.example"), ("", "spammer.example"));
    }
}
