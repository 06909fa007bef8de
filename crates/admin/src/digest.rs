//! Digests of the quarantine: each recipient hears once of each message that is held for it, the
//! administrator of everything, by a timed job that one node at a time does.
//!
//! One mail tells of many messages, so that nobody is drowned. It comes from the null path, says
//! that it was made by a program, and goes to accounts of this server alone.

use crate::perform::mailboxes;
use filter::Filter;
use filter::texts::{Digest, DigestEntry, RequestEntry, Requests, Text, one_line};
use mail::{AccountId, Address, Domain, Id, Recipient};
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use net::{Clock, Drain};
use policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use store::{Acceptance, Held, HeldKind, Listener, Store};
use tokio::time::{MissedTickBehavior, interval};

/// How often the job is looked at.
const TURN: Duration = Duration::from_secs(30);
/// How long a run may take; a node that ended in the middle is waited for so long.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// Messages that one digest lists; of more it tells how many there are.
const LISTED_MAX: usize = 100;
/// How often a run reads what was not told of, at most: the rest waits for the next.
const ROUNDS_MAX: usize = 20;
/// The kind of a recipient's digest, in its Message-ID.
const DIGEST: &str = "digest";
const JOB: &str = "quarantine-digest";
const DAY: i64 = 86_400_000;
const HOUR: u64 = 3_600;

/// Why a digest was not sent.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("it cannot be written: {0}")]
    Message(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Sends digests as long as the server runs.
pub struct Teller {
    /// What is held.
    pub store: Arc<Store>,
    /// The settings in force, and who may be written to.
    pub policy: Arc<Policy>,
    /// The way in of our own mail, and its texts.
    pub filter: Arc<Filter>,
    /// The time.
    pub clock: Clock,
}

impl Teller {
    /// Tells what is to be told, again and again until the drain.
    pub async fn tell(self, drain: Drain) {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = drain.wait() => return,
                _ = turns.tick() => {}
            }
            tokio::select! {
                biased;
                () = drain.wait() => return,
                run = self.run() => if let Err(why) = run {
                    tracing::warn!(why, "the digests of the quarantine are sent later");
                },
            }
        }
    }

    async fn run(&self) -> Result<(), String> {
        self.tell_requests().await?;
        let hours = self.policy.snapshot().settings().quarantine.digest_hours;
        if hours == 0 {
            return Ok(());
        }
        let told = |error: store::Error| error.to_string();
        let every = Duration::from_secs(hours * HOUR);
        let Some(lease) = self.store.claim_job(JOB, every, LEASE).await.map_err(told)? else {
            return Ok(());
        };
        self.tell_all(Listener::Recipient).await?;
        self.tell_all(Listener::Administrator).await?;
        self.store.finish_job(lease).await.map_err(told)
    }

    /// Tells all that was not told of yet, some hundred rows at a time.
    async fn tell_all(&self, listener: Listener) -> Result<(), String> {
        let mut after = 0;
        for _ in 0..ROUNDS_MAX {
            let untold = self.store.untold_held(listener, after).await;
            let untold = untold.map_err(|error| error.to_string())?;
            let Some(last) = untold.last() else { return Ok(()) };
            after = last.id;
            match listener {
                Listener::Recipient => self.tell_recipients(untold).await,
                Listener::Administrator => {
                    let to = self.administrator();
                    let ids = untold.iter().map(|held| held.id).collect();
                    self.send(listener, to, untold, ids).await;
                }
            }
        }
        Ok(())
    }

    /// Tells each account of what is held for its mailboxes. What is held for an alias is told to
    /// all whom it leads to, and is told once the last of them knows. What is for no account of
    /// ours goes to nobody: its owner is elsewhere, or gone.
    async fn tell_recipients(&self, untold: Vec<Held>) {
        let mut known = BTreeMap::new();
        let mut of_account: BTreeMap<AccountId, (Vec<Held>, Vec<Id>)> = BTreeMap::new();
        let mut of_nobody = Vec::new();
        for held in untold {
            let mut owners = BTreeSet::new();
            for mailbox in &held.mailboxes {
                if !known.contains_key(mailbox) {
                    known.insert(*mailbox, self.store.mailbox(*mailbox).await.map(|it| it.account));
                }
                owners.extend(known.get(mailbox).and_then(|owner| owner.as_ref().ok()));
            }
            match owners.last() {
                None => of_nobody.push(held.id),
                Some(last) => of_account.entry(*last).or_default().1.push(held.id),
            }
            for owner in owners {
                of_account.entry(owner).or_default().0.push(held.clone());
            }
        }
        self.send(Listener::Recipient, None, Vec::new(), of_nobody).await;
        for (account, (held, told)) in of_account {
            self.send(Listener::Recipient, self.account(account), held, told).await;
        }
    }

    /// The way to an account itself; `None` where it cannot receive. Never on to elsewhere, and
    /// never to whoever gets what is for nobody: it is his mail that is told of.
    fn account(&self, account: AccountId) -> Option<Recipient> {
        let snapshot = self.policy.snapshot();
        let address = &snapshot.directory().account(account)?.address;
        let mut recipient = snapshot.own_mail(address)?;
        recipient.onward.clear();
        recipient.targets.retain(|target| target.account == account);
        Some(recipient).filter(|recipient| !recipient.targets.is_empty())
    }

    fn administrator(&self) -> Option<Recipient> {
        let postmaster = Address::at("postmaster", &self.hostname()).ok()?;
        self.policy.snapshot().own_mail(&postmaster)
    }

    /// Tells the administrator of new requests for a release, soon after they were made, in one
    /// message.
    async fn tell_requests(&self) -> Result<(), String> {
        let untold = self.store.untold_requests().await.map_err(|error| error.to_string())?;
        if untold.is_empty() {
            return Ok(());
        }
        let entry = |held: &Held| RequestEntry {
            id: held.id,
            who: one_line(&held.requested_by),
            sender: one_line(&held.sender),
            why: held.reason.meaning().to_owned(),
            at: held.at.rfc5322(),
        };
        let requests = Requests {
            hostname: self.hostname().to_string(),
            more: untold.len().saturating_sub(LISTED_MAX),
            entries: untold.iter().take(LISTED_MAX).map(entry).collect(),
        };
        let (subject, words) = self.filter.texts().words(Text::Request, &requests);
        let notice = match self.administrator() {
            Some(to) => Some(self.message(to, subject, words, "request").await?),
            None => None,
        };
        let ids: Vec<Id> = untold.iter().map(|held| held.id).collect();
        match self.store.tell_requests(&ids, notice).await {
            // Another node was faster.
            Ok(()) | Err(store::Error::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A message of ours, ready to be kept.
    async fn message(
        &self,
        to: Recipient,
        subject: String,
        words: String,
        kind: &str,
    ) -> Result<Acceptance, String> {
        let (hostname, now) = (self.hostname(), self.clock.now());
        let number = self.store.ids(1).await.map_err(|error| error.to_string())?.start;
        let mut message = MessageBuilder::new();
        // The administrator decides; whose mail it is asks.
        if kind == DIGEST {
            message = message.reply_to(filter::release::address(&hostname));
        }
        let bytes = message
            .from(("Mail Delivery System".to_owned(), format!("mailer-daemon@{hostname}")))
            .to(to.address.to_string())
            .subject(subject)
            .header("Date", Raw::new(now.rfc5322()))
            .message_id(format!("{number}.{}.{kind}@{hostname}", now.0))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(words)
            .write_to_vec()
            .map_err(|error| error.to_string())?;
        let smtputf8 = to.address.needs_smtputf8();
        filter::notice::ours(&self.filter, &self.clock, vec![to], smtputf8, &bytes).await
    }

    /// Sends a digest, if there is anybody to hear it, and writes down that these were told of.
    /// What fails is told in the next run, and keeps no digest from others.
    async fn send(
        &self,
        listener: Listener,
        to: Option<Recipient>,
        held: Vec<Held>,
        told: Vec<Id>,
    ) {
        if told.is_empty() && (held.is_empty() || to.is_none()) {
            return;
        }
        match self.try_to_send(listener, to, held, &told).await {
            // Another node was faster.
            Ok(()) | Err(Failed::Store(store::Error::Conflict { .. })) => {}
            Err(error) => tracing::warn!(%error, "a digest of the quarantine is sent later"),
        }
    }

    async fn try_to_send(
        &self,
        listener: Listener,
        to: Option<Recipient>,
        held: Vec<Held>,
        told: &[Id],
    ) -> Result<(), Failed> {
        let kind = match listener {
            Listener::Recipient => DIGEST,
            Listener::Administrator => "held",
        };
        let digest = match to {
            Some(to) => {
                let (subject, words) = self.words(listener, &to.address, held).await;
                Some(self.message(to, subject, words, kind).await.map_err(Failed::Message)?)
            }
            None => None,
        };
        Ok(self.store.tell_held(listener, told, digest).await?)
    }

    /// Subject and words of a digest.
    async fn words(&self, listener: Listener, to: &Address, held: Vec<Held>) -> (String, String) {
        let hostname = self.hostname();
        let days = self.policy.snapshot().settings().quarantine.retention_days;
        let mut entries = Vec::with_capacity(held.len().min(LISTED_MAX));
        for held in held.iter().take(LISTED_MAX) {
            entries.push(self.entry(listener, held, days).await);
        }
        let digest = Digest {
            hostname: hostname.to_string(),
            recipient: to.to_string(),
            reply_to: filter::release::address(&hostname),
            days,
            more: held.len().saturating_sub(LISTED_MAX),
            entries,
        };
        let text = match listener {
            Listener::Recipient => Text::DigestRecipient,
            Listener::Administrator => Text::DigestAdministrator,
        };
        self.filter.texts().words(text, &digest)
    }

    async fn entry(&self, listener: Listener, held: &Held, days: u64) -> DigestEntry {
        let index = match self.store.original(held.message).await {
            Ok(mut original) => mailboxes::head(&mut original).await.ok(),
            Err(_) => None,
        };
        let subject = index.as_ref().and_then(|index| index.subject()).unwrap_or_default();
        let token = match listener {
            Listener::Recipient => self.store.quarantine_token(held.id).await.unwrap_or_default(),
            // Who administers needs none, and a mailbox of many should not hold what asks for
            // others' mail.
            Listener::Administrator => String::new(),
        };
        let url = self.policy.snapshot().settings().web_url().filter(|_| !token.is_empty());
        let link = url.map(|url| filter::release::link(&url, &token)).unwrap_or_default();
        let parts = match held.kind {
            HeldKind::Message => Vec::new(),
            HeldKind::Part => self.store.held_parts(held.message).await.unwrap_or_default(),
        };
        let days = i64::try_from(days).unwrap_or(0);
        let until = match days {
            0 => String::new(),
            days => held.at.plus_millis(days.saturating_mul(DAY)).rfc5322(),
        };
        DigestEntry {
            id: held.id,
            at: held.at.rfc5322(),
            until,
            sender: one_line(&held.sender),
            recipient: one_line(&held.address),
            subject: one_line(&subject),
            why: held.reason.meaning().to_owned(),
            rule: held.rule.clone(),
            parts: parts.iter().map(|part| one_line(&part.name)).collect(),
            token,
            link,
        }
    }

    fn hostname(&self) -> Domain {
        self.policy.snapshot().settings().server.hostname.clone()
    }
}
