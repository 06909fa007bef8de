//! `gatepost domain dns`: the records to publish, as a zone file or a table, and whether they are.

use crate::cli::Global;
use crate::cli::object::DnsArgs;
use crate::control::Link;
use crate::output;
use ::admin::records::{
    DnsRecord, DnsRecords, Purpose, RecordCheck, Standing, check, check_policy,
};
use ::admin::{Request, Response};
use anyhow::{Context, Result};
use net::{ClientTls, Fetch};
use std::fmt::Write;
use std::process::ExitCode;

/// Prints what is to be published, or with `--check` compares it with what is. The DNS is asked by
/// this process, so that `--zone` tries a zone before it is published, also while a server runs.
pub(super) fn run(global: &Global, args: &DnsArgs) -> Result<ExitCode> {
    let request = Request::DomainDns { domain: args.domain.clone() };
    crate::serve::runtime()?.block_on(async {
        let mut link = Link::open(&global.without_zone()).await?;
        let response = link.request(request).await;
        link.close().await;
        let Response::DomainDns(records) = response? else {
            anyhow::bail!("the server answered something else than DNS records");
        };
        if !args.check {
            print(global, args, &records)?;
            return Ok(ExitCode::SUCCESS);
        }
        // What the system's name server says of proofs is told on, and believed by nobody.
        let resolver = global.proving_resolver(net::Dnssec::TrustAd);
        let resolver = resolver.context("the DNS cannot be asked")?;
        let now = global.clock().now();
        let mut checks = check(&records, &args.ip, &*resolver, now).await;
        let announces =
            |check: &RecordCheck| check.purpose == Purpose::MtaSts && !check.found.is_empty();
        // A zone file is tried before it is published: then there is nothing on the web yet.
        if global.zone.is_none() && checks.iter().any(announces) {
            let tls = ClientTls::verified(None)?;
            checks.push(check_policy(&records, &Fetch::new(resolver, tls, Vec::new())).await);
        }
        let fails = checks.iter().any(RecordCheck::fails);
        if global.json {
            let domain = &records.domain;
            output::json_line(
                &serde_json::json!({ "domain": domain, "right": !fails, "checks": checks }),
            )?;
        } else {
            output::print(&compared(&checks))?;
        }
        Ok(if fails { ExitCode::from(1) } else { ExitCode::SUCCESS })
    })
}

fn print(global: &Global, args: &DnsArgs, records: &DnsRecords) -> Result<()> {
    if global.json {
        output::json_line(records)
    } else if args.table {
        output::print(&table(records))
    } else {
        output::print(&zone(records))
    }
}

/// A piece of a zone file; what people must know, and do elsewhere, are comments.
fn zone(records: &DnsRecords) -> String {
    let DnsRecords { domain, hostname, .. } = records;
    let mut text = format!("; DNS records for {domain}\n;\n");
    text.push_str("; The server's own name, in both directions; only you know its addresses:\n");
    let _ = writeln!(text, ";   {hostname}. A, AAAA  <the addresses of this server>");
    let _ = writeln!(text, ";   <each of them, reversed> PTR  {hostname}.");
    for record in &records.records {
        let optional = if record.optional { ", optional" } else { "" };
        let colon = if record.note.is_empty() { "" } else { ": " };
        let _ = write!(text, "\n; {}{optional}{colon}{}\n", said(record.purpose), record.note);
        let _ = writeln!(text, "{}. {} {}", record.name, record.kind, record.value);
    }
    let policy = &records.mta_sts_policy;
    let _ = write!(text, "\n; The policy of MTA-STS, to be served at {}:", policy.url);
    for line in policy.text.lines() {
        let _ = write!(text, "\n;   {line}");
    }
    text
}

fn table(records: &DnsRecords) -> String {
    let row = |record: &DnsRecord| {
        let what = said(record.purpose);
        let what = if record.optional { format!("{what}\n(optional)") } else { what.to_owned() };
        let value = record.text.as_ref().unwrap_or(&record.value);
        vec![what, record.name.clone(), record.kind.clone(), value.clone(), record.note.clone()]
    };
    let rows: Vec<_> = records.records.iter().map(row).collect();
    let policy = &records.mta_sts_policy;
    format!(
        "{}\nThe policy of MTA-STS, to be served at {}:\n{}",
        output::table(&["For", "Name", "Type", "Value", "Note"], &rows),
        policy.url,
        policy.text.replace("\r\n", "\n").trim_end()
    )
}

fn compared(checks: &[RecordCheck]) -> String {
    let row = |check: &RecordCheck| {
        let optional = if check.optional { "\n(optional)" } else { "" };
        let mut why = Vec::new();
        if !check.problem.is_empty() {
            why.push(check.problem.clone());
        }
        if check.standing != Standing::Right {
            why.push(format!("should be: {}", check.wanted));
            why.extend(check.found.iter().map(|found| format!("is: {found}")));
        }
        vec![
            format!("{}{optional}", said(check.purpose)),
            check.name.clone(),
            check.kind.clone(),
            check.standing.word().to_owned(),
            why.join("\n"),
        ]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    let table = output::table(&["For", "Name", "Type", "State", "Why"], &rows);
    let fails = checks.iter().filter(|check| check.fails()).count();
    match fails {
        0 => format!("{table}\nAll that is needed is right."),
        1 => format!("{table}\nOne record is to be mended."),
        more => format!("{table}\n{more} records are to be mended."),
    }
}

fn said(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Mx => "mail comes here",
        Purpose::Spf => "SPF: who may send",
        Purpose::Dkim => "DKIM: key of signatures",
        Purpose::Dmarc => "DMARC: policy",
        Purpose::MtaSts => "MTA-STS",
        Purpose::TlsReports => "TLS reports",
        Purpose::Tlsa => "DANE: key of the server",
        Purpose::Service => "mail programs",
        Purpose::Address => "the server's name",
        Purpose::Reverse => "the server's address",
    }
}
