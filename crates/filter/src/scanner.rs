//! The scanner stage: programs beside this server that look for viruses, and for spam.
//!
//! Each sees the whole message as it came, all at the same time, after the attachment stage and
//! whatever that has found; what is refused already is not shown to them. A scanner that does not
//! answer, cannot be understood, or says that a message is too long for it has not found the
//! message clean: that is a finding, and [`config::settings::Scanner::on_failure`] says what
//! follows. A new kind of scanner (YARA, ICAP, a milter) is a file here and a line in
//! [`Scanners::new`].

pub mod clamd;
mod command;
mod server;
pub mod spamd;
pub mod watch;

pub use server::{Standing, State};

use crate::rules::InForce;
use crate::{Filter, Mail};
use command::Program;
use config::attachment::FailedChoice;
use config::scanner::{SpamChoice, VirusChoice};
use config::settings::Scanner as Settings;
use mail::{Domain, Envelope, Finding, Origin, Reason, Suggestion, Timestamp};
use net::Resolver;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use store::Body;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The stage's word in findings.
const STAGE: &str = "scanner";
/// Bytes of a message that are read and sent at once.
const WINDOW: usize = 256 * 1024;
/// Characters of a word of a scanner's (a name, an error) that are noted.
const WORD_MAX: usize = 200;

/// One scanner, of one kind: it may have several servers, of which one at a time is asked.
trait Scanner: Send + Sync + fmt::Debug {
    /// The word for its kind: `clamd`.
    fn kind(&self) -> &'static str;

    /// Scans a message. It is waited for as long as the job says.
    fn scan<'a>(&'a self, job: &'a Job<'a>) -> Scanning<'a>;

    /// Asks each of its servers whether it lives; those that cannot be asked are left as they are.
    fn ask<'a>(&'a self, round: &'a Round<'a>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// What is known of each of its servers.
    fn states(&self) -> Vec<State>;
}

/// What a scan resolves to.
type Scanning<'a> = Pin<Box<dyn Future<Output = Result<Report, Fault>> + Send + 'a>>;

/// One message to be scanned.
struct Job<'a> {
    body: &'a Body,
    hostname: &'a Domain,
    resolver: &'a dyn Resolver,
    now: Timestamp,
}

impl Job<'_> {
    /// A field before the message, as it will be delivered with one: by the first field scanners
    /// tell mail from other files, and a stranger may begin with one that they do not know.
    fn field(&self) -> String {
        format!("Received: by {}\r\n", self.hostname)
    }
}

/// One round of the watch.
struct Round<'a> {
    resolver: &'a dyn Resolver,
    now: Timestamp,
}

/// What a scanner says of a message.
#[derive(Debug, Clone, PartialEq)]
struct Report {
    said: Said,
    /// Which of its servers said so.
    server: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Said {
    /// Nothing is known against it.
    Clean,
    /// This virus is in it, by the scanner's name for it.
    Virus(String),
    /// It has so many points, and is spam by the scanner's own threshold, or not.
    Score(spamd::reply::Score),
    /// It is longer than is given to a scanner that gives points.
    NoScore,
}

/// Why a scanner has nothing to say of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody answers there.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// Its answer makes no sense.
    #[error("it answered nonsense: {0}")]
    Nonsense(String),
    /// It says itself that it failed.
    #[error("it failed: {0}")]
    Failed(String),
    /// The message is longer than it takes.
    #[error("the message is too long for it")]
    TooLong,
    /// The message itself could not be read.
    #[error("the message cannot be read: {0}")]
    Body(String),
}

impl Fault {
    /// Whether it is the scanner's: a message that is too long says nothing of its health.
    fn is_of_scanner(&self) -> bool {
        !matches!(self, Fault::TooLong | Fault::Body(_))
    }
}

/// All scanners that the settings name.
#[derive(Debug)]
pub struct Scanners {
    all: Vec<Box<dyn Scanner>>,
    /// One permit for each message that is scanned.
    turns: Semaphore,
}

impl Scanners {
    /// The scanners of these settings; of none of them anything is known.
    pub(crate) fn new(settings: &Settings) -> Self {
        let limit = Duration::from_secs(settings.timeout_secs);
        let mut all: Vec<Box<dyn Scanner>> = Vec::new();
        if !settings.clamd.is_empty() {
            let days = settings.signature_age_max_days;
            all.push(Box::new(clamd::Clamd::new(&settings.clamd, limit, settings.size_max, days)));
        }
        if !settings.spamd.is_empty() {
            let max = settings.spamd_size_max;
            all.push(Box::new(spamd::Spamd::new(&settings.spamd, limit, max)));
        }
        if let Some((program, arguments)) = settings.command.split_first() {
            all.push(Box::new(Program::new(program, arguments, limit, settings.size_max)));
        }
        Self { all, turns: Semaphore::new(settings.at_once_max) }
    }

    /// What is known of each server of each scanner, in the order of the settings.
    pub fn states(&self) -> Vec<State> {
        self.all.iter().flat_map(|scanner| scanner.states()).collect()
    }

    /// The kinds that look for viruses: each of them has to find the test virus.
    pub fn against_viruses(&self) -> Vec<&'static str> {
        self.all.iter().map(|scanner| scanner.kind()).filter(|kind| *kind != spamd::KIND).collect()
    }
}

/// Has every scanner look at a message.
pub(crate) async fn look(
    filter: &Filter,
    rules: &InForce,
    mail: &Mail<'_>,
    now: Timestamp,
) -> Vec<Finding> {
    let scanners = &*rules.scanners;
    if scanners.all.is_empty() || mail.envelope.origin == Origin::Own {
        return Vec::new();
    }
    let (hostname, resolver) = (&rules.hostname, filter.resolver());
    let job = Job { body: mail.body, hostname, resolver, now };
    // What the attachment stage took is gone; what is left has to do for the judgement's rest too.
    let limit = rules.time_limit.mul_f64(0.75);
    let ends = Instant::now() + limit;
    // No permit in time: then no scanner is asked, and each of them has not answered.
    let turn = tokio::time::timeout_at(ends, scanners.turns.acquire()).await;
    let has_turn = matches!(turn, Ok(Ok(_)));
    // What spamd says of own users' mail is heeded nowhere: its failure must not keep that back.
    let is_asked = |kind: &str| kind != spamd::KIND || mail.envelope.from_outside;
    let asked = scanners.all.iter().filter(|scanner| is_asked(scanner.kind()));
    let scans = asked.map(|scanner| {
        let scan: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(said(scanner.as_ref(), &job, ends, has_turn));
        scan
    });
    let told = all(scans.collect()).await;
    drop(turn);
    told.into_iter().filter_map(|(kind, said)| finding(rules, mail, kind, said)).collect()
}

/// What one scanner says in time, if the message has its turn.
async fn said<'a>(
    scanner: &'a dyn Scanner,
    job: &'a Job<'a>,
    ends: Instant,
    has_turn: bool,
) -> (&'static str, Result<Report, Fault>) {
    let said = match has_turn {
        true => tokio::time::timeout_at(ends, scanner.scan(job)).await,
        false => Ok(Err(Fault::TimedOut)),
    };
    (scanner.kind(), said.unwrap_or(Err(Fault::TimedOut)))
}

/// What all of some futures come to, in their order; they go on at the same time.
async fn all<T: Unpin>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(move |context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *result = Some(ready);
            }
        }
        match results.iter().all(Option::is_some) {
            true => Poll::Ready(std::mem::take(&mut results).into_iter().flatten().collect()),
            false => Poll::Pending,
        }
    })
    .await
}

/// What follows from what a scanner says, or cannot say.
fn finding(
    rules: &InForce,
    mail: &Mail<'_>,
    kind: &'static str,
    said: Result<Report, Fault>,
) -> Option<Finding> {
    let settings = &rules.scanner;
    let finding = |reason, score, detail: String, suggestion| Finding {
        stage: STAGE,
        rule: format!("scanner {kind}"),
        reason,
        score,
        detail,
        suggestion,
    };
    match said {
        Err(fault) => {
            let suggestion = match settings.on_failure {
                FailedChoice::Later => Suggestion::Later,
                FailedChoice::Quarantine => Suggestion::Quarantine,
            };
            tracing::warn!(scanner = kind, message = %mail.id, %fault, "a message is not scanned");
            let detail = format!("size={} fault={:?}", mail.body.size(), fault.to_string());
            Some(finding(Reason::ScannerFailed, 0.0, detail, suggestion))
        }
        Ok(Report { said: Said::Clean, .. }) => None,
        Ok(Report { said: Said::Virus(name), server }) => {
            let detail = format!("server={server:?} virus={name:?}");
            let suggestion = virus(settings.on_virus, mail.envelope);
            Some(finding(reason(&name), 0.0, detail, suggestion))
        }
        Ok(Report { said: Said::Score(score), server }) => {
            let suggestion = spam(settings.on_spam, score.is_spam, mail.envelope);
            let detail = format!("server={server:?} {score}");
            Some(finding(Reason::SpamScore, score.points, detail, suggestion))
        }
        Ok(Report { said: Said::NoScore, .. }) => {
            let detail = format!("size={} skipped=too_long", mail.body.size());
            Some(finding(Reason::SpamScore, 0.0, detail, Suggestion::Note))
        }
    }
}

/// The reason of what clamd calls a virus: some of its names say that it could not look.
fn reason(name: &str) -> Reason {
    match name {
        name if name.starts_with("Heuristics.Limits.Exceeded") => Reason::TooComplex,
        name if name.starts_with("Heuristics.Encrypted") => Reason::AttachmentUnreadable,
        _ => Reason::VirusFound,
    }
}

/// What own users send is refused, not held: they are there to hear of it.
fn virus(choice: VirusChoice, envelope: &Envelope) -> Suggestion {
    match choice {
        VirusChoice::Quarantine if envelope.from_outside => Suggestion::Quarantine,
        VirusChoice::Quarantine | VirusChoice::Refuse => Suggestion::Refuse(None),
    }
}

fn spam(choice: SpamChoice, is_spam: bool, envelope: &Envelope) -> Suggestion {
    match choice {
        _ if !is_spam || !envelope.from_outside => Suggestion::Note,
        SpamChoice::Note => Suggestion::Note,
        SpamChoice::Junk => Suggestion::Junk,
        SpamChoice::Quarantine => Suggestion::Quarantine,
        SpamChoice::Refuse => Suggestion::Refuse(None),
    }
}

/// A scanner's word as it can be noted: bounded, and no control among it.
fn word(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.trim().chars().take(WORD_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::{all, reason, spam, virus, word};
    use crate::testing::envelope;
    use config::scanner::{SpamChoice, VirusChoice};
    use mail::{Envelope, Reason, Suggestion};
    use std::pin::Pin;
    use std::time::Duration;

    #[test]
    fn own_users_hear_of_a_virus_and_of_no_points() {
        let of = |from_outside| Envelope { from_outside, ..envelope(&["anna@example.org"]) };
        let (stranger, own) = (of(true), of(false));
        let refused = Suggestion::Refuse(None);
        assert_eq!(virus(VirusChoice::Quarantine, &stranger), Suggestion::Quarantine);
        assert_eq!(virus(VirusChoice::Quarantine, &own), refused);
        assert_eq!(virus(VirusChoice::Refuse, &stranger), refused);
        for (choice, expected) in [
            (SpamChoice::Note, Suggestion::Note),
            (SpamChoice::Junk, Suggestion::Junk),
            (SpamChoice::Quarantine, Suggestion::Quarantine),
            (SpamChoice::Refuse, refused),
        ] {
            assert_eq!(spam(choice, true, &stranger), expected);
            assert_eq!(spam(choice, false, &stranger), Suggestion::Note);
            assert_eq!(spam(choice, true, &own), Suggestion::Note);
        }
    }

    #[test]
    fn names_that_say_it_could_not_look_are_no_virus() {
        for (name, expected) in [
            ("Win.Test.EICAR_HDB-1", Reason::VirusFound),
            ("Heuristics.Phishing.Email.SpoofedDomain", Reason::VirusFound),
            ("Heuristics.Limits.Exceeded.MaxScanSize", Reason::TooComplex),
            ("Heuristics.Encrypted.Zip", Reason::AttachmentUnreadable),
        ] {
            assert_eq!(reason(name), expected, "{name}");
        }
        assert_eq!(word(" a\nb\u{9b} "), "a\u{fffd}b\u{fffd}");
        assert_eq!(word(&"ä".repeat(500)).chars().count(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn all_are_waited_for_at_the_same_time() {
        let began = tokio::time::Instant::now();
        let wait = |secs: u64| -> Pin<Box<dyn Future<Output = u64> + Send>> {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(secs)).await;
                secs
            })
        };
        assert_eq!(all(vec![wait(3), wait(1), wait(2)]).await, [3, 1, 2]);
        assert_eq!(began.elapsed().as_secs(), 3);
        assert!(all::<u64>(Vec::new()).await.is_empty());
    }
}
