//! How TLS to other servers went, counted, and told once a day to the domains that ask for it
//! (RFC 8460).
//!
//! A report travels with `TLS-Required: No`, so that it arrives where TLS is broken, and such mail
//! is not counted: no report is about how a report went.

use crate::Queue;
use crate::delivery::{NOT_VALID, Seen};
use crate::met::Met;
use crate::sts::InForce;
use flate2::Compression;
use flate2::write::GzEncoder;
use mail::{Address, Domain, Timestamp, TlsDemand};
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use net::{Kind, Name, Record, Url};
use policy::trust::Trust;
use serde_json::{Value, json};
use smtp::sts::ReportTo;
use std::io::Write;
use std::sync::Arc;
use store::{TlsCount, TlsDay, TlsSession};

/// Reports that are taken on at one look: the next look is soon.
const REPORTS_MAX: u32 = 50;
/// TLSA records, and lines of a policy, that a report shows of one policy.
const LINES_MAX: usize = 20;
/// Bytes of each.
const LINE_MAX: usize = 200;
/// A report goes with a good part of the day behind midnight, not all at once
/// (RFC 8460 §4.1): no earlier than so many milliseconds into the day.
const NOT_BEFORE: i64 = 30 * 60_000;

/// What is seen of a destination's TLS while one connection is made; counted when it is dropped.
pub(crate) struct Session<'a> {
    queue: &'a Queue,
    domain: Option<&'a Domain>,
    policy: Option<InForce>,
    seen: Vec<Seen>,
}

impl<'a> Session<'a> {
    /// For a domain whose policies hold; none hold where the sender waives them.
    pub(crate) fn of(queue: &'a Queue, domain: Option<&'a Domain>, demand: TlsDemand) -> Self {
        let domain = domain.filter(|_| demand != TlsDemand::Waived);
        Self { queue, domain, policy: None, seen: Vec::new() }
    }

    /// The domain whose policies hold.
    pub(crate) fn domain(&self) -> Option<&'a Domain> {
        self.domain
    }

    /// It has a policy (MTA-STS).
    pub(crate) fn lay(&mut self, policy: InForce) {
        self.policy = Some(policy);
    }

    /// Where it is written down what is seen.
    pub(crate) fn all(&mut self) -> &mut Vec<Seen> {
        &mut self.seen
    }

    /// No server is one of the policy's.
    pub(crate) fn nobody(&mut self, met: Met) -> Met {
        self.seen.push(Seen {
            host: String::new(),
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            trust: Trust::Verified,
            result: NOT_VALID,
            detail: met.text.clone(),
        });
        met
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let Some(domain) = self.domain else { return };
        for seen in std::mem::take(&mut self.seen) {
            let (kind, policy) = policy(domain, &seen, self.policy.as_ref());
            let address = match seen.address {
                ip if ip.is_unspecified() => String::new(),
                ip => ip.to_string(),
            };
            self.queue.store.count_tls(
                self.queue.clock.now(),
                TlsSession {
                    domain: domain.to_string(),
                    kind: kind.to_owned(),
                    policy: policy.to_string(),
                    result: seen.result.to_owned(),
                    host: seen.host,
                    address,
                    detail: seen.detail,
                },
            );
        }
    }
}

/// The policy that held, as a report shows it (RFC 8460 §4.4).
fn policy(domain: &Domain, seen: &Seen, sts: Option<&InForce>) -> (&'static str, Value) {
    match (&seen.trust, sts) {
        (Trust::Dane { records, .. }, _) => {
            let mut lines: Vec<String> = records.iter().map(|it| cut(&it.to_string())).collect();
            lines.sort();
            lines.truncate(LINES_MAX);
            let host = [&seen.host];
            let policy = json!({
                "policy-type": "tlsa", "policy-string": lines, "policy-domain": domain.as_str(),
                "mx-host": host,
            });
            ("tlsa", policy)
        }
        (Trust::Unproven, _) => {
            let policy = json!({ "policy-type": "tlsa", "policy-domain": domain.as_str() });
            ("tlsa", policy)
        }
        (_, Some(InForce { policy, text })) => {
            let lines = text.lines().filter(|line| !line.is_empty()).take(LINES_MAX).map(cut);
            let lines: Vec<String> = lines.collect();
            let mx: Vec<String> =
                policy.mx.iter().take(LINES_MAX).map(ToString::to_string).collect();
            let policy = json!({
                "policy-type": "sts", "policy-string": lines, "policy-domain": domain.as_str(),
                "mx-host": mx,
            });
            ("sts", policy)
        }
        (_, None) => {
            let kind = "no-policy-found";
            (kind, json!({ "policy-type": kind, "policy-domain": domain.as_str() }))
        }
    }
}

/// A line of a policy, bounded: the store keeps no more than some of them together.
fn cut(line: &str) -> String {
    line.get(..line.floor_char_boundary(LINE_MAX)).unwrap_or_default().to_owned()
}

/// Sends the reports of yesterday that nobody has taken on. One look at a time.
pub(crate) async fn daily(queue: Arc<Queue>) {
    let Ok(_one) = queue.reporting.try_lock() else { return };
    let now = queue.clock.now();
    let today = TlsDay::of(now);
    let wanted = queue.settings.load().send.tls_reports == config::TlsReports::Send;
    if !wanted || now < today.begins().plus_millis(NOT_BEFORE) {
        return;
    }
    if let Err(error) = all(&queue, today.before()).await {
        tracing::warn!(%error, "reports on TLS are put off");
    }
}

async fn all(queue: &Queue, day: TlsDay) -> Result<(), store::Error> {
    for domain in queue.store.tls_unreported(day, REPORTS_MAX).await? {
        // Once, on one node.
        if !queue.store.take_tls_report(day, &domain, queue.clock.now()).await? {
            continue;
        }
        let outcome = one(queue, day, &domain).await.unwrap_or_else(|error| error.clone());
        tracing::info!(%domain, outcome, "report on TLS");
        queue.store.tls_reported(day, &domain, queue.clock.now(), &outcome).await?;
    }
    Ok(())
}

/// One report; what became of it, in words.
async fn one(queue: &Queue, day: TlsDay, domain: &Domain) -> Result<String, String> {
    let wanted = wanted(queue, domain).await;
    if wanted.is_empty() {
        return Ok("not asked for".to_owned());
    }
    let counts = queue.store.tls_counts(day, day, Some(domain)).await;
    let counts = counts.map_err(|error| error.to_string())?;
    let hostname = queue.hostname();
    let report = Report { hostname: &hostname, domain, day, counts: &counts };
    let packed = packed(&report.json()).map_err(|error| error.to_string())?;
    let mut outcome = Vec::new();
    for to in wanted {
        let (place, sent) = match &to {
            ReportTo::Mail(address) => {
                (address.to_string(), mailed(queue, &report, address, &packed).await)
            }
            ReportTo::Https(url) => (url.clone(), posted(queue, url, &packed).await),
        };
        outcome.push(match sent {
            Ok(()) => format!("sent to {place}"),
            Err(error) => format!("not sent to {place}: {error}"),
        });
    }
    Ok(outcome.join("; "))
}

async fn wanted(queue: &Queue, domain: &Domain) -> Vec<ReportTo> {
    let Some(name) = Name::parse(&format!("_smtp._tls.{domain}")) else { return Vec::new() };
    let Ok(records) = queue.resolver.records(&name, Kind::Txt).await else { return Vec::new() };
    let text = |record| match record {
        Record::Txt(text) => Some(text),
        _ => None,
    };
    smtp::sts::report_to(&records.into_iter().filter_map(text).collect::<Vec<_>>())
}

async fn posted(queue: &Queue, url: &str, packed: &[u8]) -> Result<(), String> {
    let fetch = queue.fetch.as_ref().ok_or("nothing can be fetched")?;
    let url = Url::parse(url).ok_or("that is no address of HTTPS")?;
    let body = bytes::Bytes::copy_from_slice(packed);
    let sent = fetch.post(&url, "application/tlsrpt+gzip", body).await;
    sent.map(drop).map_err(|error| error.to_string())
}

/// By the one entrance for mail, from the null path: nobody hears of it if it fails.
async fn mailed(
    queue: &Queue,
    report: &Report<'_>,
    to: &Address,
    packed: &[u8],
) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let now = queue.clock.now();
    let recipient = queue.policy.snapshot().own_mail(to).ok_or("it takes no mail")?;
    let bytes = report.message(to, now, packed).map_err(|error| text(&error))?;
    let (recipients, smtputf8) = (vec![recipient], to.needs_smtputf8());
    let ready = filter::notice::ours(&queue.filter, &queue.clock, recipients, smtputf8, &bytes);
    queue.store.accept(ready.await?).await.map_err(|error| text(&error))
}

fn packed(json: &Value) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(json.to_string().as_bytes())?;
    packer.finish()
}

/// What one domain is told of one day.
struct Report<'a> {
    hostname: &'a Domain,
    domain: &'a Domain,
    day: TlsDay,
    counts: &'a [TlsCount],
}

impl Report<'_> {
    fn id(&self) -> String {
        format!("{}.{}@{}", self.day.0, self.domain, self.hostname)
    }

    fn ends(&self) -> Timestamp {
        TlsDay(self.day.0 + 1).begins().plus_millis(-1_000)
    }

    /// RFC 8460 §4.4.
    fn json(&self) -> Value {
        let mut policies: Vec<(&str, Vec<&TlsCount>)> = Vec::new();
        for count in self.counts {
            let policy = count.session.policy.as_str();
            match policies.iter_mut().find(|(known, _)| *known == policy) {
                Some((_, counts)) => counts.push(count),
                None => policies.push((policy, vec![count])),
            }
        }
        let policies: Vec<Value> = policies.iter().map(|(policy, all)| of(policy, all)).collect();
        json!({
            "organization-name": self.hostname.as_str(),
            "date-range": {
                "start-datetime": self.day.begins().rfc3339(),
                "end-datetime": self.ends().rfc3339(),
            },
            "contact-info": format!("postmaster@{}", self.hostname),
            "report-id": self.id(),
            "policies": policies,
        })
    }

    /// RFC 8460 §5.3.
    fn message(&self, to: &Address, now: Timestamp, packed: &[u8]) -> std::io::Result<Vec<u8>> {
        let Self { hostname, domain, .. } = self;
        let (from, until) = (self.day.begins().0 / 1_000, self.ends().0 / 1_000);
        let file = format!("{hostname}!{domain}!{from}!{until}.json.gz");
        let words = format!(
            "This is a report of the mail server {hostname} on TLS to the servers of {domain},\r\n\
             from {} to {} (RFC 8460).\r\n",
            self.day.begins().rfc5322(),
            self.ends().rfc5322()
        );
        let kind = ContentType::new("multipart/report").attribute("report-type", "tlsrpt");
        let parts = vec![
            MimePart::new("text/plain", words),
            MimePart::new("application/tlsrpt+gzip", packed.to_vec()).attachment(file),
        ];
        let id = self.id();
        MessageBuilder::new()
            .from(("TLS reports".to_owned(), format!("postmaster@{hostname}")))
            .to(to.to_string())
            .subject(format!("Report Domain: {domain} Submitter: {hostname} Report-ID: <{id}>"))
            .header("Date", Raw::new(now.rfc5322()))
            .message_id(format!("{}.tls-report.{id}", now.0))
            .header("TLS-Report-Domain", Raw::new(domain.to_string()))
            .header("TLS-Report-Submitter", Raw::new(hostname.to_string()))
            .header("TLS-Required", Raw::new("No"))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .body(MimePart::new(kind, parts))
            .write_to_vec()
    }
}

/// One policy, with what was counted under it.
fn of(policy: &str, counts: &[&TlsCount]) -> Value {
    let sum = |success: bool| -> u64 {
        let of = counts.iter().filter(|count| count.session.result.is_empty() == success);
        of.map(|count| count.sessions).sum()
    };
    let failures: Vec<Value> = counts
        .iter()
        .filter(|count| !count.session.result.is_empty())
        .map(|count| {
            let TlsSession { result, host, address, detail, .. } = &count.session;
            let mut details = json!({
                "result-type": result,
                "failed-session-count": count.sessions,
                "additional-information": detail,
            });
            let known = [("receiving-mx-hostname", host), ("receiving-ip", address)];
            if let Some(details) = details.as_object_mut() {
                for (key, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
                    details.insert(key.to_owned(), json!(value));
                }
            }
            details
        })
        .collect();
    json!({
        "policy": serde_json::from_str::<Value>(policy).unwrap_or_default(),
        "summary": {
            "total-successful-session-count": sum(true),
            "total-failure-session-count": sum(false),
        },
        "failure-details": failures,
    })
}

#[cfg(test)]
mod tests;
