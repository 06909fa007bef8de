//! The queue: what waits for other servers, why, and what an administrator does about it.

use super::limits;
use crate::request::{QueueFilter, QueueWhat};
use crate::{Admin, Error, Page, Paging, QueueView, Response, RouteView, ServerView, TlsCountView};
use mail::{Domain, Reason, Timestamp};
use policy::ways::{self, Server, Ways};
use smtp::sts::{self, Mode};
use store::{SpoolChange, SpoolFilter, Spooled, TlsCount, TlsDay};

/// Why something is held that an administrator holds.
const HELD: &str = "by an administrator";

pub(super) async fn list(
    admin: &Admin,
    filter: QueueFilter,
    paging: &Paging,
) -> Result<Response, Error> {
    let limit = paging.rows()?;
    let after = paging.number()?.unwrap_or(0);
    let mut rows = admin.store.spool_list(after, &filter_of(admin, filter)?, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let now = admin.clock.now();
    Ok(Response::Queue(Page { rows: rows.into_iter().map(|row| view(row, now)).collect(), next }))
}

pub(super) async fn show(admin: &Admin, id: i64) -> Result<Response, Error> {
    let row = admin.store.spooled(id).await?;
    Ok(Response::QueueEntry(Box::new(view(row, admin.clock.now()))))
}

/// Where mail for a domain would go now; whoever it goes to may change with the DNS.
pub(super) async fn route(admin: &Admin, named: &str) -> Result<Response, Error> {
    let (_, domain) = named.rsplit_once('@').unwrap_or(("", named));
    let is_literal = domain.starts_with('[');
    let destination = if is_literal {
        domain.to_ascii_lowercase()
    } else {
        let parsed = Domain::parse(domain).map_err(|error| Error::Refused(error.to_string()))?;
        parsed.as_str().to_owned()
    };
    let snapshot = admin.policy.snapshot();
    if !is_literal && Domain::parse(&destination).is_ok_and(|domain| snapshot.is_own(&domain)) {
        let text = "a domain of this server: its mail stays here, and aliases may send it on";
        return Err(Error::Refused(format!("{destination} is {text}")));
    }
    let resolver = admin.resolver.as_ref();
    let resolver = resolver.ok_or_else(|| Error::Refused("the DNS cannot be asked".to_owned()))?;
    let ways = Ways::of(snapshot.settings());
    let mut view = RouteView {
        basis: ways.basis(&destination),
        servers: Vec::new(),
        policy: String::new(),
        reason: String::new(),
        text: String::new(),
        is_temporary: false,
        destination,
    };
    match ways::find(&ways, resolver, &view.destination).await {
        Ok(servers) => {
            let server = |server: &Server| ServerView {
                name: server.name.to_string(),
                address: server.address.to_string(),
                trust: server.trust.word().to_owned(),
            };
            view.policy = kept_policy(admin, &ways, &view.destination).await?;
            view.servers = servers.iter().map(server).collect();
        }
        Err(no) => {
            view.is_temporary = no.is_temporary();
            view.reason = no.reason.word().to_owned();
            view.text = no.text;
        }
    }
    Ok(Response::QueueRoute(view))
}

/// The mode of the policy that a domain's mail is sent under, as far as one is kept; empty where
/// the administrator named the way.
async fn kept_policy(admin: &Admin, ways: &Ways, destination: &str) -> Result<String, Error> {
    let Ok(domain) = Domain::parse(destination) else { return Ok(String::new()) };
    if ways.is_named(destination) {
        return Ok(String::new());
    }
    let kept = admin.store.sts_policy(&domain).await?;
    let kept = kept.filter(|kept| kept.expires_at > admin.clock.now());
    let mode = kept.and_then(|kept| sts::Policy::parse(&kept.policy).ok()).map(|it| it.mode);
    Ok(match mode {
        Some(Mode::Enforce) => "enforce".to_owned(),
        Some(Mode::Testing) => "testing".to_owned(),
        Some(Mode::None) | None => String::new(),
    })
}

/// How TLS to other servers went.
pub(super) async fn tls(
    admin: &Admin,
    domain: Option<&Domain>,
    days: u32,
) -> Result<Response, Error> {
    let today = TlsDay::of(admin.clock.now());
    let first = TlsDay(today.0 - i64::from(days.saturating_sub(1)));
    let counts = admin.store.tls_counts(first, today, domain).await?;
    let view = |count: TlsCount| TlsCountView {
        day: count.day.begins(),
        domain: count.session.domain,
        policy: count.session.kind,
        result: count.session.result,
        host: count.session.host,
        detail: count.session.detail,
        sessions: count.sessions,
    };
    Ok(Response::TlsCounts(counts.into_iter().map(view).collect()))
}

/// Changes what is named by number, or all that the filter fits.
pub(super) async fn change(
    admin: &Admin,
    what: QueueWhat,
    ids: Vec<i64>,
    filter: Option<QueueFilter>,
) -> Result<Response, Error> {
    let change = match what {
        QueueWhat::Hold => SpoolChange::Hold(HELD),
        QueueWhat::Release => SpoolChange::Release,
        QueueWhat::Retry => SpoolChange::Retry,
        QueueWhat::Remove => SpoolChange::Remove,
    };
    let (mut meant, mut changed) = (0, 0);
    for id in ids {
        let copy = admin.store.spooled(id).await?;
        meant += 1;
        changed += admin.store.change_spool(&[copy], change).await?;
    }
    if let Some(filter) = filter {
        let filter = filter_of(admin, filter)?;
        let mut after = 0;
        loop {
            let rows = admin.store.spool_list(after, &filter, Paging::LIMIT_MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            meant += rows.len() as u64;
            changed += admin.store.change_spool(&rows, change).await?;
        }
    }
    let busy = match meant.saturating_sub(changed) {
        0 => String::new(),
        busy => format!(", {busy} are being sent at this moment"),
    };
    Ok(Response::Done(format!("{changed} {}{busy}", what.done())))
}

fn filter_of(admin: &Admin, filter: QueueFilter) -> Result<SpoolFilter, Error> {
    let QueueFilter { destination, sender, message, account, held } = filter;
    let submitter = account.map(|who| limits::submitter(admin, &who)).transpose()?;
    let destination = destination.unwrap_or_default().to_ascii_lowercase();
    Ok(SpoolFilter { destination, sender: sender.unwrap_or_default(), message, submitter, held })
}

fn view(row: Spooled, now: Timestamp) -> QueueView {
    let state = match &row {
        row if !row.held.is_empty() => "held",
        row if row.is_leased => "being sent",
        row if row.next_at <= now => "due",
        row if row.attempts > 0 => "deferred",
        _ => "waiting",
    };
    let cure = Reason::from_word(&row.last_reason).and_then(|reason| cure(reason, row.last_reply));
    QueueView {
        id: row.id,
        message: row.message,
        sender: row.sender,
        recipient: row.recipient,
        destination: row.destination,
        state: state.to_owned(),
        held: row.held,
        size: row.size,
        queued: row.queued_at,
        next: row.next_at,
        attempts: row.attempts,
        last: row.last_at,
        reply: row.last_reply,
        reason: row.last_reason,
        text: row.last_text,
        host: row.last_host,
        cure: cure.unwrap_or_default().to_owned(),
    }
}

/// What usually helps.
fn cure(reason: Reason, reply: u16) -> Option<&'static str> {
    Some(match (reason, reply) {
        (Reason::RemoteDeferred, 450 | 451) => {
            "Usual for greylisting and busy servers: it passes with one of the next attempts."
        }
        (Reason::RemoteDeferred, 452) => "The other mailbox or server is full: its owner must act.",
        (Reason::RemoteDeferred, _) => {
            "Read the other server's words: if they name this server's address, look at its PTR \
             record, SPF and block lists."
        }
        (Reason::RemoteUnreachable, _) => {
            "Is port 25 outbound open here (many providers close it)? If it is, the other server is \
             down: it is tried again. A smarthost (send.smarthost) is a way around."
        }
        (Reason::RemoteFault, _) => "The other server misbehaves: its administrator must act.",
        (Reason::RemoteUntrusted, _) => {
            "The domain, or the sender, demands TLS that this server did not offer or not prove: its \
             administrator must act. Mail is never sent around that; to a partner whom you trust, \
             [[send.routes]] names a way."
        }
        (Reason::DnsFailed, _) => {
            "Do the name servers of this machine answer (/etc/resolv.conf)? If they do, those of the \
             domain do not."
        }
        _ => return None,
    })
}
