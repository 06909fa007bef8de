//! Keys that sign what leaves: the records, and the steps of their lives.
//!
//! Which step is due is decided in `admin`; here each is one write with its trace row. A time that
//! was set is never changed, and the secret is wiped with the retirement.

use super::catch_up::{Kind, log_change};
use crate::database::{Bell, Expect, Write};
use crate::trace::write_rows;
use crate::{Error, Store};
use mail::{Domain, Id, Secret, Timestamp};
use std::sync::Arc;

/// Steps that one write takes; a domain has two of a kind at a time.
const STEPS_MAX: usize = 1_000;

/// A key of an own domain, until its record may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// Its number.
    pub id: Id,
    /// The domain that it signs for.
    pub domain: Domain,
    /// Its name: the record is at `selector._domainkey.domain`.
    pub selector: String,
    /// `rsa-sha256` or `ed25519-sha256`.
    pub algorithm: String,
    /// The private key as PEM; empty once it is retired.
    pub secret: KeySecret,
    /// The text to publish (RFC 6376 §3.6.1).
    pub record: String,
    /// Since when the record is to be seen.
    pub published_at: Timestamp,
    /// When its record was first seen in the DNS.
    pub seen_at: Option<Timestamp>,
    /// Since when it signs.
    pub activated_at: Option<Timestamp>,
    /// Since when it signs no more.
    pub retired_at: Option<Timestamp>,
}

/// A private key: readable only where it signs.
#[derive(Clone)]
pub struct KeySecret(Arc<Secret<String>>);

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStage {
    /// Its record is to be published; it does not sign yet.
    Published,
    /// It signs.
    Active,
    /// It signs no more; its record stays, so that what is on its way can be verified.
    Retired,
}

/// A step in the life of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStep {
    /// The record of a published key was seen for the first time.
    See,
    /// A published key signs from now on.
    Activate,
    /// A published or active key signs no more; its secret is wiped.
    Retire,
    /// The record of a retired key may go.
    End,
}

/// A key to be added; its record is to be published from then on.
#[derive(Debug)]
pub struct NewDkimKey {
    /// The domain that it signs for.
    pub domain: Domain,
    /// Its name, which no key of the domain ever had.
    pub selector: String,
    /// `rsa-sha256` or `ed25519-sha256`.
    pub algorithm: &'static str,
    /// The private key as PEM.
    pub secret: Secret<String>,
    /// The text to publish.
    pub record: String,
}

impl DkimKey {
    /// Where it is in its life.
    pub fn stage(&self) -> KeyStage {
        match (self.activated_at, self.retired_at) {
            (_, Some(_)) => KeyStage::Retired,
            (Some(_), None) => KeyStage::Active,
            (None, None) => KeyStage::Published,
        }
    }
}

impl KeyStage {
    /// Its word in lists and JSON.
    pub fn word(self) -> &'static str {
        match self {
            KeyStage::Published => "published",
            KeyStage::Active => "active",
            KeyStage::Retired => "retired",
        }
    }
}

impl KeySecret {
    pub(super) fn new(pem: String) -> Self {
        Self(Arc::new(Secret::new(pem)))
    }

    /// The key as PEM, for signing.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for KeySecret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for KeySecret {}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Store {
    /// Adds a key of an own domain; it does not sign before [`KeyStep::Activate`].
    ///
    /// # Errors
    /// [`Error::Exists`] if the domain had the selector ever, or has a key of this algorithm that
    /// waits already; [`Error::NotFound`] if the domain is not one of this server's.
    pub async fn add_dkim_key(&self, new: NewDkimKey) -> Result<Id, Error> {
        let _one = self.begin_change().await?;
        if self.directory().domain(&new.domain).is_none() {
            return Err(Error::NotFound(format!("domain {} here", new.domain)));
        }
        let id = self.id().await?;
        let what = format!("the DKIM key {}._domainkey.{}", new.selector, new.domain);
        let statement = crate::Statement::new(
            "INSERT INTO dkim_key (id, organisation, node, domain, selector, algorithm, secret, \
             record, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                new.domain.as_str().into(),
                new.selector.into(),
                new.algorithm.into(),
                new.secret.expose().as_str().into(),
                new.record.into(),
                self.now().into(),
            ],
        );
        self.add((Kind::DkimKey, id), vec![statement], &what, "").await?;
        Ok(id)
    }

    /// Takes steps in the lives of keys, all of them or none; the retirements go first, so that one
    /// key can take another's place.
    ///
    /// # Errors
    /// [`Error::NotFound`] if a key is not there or not where the step begins;
    /// [`Error::Invalid`] for more than 1,000 steps.
    pub async fn step_dkim_keys(&self, steps: &[(Id, KeyStep)]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        if steps.len() > STEPS_MAX {
            return Err(Error::Invalid("too many steps at once".to_owned()));
        }
        let mut steps = steps.to_vec();
        steps.sort_by_key(|(_, step)| *step == KeyStep::Activate);
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let mut write = Write::default().ring(Bell::Directory);
        let mut rows = Vec::with_capacity(steps.len());
        for (id, step) in &steps {
            let key = directory.dkim_keys().iter().find(|key| key.id == *id);
            let key = key.ok_or_else(|| Error::NotFound(format!("DKIM key {id}")))?;
            write.push(step.sql(), vec![(*id).into(), self.now().into()], Expect::Rows(1));
            log_change(&mut write, Kind::DkimKey, *id);
            let (verb, selector, domain) = (step.done(), &key.selector, &key.domain);
            rows.push(self.administered(format!("{verb} the DKIM key {selector} of {domain}")));
        }
        let numbered = self.numbered(rows.len() as i64).await?;
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), rows);
        match self.db.write(write).await {
            Ok(_) => self.catch_up_directory().await,
            Err(Error::Conflict { .. }) => {
                Err(Error::NotFound("a DKIM key at the stage that the step begins at".to_owned()))
            }
            Err(other) => Err(other),
        }
    }

    /// Every selector that keys of a domain have or had.
    ///
    /// # Errors
    /// The database's.
    pub async fn dkim_selectors(&self, domain: &Domain) -> Result<Vec<String>, Error> {
        let sql = "SELECT selector FROM dkim_key WHERE domain = $1 ORDER BY selector";
        let rows = self.db.read(sql, vec![domain.as_str().into()]).await?;
        rows.into_iter().map(|row| crate::columns::Columns::of(row).text()).collect()
    }
}

impl KeyStep {
    fn sql(self) -> &'static str {
        match self {
            KeyStep::See => {
                "UPDATE dkim_key SET seen_at = $2 \
                 WHERE id = $1 AND seen_at IS NULL AND retired_at IS NULL"
            }
            KeyStep::Activate => {
                "UPDATE dkim_key SET activated_at = $2 \
                 WHERE id = $1 AND activated_at IS NULL AND retired_at IS NULL"
            }
            KeyStep::Retire => {
                "UPDATE dkim_key SET retired_at = $2, secret = '' \
                 WHERE id = $1 AND retired_at IS NULL"
            }
            KeyStep::End => {
                "UPDATE dkim_key SET valid_to = $2 \
                 WHERE id = $1 AND retired_at IS NOT NULL AND valid_to IS NULL"
            }
        }
    }

    fn done(self) -> &'static str {
        match self {
            KeyStep::See => "saw the record of",
            KeyStep::Activate => "activated",
            KeyStep::Retire => "retired",
            KeyStep::End => "ended",
        }
    }
}
