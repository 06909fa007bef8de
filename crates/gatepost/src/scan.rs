//! `gatepost scan`: what a message holds, and what would be done with it, without a server.
//!
//! A worker looks into it, as at a server; the ruling is `filter::attachment`'s own. Nothing is
//! kept.

use crate::cli::{Global, ScanArgs};
use crate::{message_file, offline, output};
use anyhow::{Context, Result};
use config::Settings;
use content::examination::{Examination, Looked, incomplete};
use content::{Class, Hit};
use filter::attachment::case::{Case, Outcome};
use filter::decide;
use filter::texts::Texts;
use filter::worker::{Options, Pool};
use mail::index::Index;
use mail::{
    Address, BodyKind, Door, Envelope, EnvelopeDsn, MessageId, Origin, Peer, Reason, ReversePath,
    SessionId, TlsDemand, Verdict,
};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use store::Body;

/// What was found, and what would be done.
#[derive(Serialize)]
struct Scanned {
    /// Lines of the file ended with LF alone; the message was read as if with CRLF.
    line_ends_repaired: bool,
    parts: Vec<PartView>,
    findings: Vec<FindingView>,
    /// Why two programs could read it differently.
    ambiguities: Vec<String>,
    /// The limit that kept it from being looked at to its end.
    incomplete: Option<String>,
    verdict: VerdictView,
}

/// Something that some reader would see as content.
#[derive(Serialize)]
struct PartView {
    /// Its place in the list, from 1.
    number: usize,
    names: Vec<String>,
    /// The types that are declared for it.
    types: Vec<String>,
    /// What it is by its bytes.
    kind: String,
    size: u64,
    /// Which reader sees it: `part` is every one.
    seen_by: String,
    /// Empty where nothing was found.
    sha256: String,
}

/// One thing that was found.
#[derive(Serialize)]
struct FindingView {
    /// The part, by its number; none: the message as a whole.
    part: Option<usize>,
    /// The kind of danger; none: a rule about names or types alone.
    class: Option<Class>,
    /// What fired: `name exe`, `magic pe`, `pattern eicar`.
    rule: String,
    /// The way into the part, outermost first.
    inside: Vec<String>,
    /// What would be done about it.
    action: &'static str,
    /// The line of the policy that says so.
    policy: String,
    /// What it is, in words.
    why: String,
}

/// What would become of the message.
#[derive(Serialize)]
struct VerdictView {
    /// `deliver`, `quarantine`, `refuse` or `later`.
    action: &'static str,
    /// Whether it would be delivered in another form than it came in.
    changed: bool,
    /// The names of the parts that would be taken out.
    removed: Vec<String>,
    /// Why it would not be delivered.
    reason: Option<Reason>,
    rule: String,
}

/// `gatepost scan FILE`
pub(crate) fn run(global: &Global, args: &ScanArgs) -> Result<ExitCode> {
    let settings = settings(&global.config)?;
    let file = message_file::read(&args.file)?;
    let examination = crate::serve::runtime()?.block_on(examine(&settings, &file.bytes))?;
    let index = Index::of(&file.bytes);
    let texts = Texts::new(settings.texts.language.word(), settings.texts.folder.as_deref());
    let envelope = envelope(args)?;
    let case = Case {
        settings: &settings.attachment,
        texts: &texts,
        hostname: &settings.server.hostname,
        web: None,
        id: MessageId(0),
        envelope: &envelope,
        index: &index,
        examination: &examination,
        token: "",
        nonce: 0,
    };
    let scanned = Scanned {
        line_ends_repaired: file.repaired,
        parts: examination.looked.iter().zip(1..).map(part).collect(),
        findings: findings(&case, file.bytes.len() as u64),
        ambiguities: examination.ambiguities.clone(),
        incomplete: examination.incomplete.clone(),
        verdict: verdict(&envelope, case.outcome()),
    };
    if global.json {
        output::json_line(&scanned)?;
    } else {
        output::print(&text(&scanned))?;
    }
    Ok(if scanned.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The settings; those of a fresh server where there is no file.
fn settings(path: &Path) -> Result<Settings> {
    if path.exists() {
        return config::load(path).map_err(offline::problems);
    }
    let fresh = "[server]\nhostname = \"localhost\"\n";
    Settings::from_str(fresh, path).map_err(offline::problems)
}

/// Has a locked process look into the message, as a server does.
async fn examine(settings: &Settings, message: &[u8]) -> Result<Examination> {
    let pool = Pool::direct(Options { count: 1, message_max: message.len() as u64 });
    let lists = filter::attachment::lists::read(&settings.attachment).map_err(offline::problems)?;
    match pool.ask(&Body::at_hand(message.to_vec()), lists.request()).await {
        Ok(answer) => Examination::decode(&answer).context("the worker answered nonsense"),
        Err(fault) => Ok(filter::attachment::too_complex(fault)?),
    }
}

/// The envelope that is asked about: a stranger's, or with `--login` that of one of our users.
fn envelope(args: &ScanArgs) -> Result<Envelope> {
    let mut to = args.to.clone();
    if to.is_empty() {
        // Rules are asked for each recipient.
        to.push(Address::parse("someone@localhost")?);
    }
    Ok(Envelope {
        peer: Peer {
            session: SessionId(0),
            door: if args.login { Door::Submissions } else { Door::Smtp },
            ip: args.ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: 0,
            helo: None,
            esmtp: true,
            tls: None,
            login: None,
            user: None,
        },
        origin: Origin::Session,
        from_outside: !args.login,
        sender: args.from.clone().unwrap_or(ReversePath::Null),
        recipients: to.iter().map(policy::imagined).collect(),
        body: BodyKind::EightBitMime,
        smtputf8: true,
        limits: None,
        dsn: EnvelopeDsn::default(),
        tls_demand: TlsDemand::Usual,
    })
}

fn part((looked, number): (&Looked, usize)) -> PartView {
    PartView {
        number,
        names: looked.names.clone(),
        types: looked.types.clone(),
        kind: looked.kind.clone(),
        size: looked.size,
        seen_by: looked.source.clone(),
        sha256: looked.sha256.clone(),
    }
}

/// Every hit with its ruling, not the strictest alone.
fn findings(case: &Case<'_>, size: u64) -> Vec<FindingView> {
    let mut all = Vec::new();
    for (looked, number) in case.examination.looked.iter().zip(1..) {
        all.extend(looked.hits.iter().map(|hit| finding(case, looked, Some(hit), Some(number))));
        if case.ruling(looked, None).is_some() {
            all.push(finding(case, looked, None, Some(number)));
        }
    }
    if let Some(limit) = &case.examination.incomplete {
        let whole = Looked::whole(size);
        all.push(finding(case, &whole, Some(&incomplete(limit)), None));
    }
    all
}

fn finding(
    case: &Case<'_>,
    looked: &Looked,
    hit: Option<&Hit>,
    part: Option<usize>,
) -> FindingView {
    let ruling = case.ruling(looked, hit);
    let (action, policy) = ruling.map_or(("allow", String::new()), |r| (r.action.word(), r.rule));
    FindingView {
        part,
        class: hit.map(|hit| hit.class),
        rule: hit.map_or_else(|| policy.clone(), |hit| hit.rule.clone()),
        inside: hit.map(|hit| hit.path.clone()).unwrap_or_default(),
        action,
        policy,
        why: hit.map_or("a rule names it", |hit| hit.class.meaning()).to_owned(),
    }
}

fn verdict(envelope: &Envelope, outcome: Outcome) -> VerdictView {
    let mut verdicts = decide::decide(envelope, &outcome.findings);
    decide::one_answer(envelope, &mut verdicts);
    let (action, refusal) = match decide::mildest(&verdicts) {
        Some(Verdict::Quarantine(refusal, ..)) => ("quarantine", Some(refusal)),
        Some(Verdict::Refuse(refusal)) => ("refuse", Some(refusal)),
        Some(Verdict::Later(refusal)) => ("later", Some(refusal)),
        _ => ("deliver", None),
    };
    let is_delivered = refusal.is_none();
    VerdictView {
        action,
        changed: is_delivered && outcome.is_changed,
        removed: if is_delivered { outcome.removed } else { Vec::new() },
        reason: refusal.map(|refusal| refusal.reason),
        rule: refusal.map(|refusal| refusal.rule.clone()).unwrap_or_default(),
    }
}

impl Scanned {
    /// Whether it would be delivered as it came, with nothing that anybody warns of.
    fn is_clean(&self) -> bool {
        let is_allowed = |finding: &FindingView| finding.action == "allow";
        self.verdict.action == "deliver"
            && !self.verdict.changed
            && self.findings.iter().all(is_allowed)
    }
}

/// All that is printed without `--json`.
fn text(scanned: &Scanned) -> String {
    let parts: Vec<[String; 6]> = scanned.parts.iter().map(part_row).collect();
    let head = ["Part", "Name", "Declared", "By its bytes", "Bytes", "Seen by"];
    let mut text = match parts.is_empty() {
        true => "A text, and nothing else.".to_owned(),
        false => output::table(&head, &parts),
    };
    let rows: Vec<[String; 6]> = scanned.findings.iter().map(finding_row).collect();
    if !rows.is_empty() {
        let head = ["Part", "Danger", "Found", "Inside", "Action", "Why"];
        text.push('\n');
        text.push_str(&output::table(&head, &rows));
    }
    if scanned.line_ends_repaired {
        text.push_str("\nLines ended with LF alone; they were read as if with CRLF.");
    }
    if !scanned.ambiguities.is_empty() {
        let seen = scanned.ambiguities.join(", ");
        text.push_str(&format!("\nTwo programs could read it differently: {seen}"));
    }
    text.push_str("\nVerdict: ");
    text.push_str(&verdict_text(&scanned.verdict));
    text
}

fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

fn part_row(part: &PartView) -> [String; 6] {
    [
        part.number.to_string(),
        one_line(&part.names.join(" or ")),
        one_line(&part.types.join(" or ")),
        part.kind.clone(),
        part.size.to_string(),
        part.seen_by.clone(),
    ]
}

fn finding_row(finding: &FindingView) -> [String; 6] {
    [
        finding.part.map_or_else(|| "all".to_owned(), |number| number.to_string()),
        finding.class.map_or_else(String::new, |class| class.to_string()),
        one_line(&finding.rule),
        one_line(&finding.inside.join(" / ")),
        finding.action.to_owned(),
        finding.why.clone(),
    ]
}

fn verdict_text(verdict: &VerdictView) -> String {
    match (verdict.action, verdict.reason) {
        ("deliver", _) if !verdict.removed.is_empty() => {
            format!("delivered without {}", one_line(&verdict.removed.join(", ")))
        }
        ("deliver", _) if verdict.changed => "delivered in another form".to_owned(),
        ("deliver", _) => "delivered as it is".to_owned(),
        (action, Some(reason)) => format!("{action}: {reason} ({})", verdict.rule),
        (action, None) => action.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{VerdictView, verdict_text};
    use mail::Reason;

    #[test]
    fn the_verdict_is_told_in_words() {
        let verdict = |action, changed, removed: &[&str], reason| VerdictView {
            action,
            changed,
            removed: removed.iter().map(ToString::to_string).collect(),
            reason,
            rule: "attachment virus".to_owned(),
        };
        for (verdict, expected) in [
            (verdict("deliver", false, &[], None), "delivered as it is"),
            (verdict("deliver", true, &[], None), "delivered in another form"),
            (verdict("deliver", true, &["a.exe", "b\nc"], None), "delivered without a.exe, b\\nc"),
            (
                verdict("quarantine", false, &[], Some(Reason::VirusFound)),
                "quarantine: virus_found (attachment virus)",
            ),
        ] {
            assert_eq!(verdict_text(&verdict), expected);
        }
    }
}
