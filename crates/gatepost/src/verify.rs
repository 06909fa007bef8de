//! `gatepost verify`: who a message in a file is from, as far as the DNS and signatures prove it.
//!
//! Needs no server. The methods are `filter::authentication`'s; here they are asked in their order
//! and told. Only facts are printed: what the server does with them is not decided here.

mod show;

use crate::cli::{Global, VerifyArgs, VerifyCommand};
use crate::{failure, message_file, output};
use anyhow::{Context, Result};
use filter::authentication::dkim::{self, Outcome};
use filter::authentication::dmarc::{self, DkimPass, DmarcResult};
use filter::authentication::message::Message;
use filter::authentication::results::{self, Method, MethodResult};
use filter::authentication::signed::{self, Signed};
use filter::authentication::spf::{self, Client, Identity, SpfResult};
use filter::authentication::{arc, iprev};
use mail::address_list::AddressList;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    dmarc: Option<dmarc::Outcome>,
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

/// The results of the signatures, as the field tells them.
pub(crate) fn dkim_results(report: &dkim::Report) -> Vec<MethodResult> {
    if report.signatures.is_empty() {
        return vec![MethodResult::new(Method::Dkim, Outcome::None.word())];
    }
    report.signatures.iter().map(MethodResult::from).collect()
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
            no_author: None,
            iprev,
            notes,
            authentication_results: String::new(),
        };
        if matches!(self.asked, Asked::Dmarc | Asked::All) {
            match author(index, message) {
                Ok(author) => verified.dmarc = Some(self.dmarc(&author, &verified).await),
                Err(why) => verified.no_author = Some(why),
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
        let passing = verified.dkim.iter().flat_map(dkim::Report::passing);
        let dkim: Vec<DkimPass> = passing
            .filter_map(|signature| {
                let selector = signature.selector.as_ref()?.to_string();
                Some(DkimPass { domain: signature.domain.clone()?, selector })
            })
            .collect();
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

/// The domain of the one author; else why there is none. Nobody can say which of several authors
/// people see, so none is chosen.
fn author(index: &Index, message: &Message<'_>) -> Result<Domain, String> {
    if !message.is_complete() {
        return Err("the header is too large to be read as a whole".to_owned());
    }
    let fields: Vec<_> = index.fields_named("from").collect();
    let [field] = fields.as_slice() else {
        return Err(match fields.len() {
            0 => "there is no From field".to_owned(),
            count => format!("there are {count} From fields"),
        });
    };
    let list = AddressList::parse(&field.unfolded());
    let [mailbox] = list.mailboxes.as_slice() else {
        return Err(match list.mailboxes.len() {
            0 => "From has no address".to_owned(),
            count => format!("From has {count} mailboxes"),
        });
    };
    let address = mailbox.address.as_ref().map_err(|why| format!("From cannot be read: {why}"))?;
    if list.odd {
        return Err("From can be read in more than one way".to_owned());
    }
    let domain = address.domain().cloned();
    domain.ok_or_else(|| "From has an IP address in place of a domain".to_owned())
}

impl Verified {
    /// Whether what was asked passes. A domain without DMARC stands behind nothing and disowns
    /// nothing: among all methods that is no finding.
    fn passes(&self, asked: Asked) -> bool {
        let dmarc = self.dmarc.as_ref().map(|outcome| outcome.result);
        match asked {
            Asked::Spf => {
                self.spf.as_ref().is_some_and(|spf| spf.mail_from.result == SpfResult::Pass)
            }
            Asked::Dkim => self.dkim.as_ref().is_some_and(|dkim| dkim.passing().next().is_some()),
            Asked::Arc => self.arc.as_ref().is_some_and(|arc| arc.result == arc::ChainResult::Pass),
            Asked::Dmarc => dmarc == Some(DmarcResult::Pass),
            Asked::All => matches!(dmarc, Some(DmarcResult::Pass | DmarcResult::None)),
        }
    }

    fn results(&self) -> Vec<MethodResult> {
        let mut told = Vec::new();
        if let Some(spf) = &self.spf {
            told.extend([&spf.mail_from, &spf.helo].map(MethodResult::from));
        }
        told.extend(self.dkim.iter().flat_map(dkim_results));
        told.extend(self.arc.iter().map(MethodResult::from));
        told.extend(self.dmarc.iter().map(MethodResult::from));
        let without = self.no_author.iter().map(|why| {
            let result = DmarcResult::PermError.word();
            MethodResult::new(Method::Dmarc, result).because(Some(why.clone()))
        });
        told.extend(without);
        told.extend(self.iprev.iter().map(MethodResult::from));
        told
    }
}
