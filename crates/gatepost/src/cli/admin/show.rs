//! Responses for people: tables and sentences.

mod accounts;
mod quarantine;
mod scanner;

use crate::output;
use ::admin::{
    AccessView, AliasReview, CountedView, DkimKeyView, DomainView, EntryView, Fsck, Page,
    QuarantineResponse, QueueView, Response, RouteView, SendLimitView, ServerView, SubjectView,
    TlsCountView, TraceView,
};
use mail::{Address, Timestamp, TraceRow};
use std::process::ExitCode;

/// What is printed.
pub(super) fn text(response: &Response) -> String {
    match response {
        Response::Done(text) => text.clone(),
        Response::Status(status) => super::status::text(status),
        Response::Fsck(fsck) => self::fsck(fsck),
        Response::Domains(page) => paged(page, DOMAIN_HEAD, domain_row),
        Response::Accounts(page) => paged(page, accounts::HEAD, accounts::row),
        Response::Account { account, app_passwords } => accounts::one(account, app_passwords),
        Response::AppPassword { address, name, password } => {
            format!("The app password {name} of {address}:\n{password}\n(shown this once)")
        }
        Response::AppPasswords(rows) => accounts::app_passwords(rows),
        Response::DomainDns(records) => format!("{} records", records.records.len()),
        Response::DkimKeys(page) => paged(page, DKIM_HEAD, dkim_row),
        Response::Password { address, added, password } => {
            self::password(address, *added, password.as_deref())
        }
        Response::Aliases(page) => paged(page, &["Alias", "Leads to", "Written in"], |a| {
            vec![a.name.clone(), a.goals.join("\n"), a.origin.clone()]
        }),
        Response::AliasReview(page) => paged(page, REVIEW_HEAD, review_row),
        Response::AccessEntries(page) => paged(page, ACCESS_HEAD, access_row),
        Response::AccessTest(Some(entry)) => output::table(ACCESS_HEAD, &[access_row(entry)]),
        Response::AccessTest(None) => "No entry speaks of it.".to_owned(),
        Response::Subjects(page) => paged(page, SUBJECT_HEAD, subject_row),
        Response::SubjectTest { normalised, rule } => match rule {
            Some(rule) => {
                let table = output::table(SUBJECT_HEAD, &[subject_row(rule)]);
                format!("Normalised: {normalised}\n{table}")
            }
            None => format!("Normalised: {normalised}\nNo rule matches."),
        },
        Response::Mailboxes(rows) => {
            let rows: Vec<Vec<String>> = rows
                .iter()
                .map(|m| vec![m.name.clone(), m.messages.to_string(), m.size.to_string()])
                .collect();
            output::table(&["Mailbox", "Messages", "Bytes"], &rows)
        }
        Response::Entries(page) => paged(page, ENTRY_HEAD, entry_row),
        Response::Window { size, .. } => format!("{size} bytes"),
        Response::Scanner(response) => scanner::text(response),
        Response::Queue(page) => paged(page, QUEUE_HEAD, queue_row),
        Response::QueueEntry(entry) => queue_entry(entry),
        Response::QueueRoute(route) => queue_route(route),
        Response::SendLimit(limit) => send_limit(limit),
        Response::TlsCounts(counts) => {
            let rows: Vec<Vec<String>> = counts.iter().map(tls_row).collect();
            output::table(TLS_HEAD, &rows)
        }
        Response::Quarantine(QuarantineResponse::List(page)) => {
            paged(page, quarantine::HEAD, quarantine::row)
        }
        Response::Quarantine(QuarantineResponse::One(held)) => quarantine::one(held),
        Response::Trace(page) => trace(page),
    }
}

/// Exit 1 where the answer is a finding or a refusal.
pub(super) fn verdict(response: &Response) -> ExitCode {
    let found = match response {
        Response::Fsck(fsck) => !fsck.problems.is_empty(),
        Response::AliasReview(page) => page.rows.iter().any(|row| !row.flags.is_empty()),
        Response::AccessTest(Some(entry)) => {
            !["OK", "RELAY"].contains(&entry.value.to_ascii_uppercase().as_str())
        }
        Response::SubjectTest { rule, .. } => rule.is_some(),
        Response::QueueRoute(route) => route.servers.is_empty(),
        Response::Scanner(response) => scanner::is_wrong(response),
        _ => false,
    };
    if found { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

const DOMAIN_HEAD: &[&str] =
    &["Domain", "As written", "Accounts", "Postmaster's mail", "Abuse's mail"];

fn domain_row(domain: &DomainView) -> Vec<String> {
    let nobody = |ends: &[String]| match ends {
        [] => "NOBODY".to_owned(),
        ends => ends.join("\n"),
    };
    vec![
        domain.domain.clone(),
        domain.unicode.clone(),
        domain.accounts.to_string(),
        nobody(&domain.postmaster),
        nobody(&domain.abuse),
    ]
}

const DKIM_HEAD: &[&str] =
    &["Domain", "Selector", "Algorithm", "State", "To publish since", "Seen", "Signs since"];

fn dkim_row(key: &DkimKeyView) -> Vec<String> {
    let day = |at: Timestamp| at.rfc3339().chars().take(10).collect::<String>();
    let state = match key.retired {
        Some(at) => format!("retired {}", day(at)),
        None if key.activated.is_none() && key.seen.is_none() => "waits for the DNS".to_owned(),
        None if key.activated.is_none() => "waits".to_owned(),
        None => "signs".to_owned(),
    };
    vec![
        key.domain.clone(),
        key.selector.clone(),
        key.algorithm.clone(),
        state,
        day(key.published),
        key.seen.map(day).unwrap_or_default(),
        key.activated.map(day).unwrap_or_default(),
    ]
}

fn password(address: &Address, added: bool, password: Option<&str>) -> String {
    let done = if added { "is added" } else { "has a new password" };
    let shown = password.map(|made| format!(":\n{made}\n(shown this once)"));
    format!("{address} {done}{}", shown.unwrap_or_else(|| ".".to_owned()))
}

const REVIEW_HEAD: &[&str] = &["Alias", "Ends in", "Flags", "How, and why", "Written in"];

fn review_row(review: &AliasReview) -> Vec<String> {
    vec![
        review.name.clone(),
        review.ends.join("\n"),
        review.flags.join(", "),
        review.notes.join("\n"),
        review.origin.clone(),
    ]
}

const ENTRY_HEAD: &[&str] = &["Entry", "Message", "UID", "Received", "Bytes", "From", "Subject"];

fn entry_row(entry: &EntryView) -> Vec<String> {
    vec![
        entry.id.to_string(),
        entry.message.to_string(),
        entry.uid.to_string(),
        entry.received.rfc3339(),
        entry.size.to_string(),
        entry.from.clone(),
        entry.subject.clone(),
    ]
}

const QUEUE_HEAD: &[&str] = &["No.", "Message", "From", "To", "State", "Tries", "Next", "Why"];

fn queue_row(entry: &QueueView) -> Vec<String> {
    vec![
        entry.id.to_string(),
        entry.message.to_string(),
        entry.sender.clone(),
        entry.recipient.clone(),
        entry.state.clone(),
        entry.attempts.to_string(),
        if entry.held.is_empty() { entry.next.rfc3339() } else { String::new() },
        if entry.held.is_empty() { said(entry) } else { entry.held.clone() },
    ]
}

/// What the other server said, as one line.
const TLS_HEAD: &[&str] = &["Day", "Domain", "Policy", "Sessions", "Result", "Server", "More"];

fn tls_row(count: &TlsCountView) -> Vec<String> {
    let day = count.day.rfc3339();
    let result = if count.result.is_empty() { "good" } else { &count.result };
    vec![
        day.get(..10).unwrap_or_default().to_owned(),
        count.domain.clone(),
        count.policy.clone(),
        count.sessions.to_string(),
        result.to_owned(),
        count.host.clone(),
        count.detail.clone(),
    ]
}

fn said(entry: &QueueView) -> String {
    match (entry.host.as_str(), entry.reply) {
        ("", _) => entry.text.clone(),
        (host, 0) => format!("{host}: {}", entry.text),
        (host, code) => format!("{host}: {code} {}", entry.text),
    }
}

fn queue_entry(entry: &QueueView) -> String {
    let when = |at: Option<Timestamp>| at.map_or("never".to_owned(), Timestamp::rfc3339);
    let mut lines = vec![
        format!("{}: message {} of {} bytes", entry.id, entry.message, entry.size),
        format!("from {} to {} (destination {})", entry.sender, entry.recipient, entry.destination),
        format!(
            "accepted {}, {} tries, last {}",
            entry.queued.rfc3339(),
            entry.attempts,
            when(entry.last)
        ),
    ];
    lines.push(match entry.held.as_str() {
        "" => format!("{}: next {}", entry.state, entry.next.rfc3339()),
        why => format!("held {why}: gatepost queue release {}", entry.id),
    });
    if !entry.reason.is_empty() {
        lines.push(format!("{}: {}", entry.reason, said(entry)));
    }
    if !entry.cure.is_empty() {
        lines.push(entry.cure.clone());
    }
    lines.join("\n")
}

fn queue_route(route: &RouteView) -> String {
    let decided = format!("{}, as {} says", route.destination, route.basis);
    if route.servers.is_empty() {
        let until = if route.is_temporary { "not at present" } else { "no way" };
        return format!("{decided}: {until} ({}): {}", route.reason, route.text);
    }
    let row = |one: &ServerView| {
        let tls = match one.trust.as_str() {
            "none" => "if it is offered",
            "tls" => "demanded",
            "dane" => "as its TLSA records say (DANE)",
            _ => "with a certificate good for its name",
        };
        vec![one.name.clone(), one.address.clone(), tls.to_owned()]
    };
    let rows: Vec<Vec<String>> = route.servers.iter().map(row).collect();
    let table = output::table(&["Server", "Address", "TLS"], &rows);
    let policy = match route.policy.as_str() {
        "" => String::new(),
        mode => format!("\nIts policy (MTA-STS, {mode}) says which of them may be used, and how."),
    };
    format!("{decided}, goes to the first of these that answers:\n{table}{policy}")
}

fn send_limit(limit: &SendLimitView) -> String {
    let whose = if limit.own { "its own limit" } else { "as the wider say" };
    let mut text = format!(
        "{}: {} recipients a day, {} of them for the first time ({whose})",
        limit.who, limit.recipients, limit.first_time
    );
    if let Some(today) = &limit.today {
        text.push_str(&format!(
            "\ntoday: {} of {} recipients, {} of {} for the first time, {} copies held\n\
             {} clean days have added to it",
            today.recipients,
            today.recipients_max,
            today.first_time,
            today.first_time_max,
            today.held,
            today.clean_days
        ));
    }
    text
}

const ACCESS_HEAD: &[&str] = &["No.", "Entry", "Says", "Why", "Ends", "Hits", "Written in"];

fn access_row(entry: &AccessView) -> Vec<String> {
    let tag = if entry.tag.is_empty() { String::new() } else { format!("{}:", entry.tag) };
    vec![
        entry.id.map(|id| id.to_string()).unwrap_or_default(),
        format!("{tag}{}", entry.key),
        entry.value.clone(),
        entry.reason.clone(),
        ends(entry.expires, entry.ended),
        hits(entry.hits),
        entry.origin.clone(),
    ]
}

const SUBJECT_HEAD: &[&str] = &["No.", "Kind", "Pattern", "Code", "Text", "Ends", "Hits"];

fn subject_row(rule: &SubjectView) -> Vec<String> {
    vec![
        rule.id.map(|id| id.to_string()).unwrap_or_default(),
        rule.kind.clone(),
        rule.pattern.clone(),
        rule.code.to_string(),
        rule.text.clone(),
        ends(rule.expires, rule.ended),
        hits(rule.hits),
    ]
}

/// Blank for what never ends; what has ended must not look as if it still decided.
fn ends(expires: Option<Timestamp>, ended: bool) -> String {
    let mark = if ended { " (ended)" } else { "" };
    expires.map(|at| format!("{}{mark}", at.rfc3339())).unwrap_or_default()
}

/// Blank where they are not counted.
fn hits(hits: Option<i64>) -> String {
    hits.map(|hits| hits.to_string()).unwrap_or_default()
}

fn paged<T>(page: &Page<T>, head: &[&str], row: impl Fn(&T) -> Vec<String>) -> String {
    let rows: Vec<Vec<String>> = page.rows.iter().map(row).collect();
    let table = output::table(head, &rows);
    match &page.next {
        Some(cursor) => format!("{table}\nThe next page: --cursor {cursor}"),
        None => table,
    }
}

fn fsck(fsck: &Fsck) -> String {
    let mut lines: Vec<String> =
        fsck.counted.iter().map(|(what, n)| format!("{what}: {n}")).collect();
    lines.extend(fsck.problems.iter().map(|p| format!("PROBLEM: {p}")));
    if fsck.problems.is_empty() {
        lines.push("Everything is where it must be.".to_owned());
    }
    lines.join("\n")
}

/// Each row with what other commands take: the numbers of session and message are never broken.
fn trace(page: &TraceView) -> String {
    let rows = rows_of(page);
    if page.counted.is_empty() { rows } else { format!("{rows}\n{}", counted(&page.counted)) }
}

/// Refusals that were too many to be listed.
pub(super) fn counted(counted: &[CountedView]) -> String {
    let row = |c: &CountedView| {
        let CountedView { network, reason, refusals, last } = c;
        vec![network.clone(), reason.word().to_owned(), refusals.to_string(), last.rfc3339()]
    };
    let rows: Vec<_> = counted.iter().map(row).collect();
    output::table(&["From", "Why", "Only counted", "Last in the minute"], &rows)
}

fn rows_of(page: &TraceView) -> String {
    if page.rows.is_empty() {
        return "The trace has nothing of it.".to_owned();
    }
    let head = &["When", "Number", "What", "Why", "From, to", "Peer", "Facts"];
    let rows: Vec<_> = page.rows.iter().map(trace_row).collect();
    let table = output::table(head, &rows);
    match &page.next {
        Some(cursor) => format!("{table}\nOlder ones: --cursor {cursor}"),
        None => table,
    }
}

fn trace_row(row: &TraceRow) -> Vec<String> {
    let lines = |lines: [Option<String>; 2]| {
        let lines = lines.into_iter().flatten().filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    };
    let reply = if row.reply == 0 { String::new() } else { format!(" {}", row.reply) };
    let at = row.at.rfc3339();
    let to = (!row.recipient.is_empty()).then(|| format!("to {}", row.recipient));
    let (day, time) = at.split_once('T').unwrap_or((&at, ""));
    vec![
        lines([Some(day.to_owned()), Some(time.to_owned())]),
        lines([
            row.message.map(|id| format!("message {id}")),
            row.session.map(|id| format!("session {id}")),
        ]),
        lines([Some(row.event.word().to_owned()), Some(format!("{}{reply}", row.door))]),
        lines([Some(row.reason.word().to_owned()), Some(row.rule.clone())]),
        lines([Some(row.sender.clone()), to]),
        row.peer.clone(),
        row.detail.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::text;
    use ::admin::{CountedView, Page, Response, TraceView};
    use mail::{Address, Event, MessageId, Reason, SessionId, Timestamp, TraceRow};

    fn check(response: &Response, expected: &[&str]) {
        let shown = text(response);
        for words in expected {
            assert!(shown.contains(words), "{words} is not in:\n{shown}");
        }
    }

    #[test]
    fn the_trace_shows_what_it_is_asked_by() {
        let row = TraceRow {
            at: Timestamp(1_795_545_915_042),
            event: Event::Recipient,
            session: Some(SessionId(4_712)),
            message: Some(MessageId(4_711)),
            door: "smtp".to_owned(),
            peer: "192.0.2.1".to_owned(),
            sender: "carl@client.example".to_owned(),
            recipient: "nobody@example.org".to_owned(),
            reply: 550,
            reason: Reason::UnknownRecipient,
            rule: "recipient".to_owned(),
            detail: String::new(),
        };
        let flood = CountedView {
            network: "198.51.78.0/24".to_owned(),
            reason: Reason::RelayDenied,
            refusals: 30_711,
            last: Timestamp(1_795_545_900_000),
        };
        let next = Some("99".to_owned());
        let page = TraceView { rows: vec![row], next, counted: vec![flood] };
        let expected = [
            "message 4711",
            "session 4712",
            "smtp 550",
            "unknown_recipient",
            "to nobody@example.org",
            "Older ones: --cursor 99",
            "198.51.78.0/24 ┆ relay_denied ┆ 30711        ┆ 2026-11-24T18:45:00.000Z",
        ];
        check(&Response::Trace(page), &expected);
        check(&Response::Trace(TraceView::default()), &["nothing of it"]);
        assert!(!text(&Response::Trace(TraceView::default())).contains("Only counted"));
    }

    #[test]
    fn an_account_is_told_to_be_new_or_not() {
        let Ok(address) = Address::parse("anna@example.org") else { return };
        let told = |added, password: Option<&str>| {
            let password = password.map(str::to_owned);
            text(&Response::Password { address: address.clone(), added, password })
        };
        assert_eq!(told(true, None), "anna@example.org is added.");
        assert_eq!(told(false, None), "anna@example.org has a new password.");
        let made = "anna@example.org is added:\nk7m2q\n(shown this once)";
        assert_eq!(told(true, Some("k7m2q")), made);
    }

    #[test]
    fn hits_that_are_not_counted_are_not_none() {
        let entry = |hits| ::admin::AccessView {
            id: None,
            tag: "From".to_owned(),
            key: "spammer.example".to_owned(),
            value: "REJECT".to_owned(),
            reason: String::new(),
            expires: None,
            ended: false,
            hits,
            origin: "access:12".to_owned(),
        };
        check(&Response::AccessTest(Some(entry(Some(0)))), &["┆ 0    ┆"]);
        check(&Response::AccessTest(Some(entry(None))), &["┆      ┆ access:12"]);
    }

    #[test]
    fn a_review_says_why() {
        let row = ::admin::AliasReview {
            name: "lost".to_owned(),
            origin: "aliases:3".to_owned(),
            ends: vec![],
            flags: vec!["dangling".to_owned()],
            notes: vec!["nobody is called bob".to_owned()],
        };
        let page = Page { rows: vec![row], next: None };
        check(&Response::AliasReview(page), &["dangling", "nobody is called bob", "aliases:3"]);
    }
}
