//! What was verified, for a person: a table, notes, and the field.

use super::Verified;
use crate::output;
use filter::authentication::{arc, dkim, dmarc, iprev, spf};

const HEAD: &[&str] = &["Check", "Of", "Result", "Because"];

type Row = [String; 4];

/// All that is printed without `--json`.
pub(super) fn text(verified: &Verified) -> String {
    let mut rows: Vec<Row> = Vec::new();
    if let Some(spf) = &verified.spf {
        rows.push(spf_row("SPF MAIL FROM", &spf.mail_from));
        rows.push(spf_row("SPF HELO", &spf.helo));
    }
    if let Some(report) = &verified.dkim {
        dkim_rows(report, &mut rows);
    }
    rows.extend(verified.arc.iter().map(arc_row));
    rows.extend(verified.authors().map(dmarc_row));
    rows.extend(verified.no_author.iter().map(|why| row("DMARC", "From", "permerror", why)));
    rows.extend(verified.iprev.iter().map(iprev_row));
    let mut text = output::table(HEAD, &rows);
    if verified.line_ends_repaired {
        text.push_str("\nLines ended with LF alone; they were read as if with CRLF.");
    }
    for note in &verified.notes {
        text.push('\n');
        text.push_str(note);
    }
    text.push_str("\nThe server would write:\n");
    let field = verified.authentication_results.trim_end();
    text.push_str(&field.replace("\r\n\t", "\n    "));
    text
}

/// A row; a cell stays one line, whatever a stranger wrote.
fn row(check: &str, of: &str, result: &str, because: &str) -> Row {
    [check, of, result, because].map(|cell| cell.replace('\n', "\\n"))
}

fn spf_row(check: &str, outcome: &spf::Outcome) -> Row {
    let mut because: Vec<String> = outcome.problem.iter().cloned().collect();
    if let Some(mechanism) = &outcome.mechanism {
        let policy_domain = outcome.policy_domain.as_deref().unwrap_or_default();
        because.push(format!("{mechanism} in the record of {policy_domain}"));
    } else if outcome.problem.is_none() {
        because.push("no mechanism matches".to_owned());
    }
    because.extend(outcome.explanation.iter().map(|words| format!("it says: {words}")));
    row(check, &outcome.identity, outcome.result.word(), &because.join("; "))
}

fn dkim_rows(report: &dkim::Report, rows: &mut Vec<Row>) {
    if report.signatures.is_empty() {
        rows.push(row("DKIM", "", dkim::Outcome::None.word(), "there is no signature"));
    }
    for signature in &report.signatures {
        let selector = signature.selector.as_ref().map(|s| format!("{s}._domainkey."));
        let domain = signature.domain.as_ref().map(ToString::to_string);
        let of = selector.unwrap_or_default() + &domain.unwrap_or_default();
        let mut because = vec![signature.reason.clone()];
        let key = signature.algorithm.map(|algorithm| match signature.key_bits {
            Some(bits) => format!("{}, {bits} bits", algorithm.word()),
            None => algorithm.word().to_owned(),
        });
        because.extend(key);
        if signature.testing {
            because.push("the domain only tries".to_owned());
        }
        because.retain(|words| !words.is_empty());
        rows.push(row("DKIM", &of, signature.result.word(), &because.join("; ")));
    }
    if report.unseen > 0 {
        let of = format!("{} more", report.unseen);
        rows.push(row("DKIM", &of, "", "too many signatures: not looked at"));
    }
}

fn arc_row(chain: &arc::Chain) -> Row {
    let sealers: Vec<&str> = chain.sealers().map(|domain| domain.as_str()).collect();
    let because = match chain.oldest_pass {
        _ if chain.instances == 0 && chain.reason.is_empty() => "there is no chain".to_owned(),
        Some(0) => "unchanged since the first seal".to_owned(),
        Some(oldest) => format!("unchanged since seal {oldest}"),
        None => chain.reason.clone(),
    };
    row("ARC", &sealers.join(", "), chain.result.word(), &because)
}

fn dmarc_row(outcome: &dmarc::Outcome) -> Row {
    let mut because: Vec<String> = outcome.problem.iter().cloned().collect();
    if let Some(found) = &outcome.found {
        let policy = outcome.policy.map_or("none", |policy| policy.word());
        because.push(format!("policy {policy} of {}", found.domain));
    }
    if outcome.spf_aligned {
        because.push("SPF is aligned".to_owned());
    }
    for pass in &outcome.dkim_aligned {
        because.push(format!("the signature of {} is aligned", pass.domain));
    }
    if outcome.result == dmarc::DmarcResult::Fail {
        because.push("nothing that passed is aligned".to_owned());
        because.push(format!("wanted: {}", outcome.disposition.word()));
    }
    row("DMARC", outcome.author.as_str(), outcome.result.word(), &because.join("; "))
}

fn iprev_row(outcome: &iprev::Outcome) -> Row {
    let because = match (&outcome.name, outcome.result) {
        (Some(name), _) => name.clone(),
        (None, iprev::IprevResult::Fail) => "no name leads back to it".to_owned(),
        (None, iprev::IprevResult::TempError) => "the DNS did not answer".to_owned(),
        (None, _) => "it has no name".to_owned(),
    };
    row("iprev", &outcome.ip.to_string(), outcome.result.word(), &because)
}
