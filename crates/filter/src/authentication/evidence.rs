//! All that the DNS and signatures prove of one message, gathered at once: what the authentication
//! stage judges, what `gatepost verify all` prints, and what our Authentication-Results tells.

use super::arc::ChainResult;
use super::author::{self, NoAuthor};
use super::dkim::{self, Outcome};
use super::dmarc::{self, DkimPass};
use super::iprev;
use super::message::Message;
use super::results::{Method, MethodResult};
use super::signed::{self, Signed};
use super::spf::{self, Client, Identity, SpfResult};
use mail::index::Index;
use mail::{Address, Domain, Host, ReversePath, Timestamp};
use net::Resolver;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What all look-ups for one message may take; RFC 7208 §4.6.4 wants to give at least 20 seconds.
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// Signatures that the trace tells of each message.
const SUMMARY_MAX: usize = 3;

/// Who brought a message, when and where.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The client's address; `None` where another server of ours met the client, so that its
    /// address is not known: then nothing rests on it.
    pub ip: Option<IpAddr>,
    /// What it called itself.
    pub helo: Option<&'a str>,
    /// The envelope's sender.
    pub sender: &'a ReversePath,
    /// Our own name.
    pub receiver: &'a Domain,
    /// The time.
    pub now: Timestamp,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whether the client may send for the envelope's sender, and for the name it greeted with.
    pub spf: Option<[spf::Outcome; 2]>,
    /// Signatures and chain.
    pub signed: Signed,
    /// Of every author domain, whether it stands behind the message; or why none can be asked.
    pub dmarc: Result<Vec<dmarc::Outcome>, NoAuthor>,
    /// Whether address and name of the client lead to one another.
    pub iprev: Option<iprev::Outcome>,
}

/// Asks for everything, what does not wait for another at the same time.
///
/// Takes no longer than [`TIME_MAX`] and a little: what was not answered by then is a temporary
/// error of its method.
///
/// # Errors
/// The body cannot be read.
pub async fn gather(
    resolver: &dyn Resolver,
    index: &Index,
    message: &Message<'_>,
    given: &Given<'_>,
) -> Result<Evidence, store::Error> {
    let deadline = Instant::now() + TIME_MAX;
    let (spf, signed, iprev) = tokio::join!(
        spf(resolver, given, deadline),
        signed::verify_by(message, resolver, given.now, Some(deadline)),
        iprev(resolver, given.ip, deadline),
    );
    let signed = signed?;
    let dmarc = match author::domains(index, message.is_complete()) {
        Err(why) => Err(why),
        Ok(authors) => {
            let passed = spf.as_ref().and_then(|[mail_from, _]| mail_from.passed());
            let keys = dkim_passes(&signed.dkim);
            let mut outcomes = Vec::with_capacity(authors.len());
            for author in &authors {
                outcomes.push(dmarc::check(resolver, author, passed, &keys, deadline).await);
            }
            Ok(outcomes)
        }
    };
    Ok(Evidence { spf, signed, dmarc, iprev })
}

async fn spf(
    resolver: &dyn Resolver,
    given: &Given<'_>,
    deadline: Instant,
) -> Option<[spf::Outcome; 2]> {
    let ip = given.ip?;
    let literal = Host::Literal(ip.to_canonical()).to_string();
    let helo = given.helo.unwrap_or(&literal);
    let client = Client { ip, helo, receiver: given.receiver, now: given.now };
    let (sender, greeting) = (Identity::mail_from(given.sender, helo), Identity::helo(helo));
    let (sender, greeting) = tokio::join!(
        spf::check(resolver, &client, &sender, deadline),
        spf::check(resolver, &client, &greeting, deadline),
    );
    Some([sender, greeting])
}

async fn iprev(
    resolver: &dyn Resolver,
    ip: Option<IpAddr>,
    deadline: Instant,
) -> Option<iprev::Outcome> {
    Some(iprev::check(resolver, ip?, deadline).await)
}

/// The signatures that verified, as DMARC asks for them.
pub fn dkim_passes(report: &dkim::Report) -> Vec<DkimPass> {
    let pass = |signature: &dkim::SignatureResult| {
        let selector = signature.selector.as_ref()?.to_string();
        Some(DkimPass { domain: signature.domain.clone()?, selector })
    };
    report.passing().filter_map(pass).collect()
}

/// The results of the signatures, as the field tells them.
pub fn dkim_results(report: &dkim::Report) -> Vec<MethodResult> {
    if report.signatures.is_empty() {
        return vec![MethodResult::new(Method::Dkim, Outcome::None.word())];
    }
    report.signatures.iter().map(MethodResult::from).collect()
}

impl Evidence {
    /// The domains that SPF (for the envelope's sender) and signatures prove.
    pub fn proved(&self) -> impl Iterator<Item = &Domain> {
        let spf = self.spf.as_ref().and_then(|[mail_from, _]| mail_from.passed());
        let signers = self.signed.dkim.passing().filter_map(|s| s.domain.as_ref());
        spf.into_iter().chain(signers)
    }

    /// Whether the sender of the envelope may be told of what becomes of the message: SPF passes
    /// for it, or a signature of its domain or one above it. A forged one would hear of mail that
    /// it never sent.
    pub fn vouches_for(&self, sender: &ReversePath) -> bool {
        let Some(domain) = sender.address().and_then(Address::domain) else { return false };
        let aligned = self.dmarc.iter().flatten();
        let mut aligned = aligned.filter(|outcome| outcome.result == dmarc::DmarcResult::Pass);
        aligned.any(|outcome| outcome.author == *domain)
            || self.proved().any(|proved| domain.is_within(proved))
    }

    /// Whether aligned SPF or DKIM vouches for every domain that From has. Where a domain has no
    /// policy, what is proved has to be that domain or one above it.
    pub fn vouches_for_author(&self) -> bool {
        let is_proved = |author: &Domain| self.proved().any(|proved| author.is_within(proved));
        let mut outcomes = self.dmarc.iter().flatten().peekable();
        outcomes.peek().is_some()
            && outcomes.all(|outcome| match outcome.result {
                dmarc::DmarcResult::Pass => true,
                dmarc::DmarcResult::None => is_proved(&outcome.author),
                _ => false,
            })
    }

    /// Whether something that would prove `domain` could not be asked for: later it may pass.
    pub fn is_open_about(&self, domain: &Domain) -> bool {
        let kin = |other: &Domain| other.is_within(domain) || domain.is_within(other);
        let spf =
            self.spf.iter().flatten().any(|spf| {
                spf.result == SpfResult::TempError && spf.domain.as_ref().is_none_or(kin)
            });
        let signed = self.signed.dkim.signatures.iter().any(|signature| {
            signature.result == Outcome::TempError && signature.domain.as_ref().is_some_and(kin)
        });
        spf || signed
    }

    /// The results in short, for the trace: `spf=pass dkim=pass:example.org dmarc=pass`.
    pub fn summary(&self) -> String {
        let mut words = Vec::new();
        if let Some([mail_from, _]) = &self.spf {
            words.push(format!("spf={}", mail_from.result.word()));
        }
        for signature in self.signed.dkim.signatures.iter().take(SUMMARY_MAX) {
            let domain = signature.domain.as_ref().map_or("?", Domain::as_str);
            words.push(format!("dkim={}:{domain}", signature.result.word()));
        }
        if self.signed.arc.result != ChainResult::None {
            words.push(format!("arc={}", self.signed.arc.result.word()));
        }
        for outcome in self.dmarc.iter().flatten() {
            words.push(format!("dmarc={}:{}", outcome.result.word(), outcome.author));
        }
        words.join(" ")
    }

    /// Every result, for the field that tells them.
    pub fn results(&self) -> Vec<MethodResult> {
        let mut told: Vec<MethodResult> =
            self.spf.iter().flatten().map(MethodResult::from).collect();
        told.extend(dkim_results(&self.signed.dkim));
        let arc = Some(&self.signed.arc).filter(|chain| chain.result != ChainResult::None);
        told.extend(arc.map(MethodResult::from));
        match &self.dmarc {
            Ok(outcomes) => told.extend(outcomes.iter().map(MethodResult::from)),
            Err(why) => told.push(
                MethodResult::new(Method::Dmarc, dmarc::DmarcResult::PermError.word())
                    .because(Some(why.to_string())),
            ),
        }
        told.extend(self.iprev.iter().map(MethodResult::from));
        told
    }
}
