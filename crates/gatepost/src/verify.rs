//! `gatepost verify`: who a message in a file is from, as far as the DNS and signatures prove it.
//!
//! Needs no server. The methods are `filter::authentication`'s; here they are asked in their order
//! and told. Only facts are printed: what the server does with them is not decided here.

mod show;

use crate::cli::{Global, VerifyArgs, VerifyCommand};
use crate::{failure, message_file, output};
use anyhow::{Context, Result};
use filter::authentication::dkim;
use filter::authentication::dmarc::{self, DmarcResult};
use filter::authentication::message::Message;
use filter::authentication::results::{self, Method, MethodResult};
use filter::authentication::signed::{self, Signed};
use filter::authentication::spf::{self, Client, Identity, SpfResult};
use filter::authentication::{arc, author, evidence, iprev};
use mail::index::Index;
use mail::{Domain, Host, ReversePath, Timestamp};
use net::Resolver;
use serde::Serialize;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What one method may take; RFC 7208 §4.6.4 wants to give at least 20 seconds.
const METHOD_LIMIT: Duration = Duration::from_secs(20);

/// Which methods were asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Spf,
    Dkim,
    Dmarc,
    Arc,
    All,
}

/// What was found; a method that was not asked is left out.
#[derive(Serialize)]
struct Verified {
    /// Lines of the file ended with LF alone; the message was read as if with CRLF.
    line_ends_repaired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    spf: Option<Spf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dkim: Option<dkim::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arc: Option<arc::Chain>,
    /// Of the domain of From; where there are several, of the one whose wish is the strictest.
    #[serde(skip_serializing_if = "Option::is_none")]
    dmarc: Option<dmarc::Outcome>,
    /// The other ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_authors: Vec<dmarc::Outcome>,
    /// Why there is no author domain to ask DMARC for.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iprev: Option<iprev::Outcome>,
    /// What was left out, or taken in place of what was not given.
    notes: Vec<String>,
    /// The field that the server would write, with its line ends.
    authentication_results: String,
}

#[derive(Serialize)]
struct Spf {
    mail_from: spf::Outcome,
    helo: spf::Outcome,
}

/// `gatepost verify spf|dkim|dmarc|arc|all FILE`
pub(crate) fn run(global: &Global, command: &VerifyCommand) -> Result<ExitCode> {
    let (asked, args) = match command {
        VerifyCommand::Spf(args) => (Asked::Spf, args),
        VerifyCommand::Dkim(args) => (Asked::Dkim, args),
        VerifyCommand::Dmarc(args) => (Asked::Dmarc, args),
        VerifyCommand::Arc(args) => (Asked::Arc, args),
        VerifyCommand::All(args) => (Asked::All, args),
    };
    if asked == Asked::Spf && args.ip.is_none() {
        let usage = failure::usage("SPF needs the address of the client");
        return Err(usage.hint("say --ip 192.0.2.1").into());
    }
    let file = message_file::read(&args.file)?;
    let index = Index::of(&file.bytes);
    let message = Message::at_hand(&index, &file.bytes);
    let receiver = receiver(global)?;
    let verified = crate::serve::runtime()?.block_on(async {
        let resolver = global.resolver()?;
        let now = global.clock().now();
        let round = Round { resolver: &*resolver, receiver: &receiver, now, asked, args };
        let mut verified = round.verify(&index, &message).await?;
        verified.line_ends_repaired = file.repaired;
        anyhow::Ok(verified)
    })?;
    if global.json {
        output::json_line(&verified)?;
    } else {
        output::print(&show::text(&verified))?;
    }
    Ok(if verified.passes(asked) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Our own name: what the settings say, where there are any. Offline there need be none.
fn receiver(global: &Global) -> Result<Domain> {
    match config::load(&global.config) {
        Ok(settings) => Ok(settings.server.hostname),
        Err(_) => Ok(Domain::parse("localhost")?),
    }
}

/// Signatures and chain, within the time of a method.
pub(crate) async fn signed(
    resolver: &dyn Resolver,
    message: &Message<'_>,
    now: Timestamp,
) -> Result<Signed> {
    within(signed::verify(message, resolver, now)).await
}

async fn within<T>(verified: impl Future<Output = Result<T, store::Error>>) -> Result<T> {
    let answered = tokio::time::timeout(METHOD_LIMIT, verified).await;
    Ok(answered.context("the DNS did not answer in 20 seconds")??)
}

/// One message that is verified.
struct Round<'a> {
    resolver: &'a dyn Resolver,
    receiver: &'a Domain,
    now: Timestamp,
    asked: Asked,
    args: &'a VerifyArgs,
}

impl Round<'_> {
    async fn verify(&self, index: &Index, message: &Message<'_>) -> Result<Verified> {
        let mut notes = Vec::new();
        let spf = match self.args.ip {
            _ if matches!(self.asked, Asked::Dkim | Asked::Arc) => None,
            Some(ip) => Some(self.spf(ip, index, &mut notes).await),
            None => {
                let left_out = "SPF is left out: it needs the client's address (--ip); so DMARC \
                                rests on signatures alone.";
                notes.push(left_out.to_owned());
                None
            }
        };
        let (dkim, arc) = self.signatures(message).await?;
        let iprev = match self.args.ip.filter(|_| self.asked == Asked::All) {
            Some(ip) => Some(iprev::check(self.resolver, ip, self.deadline()).await),
            None => None,
        };
        let mut verified = Verified {
            line_ends_repaired: false,
            spf,
            dkim,
            arc,
            dmarc: None,
            other_authors: Vec::new(),
            no_author: None,
            iprev,
            notes,
            authentication_results: String::new(),
        };
        if matches!(self.asked, Asked::Dmarc | Asked::All) {
            match author::domains(index, message.is_complete()) {
                Ok(authors) if authors.is_empty() => {
                    let why = "From has an IP address in place of a domain";
                    verified.no_author = Some(why.to_owned());
                }
                Ok(authors) => {
                    let mut outcomes = Vec::with_capacity(authors.len());
                    for author in &authors {
                        outcomes.push(self.dmarc(author, &verified).await);
                    }
                    // Stable: of equally strict ones the first.
                    outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.disposition));
                    let mut outcomes = outcomes.into_iter();
                    verified.dmarc = outcomes.next();
                    verified.other_authors = outcomes.collect();
                }
                Err(why) => verified.no_author = Some(why.to_string()),
            }
        }
        verified.authentication_results = results::field(self.receiver, &verified.results());
        Ok(verified)
    }

    async fn spf(&self, ip: IpAddr, index: &Index, notes: &mut Vec<String>) -> Spf {
        let literal = Host::Literal(ip.to_canonical()).to_string();
        let helo = self.args.helo.as_deref().unwrap_or(&literal);
        let sender = self.args.mail_from.clone().unwrap_or_else(|| return_path(index, notes));
        let client = Client { ip, helo, receiver: self.receiver, now: self.now };
        let check =
            async |identity| spf::check(self.resolver, &client, &identity, self.deadline()).await;
        let mail_from = check(Identity::mail_from(&sender, helo)).await;
        Spf { mail_from, helo: check(Identity::helo(helo)).await }
    }

    async fn signatures(
        &self,
        message: &Message<'_>,
    ) -> Result<(Option<dkim::Report>, Option<arc::Chain>)> {
        let (resolver, now) = (self.resolver, self.now);
        Ok(match self.asked {
            Asked::Spf => (None, None),
            Asked::Dkim | Asked::Dmarc => {
                (Some(within(dkim::verify(message, resolver, now)).await?), None)
            }
            Asked::Arc => (None, Some(within(arc::verify(message, resolver, now)).await?)),
            Asked::All => {
                let signed = signed(resolver, message, now).await?;
                (Some(signed.dkim), Some(signed.arc))
            }
        })
    }

    async fn dmarc(&self, author: &Domain, verified: &Verified) -> dmarc::Outcome {
        let spf = verified.spf.as_ref().and_then(|spf| spf.mail_from.passed());
        let dkim = verified.dkim.as_ref().map(evidence::dkim_passes).unwrap_or_default();
        dmarc::check(self.resolver, author, spf, &dkim, self.deadline()).await
    }

    fn deadline(&self) -> Instant {
        Instant::now() + METHOD_LIMIT
    }
}

/// The sender that the last server wrote down (RFC 5321 §4.4), or none.
fn return_path(index: &Index, notes: &mut Vec<String>) -> ReversePath {
    let Some(field) = index.field("return-path") else {
        notes.push("MAIL FROM is taken as <>: there is no Return-Path (--mail-from).".to_owned());
        return ReversePath::Null;
    };
    ReversePath::parse(&field.text()).unwrap_or_else(|_| {
        notes.push("MAIL FROM is taken as <>: Return-Path cannot be read.".to_owned());
        ReversePath::Null
    })
}

impl Verified {
    /// Whether what was asked passes. A domain without DMARC stands behind nothing and disowns
    /// nothing: among all methods that is no finding.
    fn passes(&self, asked: Asked) -> bool {
        let all = |fits: fn(DmarcResult) -> bool| {
            self.dmarc.is_some() && self.authors().all(|outcome| fits(outcome.result))
        };
        match asked {
            Asked::Spf => {
                self.spf.as_ref().is_some_and(|spf| spf.mail_from.result == SpfResult::Pass)
            }
            Asked::Dkim => self.dkim.as_ref().is_some_and(|dkim| dkim.passing().next().is_some()),
            Asked::Arc => self.arc.as_ref().is_some_and(|arc| arc.result == arc::ChainResult::Pass),
            Asked::Dmarc => all(|result| result == DmarcResult::Pass),
            Asked::All => all(|result| matches!(result, DmarcResult::Pass | DmarcResult::None)),
        }
    }

    /// What DMARC says of each domain of From.
    fn authors(&self) -> impl Iterator<Item = &dmarc::Outcome> {
        self.dmarc.iter().chain(&self.other_authors)
    }

    fn results(&self) -> Vec<MethodResult> {
        let mut told = Vec::new();
        if let Some(spf) = &self.spf {
            told.extend([&spf.mail_from, &spf.helo].map(MethodResult::from));
        }
        told.extend(self.dkim.iter().flat_map(evidence::dkim_results));
        told.extend(self.arc.iter().map(MethodResult::from));
        told.extend(self.authors().map(MethodResult::from));
        let without = self.no_author.iter().map(|why| {
            let result = DmarcResult::PermError.word();
            MethodResult::new(Method::Dmarc, result).because(Some(why.clone()))
        });
        told.extend(without);
        told.extend(self.iprev.iter().map(MethodResult::from));
        told
    }
}
