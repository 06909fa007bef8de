//! Responses for people: tables and sentences.

use crate::output;
use ::admin::{AccessView, Fsck, Page, Response, SubjectView};
use mail::TraceRow;
use std::process::ExitCode;

/// What is printed.
pub(super) fn text(response: &Response) -> String {
    match response {
        Response::Done(text) => text.clone(),
        Response::Status(status) => super::status::text(status),
        Response::Fsck(fsck) => self::fsck(fsck),
        Response::Domains(page) => paged(page, DOMAIN_HEAD, |d| {
            let nobody = |ends: &[String]| match ends {
                [] => "NOBODY".to_owned(),
                ends => ends.join("\n"),
            };
            vec![
                d.domain.clone(),
                d.unicode.clone(),
                d.accounts.to_string(),
                nobody(&d.postmaster),
                nobody(&d.abuse),
            ]
        }),
        Response::Accounts(page) => paged(page, &["Account", "State", "Role", "Quota"], |a| {
            vec![
                a.address.to_string(),
                if a.disabled { "disabled" } else { "active" }.to_owned(),
                if a.admin { "administrator" } else { "" }.to_owned(),
                a.quota.map(|q| q.to_string()).unwrap_or_default(),
            ]
        }),
        Response::Password { address, password: Some(password) } => {
            format!("{address}\n{password}\n(shown this once)")
        }
        Response::Password { address, password: None } => format!("{address} is set."),
        Response::Aliases(page) => paged(page, &["Alias", "Leads to", "Written in"], |a| {
            vec![a.name.clone(), a.goals.join("\n"), a.origin.clone()]
        }),
        Response::AliasReview(page) => {
            paged(page, &["Alias", "Ends in", "Flags", "Written in"], |r| {
                vec![r.name.clone(), r.ends.join("\n"), r.flags.join(", "), r.origin.clone()]
            })
        }
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
        Response::Entries(page) => {
            paged(page, &["Entry", "UID", "Received", "Bytes", "From", "Subject"], |e| {
                vec![
                    e.id.to_string(),
                    e.uid.to_string(),
                    e.received.rfc3339(),
                    e.size.to_string(),
                    e.from.clone(),
                    e.subject.clone(),
                ]
            })
        }
        Response::Window { size, .. } => format!("{size} bytes"),
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
        _ => false,
    };
    if found { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

const DOMAIN_HEAD: &[&str] =
    &["Domain", "As written", "Accounts", "Postmaster's mail", "Abuse's mail"];

const ACCESS_HEAD: &[&str] = &["No.", "Entry", "Says", "Why", "Ends", "Hits", "Written in"];

fn access_row(entry: &AccessView) -> Vec<String> {
    let tag = if entry.tag.is_empty() { String::new() } else { format!("{}:", entry.tag) };
    vec![
        entry.id.map(|id| id.to_string()).unwrap_or_default(),
        format!("{tag}{}", entry.key),
        entry.value.clone(),
        entry.reason.clone(),
        entry.expires.map(|at| at.rfc3339()).unwrap_or_default(),
        entry.hits.to_string(),
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
        rule.expires.map(|at| at.rfc3339()).unwrap_or_default(),
        rule.hits.to_string(),
    ]
}

fn paged<T>(page: &Page<T>, head: &[&str], row: impl Fn(&T) -> Vec<String>) -> String {
    let rows: Vec<Vec<String>> = page.rows.iter().map(row).collect();
    let table = output::table(head, &rows);
    match &page.next {
        Some(cursor) => format!("{table}\nMore: --cursor {cursor}"),
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

fn trace(page: &Page<TraceRow>) -> String {
    let head = &["When", "What", "Reply", "Reason", "Rule", "From", "To", "Peer", "Facts"];
    paged(page, head, |r| {
        vec![
            r.at.rfc3339(),
            r.event.word().to_owned(),
            if r.reply == 0 { String::new() } else { r.reply.to_string() },
            r.reason.word().to_owned(),
            r.rule.clone(),
            r.sender.clone(),
            r.recipient.clone(),
            r.peer.clone(),
            r.detail.clone(),
        ]
    })
}
