//! App passwords and granted addresses: what belongs to an account besides its main password.
//!
//! They are part of the account's record, so a change of one is a change of the account: other
//! nodes follow it by the same row of the log. Kept are verifiers alone; whether a password or a
//! proof fits one is decided in `policy`.

use super::catch_up::Kind;
use super::{Account, Directory};
use crate::columns::Columns;
use crate::database::{Database, Expect, Row, Statement, Value, Write};
use crate::{Error, Store};
use ipnet::IpNet;
use mail::scram::HASH;
use mail::{AccountId, Credential, Id, Protocol, Secret, SenderGrant, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// App passwords of one account. A proof of SCRAM is tried against each of them.
pub const APP_PASSWORDS_MAX: usize = 32;
/// Granted addresses and domains of one account: each is looked at for each sender.
const GRANTS_MAX: usize = 1_000;
/// Networks of one app password.
const NETWORKS_MAX: usize = 32;
/// Longest name of an app password, in bytes: one that a table and the trace can show.
const NAME_MAX: usize = 64;
/// The name of the key that salts are made with.
const SALT_KEY: &str = "salt";
/// The name of the key that senders of forwarded mail are rewritten with.
const FORWARDING_KEY: &str = "forwarding";

/// A password of one program of an account's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Its number.
    pub id: Id,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for; at least one.
    pub protocols: Vec<Protocol>,
    /// From where it may be used; none means anywhere.
    pub networks: Vec<IpNet>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// Since when it is in force.
    pub since: Timestamp,
    /// By what it is checked.
    pub verifier: Verifier,
}

/// What is kept of a password by SCRAM-SHA-256 (RFC 5802 §3); never printed, never traced.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Salt of PBKDF2.
    pub salt: Vec<u8>,
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// By which a client's proof is checked.
    pub stored_key: [u8; HASH],
    /// By which we prove to a client that we have this.
    pub server_key: [u8; HASH],
}

/// An app password to be added.
#[derive(Debug, Clone)]
pub struct NewAppPassword {
    /// What its owner calls it; of those in force, only one of an account has a name.
    pub name: String,
    /// What it is good for.
    pub protocols: Vec<Protocol>,
    /// From where it may be used; none means anywhere.
    pub networks: Vec<IpNet>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// By what it is checked.
    pub verifier: Verifier,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl AppPassword {
    /// Whether it has ended by itself.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Account {
    /// The app password with this number, if it is in force.
    pub fn app_password(&self, id: Id) -> Option<&AppPassword> {
        self.app_passwords.iter().find(|known| known.id == id)
    }
}

impl Directory {
    /// Whether a session that this credential of an account opened may go on: neither the account
    /// nor the app password was ended, disabled or has expired.
    pub fn may_go_on(&self, account: AccountId, credential: Credential, now: Timestamp) -> bool {
        let Some(account) = self.account(account).filter(|account| !account.disabled) else {
            return false;
        };
        match credential {
            Credential::Main => true,
            Credential::App(id) => account.app_password(id).is_some_and(|a| !a.has_expired(now)),
        }
    }

    /// When a credential ends by itself.
    pub fn expiry(&self, account: AccountId, credential: Credential) -> Option<Timestamp> {
        match credential {
            Credential::Main => None,
            Credential::App(id) => self.account(account)?.app_password(id)?.expires,
        }
    }
}

impl Store {
    /// Adds an app password; answers its number.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`] for a name that another one in force has,
    /// [`Error::Invalid`] for one too many or a name that cannot be shown.
    pub async fn add_app_password(
        &self,
        account: AccountId,
        new: NewAppPassword,
    ) -> Result<Id, Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let Some(owner) = directory.account(account) else {
            return Err(Error::NotFound(format!("account {account}")));
        };
        check(owner, &new)?;
        let id = self.id().await?;
        let what = format!("the app password {} of {}", new.name, owner.address);
        let (protocols, networks) = (listed(&new.protocols), listed(&new.networks));
        let more = format!(" for {protocols} {networks}");
        let Verifier { salt, iterations, stored_key, server_key } = new.verifier;
        let statement = Statement::new(
            "INSERT INTO app_password (id, organisation, node, account, name, protocols, \
             networks, expires, salt, iterations, stored_key, server_key, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                account.0.into(),
                new.name.into(),
                protocols.into(),
                networks.into(),
                new.expires.map(|at| at.0).into(),
                salt.into(),
                i64::from(iterations).into(),
                stored_key.to_vec().into(),
                server_key.to_vec().into(),
                self.now().into(),
            ],
        );
        self.add((Kind::Account, account.0), vec![statement], &what, more.trim_end()).await?;
        Ok(id)
    }

    /// Ends the app password of an account with this name, and wipes its verifier; answers its
    /// number.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_app_password(&self, account: AccountId, name: &str) -> Result<Id, Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let owner = directory.account(account);
        let found = owner.and_then(|a| a.app_passwords.iter().find(|known| known.name == name));
        let (Some(owner), Some(found)) = (owner, found) else {
            return Err(Error::NotFound(format!("app password {name}")));
        };
        let what = format!("the app password {name} of {}", owner.address);
        let statements = vec![
            Statement::new(
                "UPDATE app_password SET valid_to = $2, salt = NULL, stored_key = NULL, \
                 server_key = NULL WHERE id = $1 AND valid_to IS NULL",
                vec![found.id.into(), self.now().into()],
            ),
            Statement::new(
                "DELETE FROM app_password_use WHERE app_password = $1",
                vec![found.id.into()],
            ),
        ];
        self.end((Kind::Account, account.0), statements, &what).await?;
        Ok(found.id)
    }

    /// Lets an account send as an address or as all of a domain.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::Invalid`] for one too many.
    pub async fn grant(&self, account: AccountId, grant: &SenderGrant) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let Some(owner) = directory.account(account) else {
            return Err(Error::NotFound(format!("account {account}")));
        };
        if owner.grants.len() >= GRANTS_MAX {
            let text = format!("{} has {GRANTS_MAX} granted addresses already", owner.address);
            return Err(Error::Invalid(text));
        }
        let id = self.id().await?;
        let statement = Statement::new(
            "INSERT INTO sender_grant (id, organisation, node, account, granted, granted_key, \
             valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                account.0.into(),
                grant.to_string().into(),
                grant.key().into(),
                self.now().into(),
            ],
        );
        let what = format!("the grant of {grant} to {}", owner.address);
        self.add((Kind::Account, account.0), vec![statement], &what, "").await
    }

    /// Ends what [`Store::grant`] began.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(&self, account: AccountId, grant: &SenderGrant) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let owner = directory.account(account);
        let owner = owner.map_or_else(|| account.to_string(), |owner| owner.address.to_string());
        let what = format!("grant of {grant} to {owner}");
        let statement = Statement::new(
            "UPDATE sender_grant SET valid_to = $3 \
             WHERE account = $1 AND granted_key = $2 AND valid_to IS NULL",
            vec![account.0.into(), grant.key().into(), self.now().into()],
        );
        self.end((Kind::Account, account.0), vec![statement], &what).await
    }

    /// Writes when and from where an app password was used; rides a later commit.
    pub fn remember_use(&self, app_password: Id, ip: IpAddr, now: Timestamp) {
        let remember = Statement::new(
            "INSERT INTO app_password_use (app_password, last_at, last_place) \
             SELECT id, $2, $3 FROM app_password WHERE id = $1 AND valid_to IS NULL \
             ON CONFLICT (app_password) DO UPDATE SET last_at = $2, last_place = $3",
            vec![app_password.into(), now.0.into(), net::network_key(ip).to_string().into()],
        );
        self.db.post(Write::new(vec![remember]));
    }

    /// When and from where the app passwords of an account were used last, by their numbers: to
    /// the day, for each place.
    ///
    /// # Errors
    /// The database's.
    pub async fn app_password_uses(
        &self,
        account: AccountId,
    ) -> Result<HashMap<Id, (Timestamp, String)>, Error> {
        self.db.flush().await?;
        let sql = "SELECT u.app_password, u.last_at, u.last_place FROM app_password_use u \
                   JOIN app_password p ON p.id = u.app_password \
                   WHERE p.account = $1 AND p.valid_to IS NULL";
        let rows = self.db.read(sql, vec![account.0.into()]).await?;
        let read = |row| {
            let mut row = Columns::of(row);
            Ok((row.int()?, (Timestamp(row.int()?), row.text()?)))
        };
        rows.into_iter().map(read).collect()
    }

    /// The key that salts are made with: the same on every node and after every restart, so that
    /// a name always has the same salt, whether there is such an account or not.
    pub fn salt_key(&self) -> &Secret<[u8; 32]> {
        &self.salt_key
    }

    /// The key that `mail::srs` signs with: the same on every node and after every restart, so
    /// that a bounce may come to any of them.
    pub fn forwarding_key(&self) -> &Secret<[u8; 32]> {
        &self.forwarding_key
    }
}

fn check(owner: &Account, new: &NewAppPassword) -> Result<(), Error> {
    let invalid = |text: String| Err(Error::Invalid(text));
    if owner.app_passwords.len() >= APP_PASSWORDS_MAX {
        let (address, most) = (&owner.address, APP_PASSWORDS_MAX);
        return invalid(format!("{address} has {most} app passwords already: remove one"));
    }
    let shown = new.name.trim() == new.name && !new.name.chars().any(char::is_control);
    if !(1..=NAME_MAX).contains(&new.name.len()) || !shown {
        let text = "an app password's name has 1 to 64 bytes, without blanks around it";
        return invalid(text.to_owned());
    }
    if new.protocols.is_empty() {
        return invalid("an app password is for one protocol at least".to_owned());
    }
    if new.networks.len() > NETWORKS_MAX {
        return invalid(format!("an app password has at most {NETWORKS_MAX} networks"));
    }
    Ok(())
}

/// The statements that end what an account has of these, at the time `$2`.
pub(super) fn end_all(ended: &[Value]) -> [Statement; 3] {
    let account = ended.iter().take(1).cloned().collect();
    [
        Statement::new(
            "DELETE FROM app_password_use WHERE app_password IN \
             (SELECT id FROM app_password WHERE account = $1)",
            account,
        ),
        Statement::new(
            "UPDATE app_password SET valid_to = $2, salt = NULL, stored_key = NULL, \
             server_key = NULL WHERE account = $1 AND valid_to IS NULL",
            ended.to_vec(),
        ),
        Statement::new(
            "UPDATE sender_grant SET valid_to = $2 WHERE account = $1 AND valid_to IS NULL",
            ended.to_vec(),
        ),
    ]
}

/// What is in force of accounts, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Belongings {
    app_passwords: HashMap<i64, Vec<AppPassword>>,
    grants: HashMap<i64, Vec<SenderGrant>>,
}

/// Columns and condition; with a condition more, those of one account.
macro_rules! in_force {
    (app_password) => {
        "SELECT account, id, name, protocols, networks, expires, valid_from, salt, iterations, \
         stored_key, server_key FROM app_password WHERE valid_to IS NULL"
    };
    (grant) => {
        "SELECT account, granted FROM sender_grant WHERE valid_to IS NULL"
    };
}

impl Belongings {
    /// Of every account.
    pub(super) async fn load(db: &dyn Database) -> Result<Self, Error> {
        let app_passwords = db.read(concat!(in_force!(app_password), " ORDER BY id"), Vec::new());
        let app_passwords = app_passwords.await?;
        let grants = db.read(concat!(in_force!(grant), " ORDER BY id"), Vec::new()).await?;
        Self::of(app_passwords, grants)
    }

    /// Of one account.
    pub(super) async fn load_one(db: &dyn Database, account: Id) -> Result<Self, Error> {
        let sql = concat!(in_force!(app_password), " AND account = $1 ORDER BY id");
        let app_passwords = db.read(sql, vec![account.into()]).await?;
        let sql = concat!(in_force!(grant), " AND account = $1 ORDER BY id");
        Self::of(app_passwords, db.read(sql, vec![account.into()]).await?)
    }

    fn of(app_passwords: Vec<Row>, grants: Vec<Row>) -> Result<Self, Error> {
        let mut belongings = Self::default();
        for row in app_passwords {
            let mut row = Columns::of(row);
            let account = row.int()?;
            belongings.app_passwords.entry(account).or_default().push(app_password(row)?);
        }
        for row in grants {
            let mut row = Columns::of(row);
            let account = row.int()?;
            belongings.grants.entry(account).or_default().push(row.parsed(str::parse)?);
        }
        Ok(belongings)
    }

    /// Gives an account what is its own.
    pub(super) fn give(&mut self, account: &mut Account) {
        let taken = self.app_passwords.remove(&account.id.0).unwrap_or_default();
        account.app_passwords = Arc::from(taken);
        account.grants = Arc::from(self.grants.remove(&account.id.0).unwrap_or_default());
    }
}

fn app_password(mut row: Columns) -> Result<AppPassword, Error> {
    Ok(AppPassword {
        id: row.int()?,
        name: row.text()?,
        protocols: row.parsed(list)?,
        networks: row.parsed(list)?,
        expires: row.int_or_null()?.map(Timestamp),
        since: Timestamp(row.int()?),
        verifier: Verifier {
            salt: bytes(&mut row)?,
            iterations: u32::try_from(row.int()?)
                .map_err(|_| Error::Corrupt("a verifier's iterations are no number".to_owned()))?,
            stored_key: hash(&mut row)?,
            server_key: hash(&mut row)?,
        },
    })
}

fn bytes(row: &mut Columns) -> Result<Vec<u8>, Error> {
    row.bytes_or_null()?
        .map(|bytes| bytes.to_vec())
        .ok_or_else(|| Error::Corrupt("an app password in force has no verifier".to_owned()))
}

fn hash(row: &mut Columns) -> Result<[u8; HASH], Error> {
    bytes(row)?
        .try_into()
        .map_err(|_| Error::Corrupt("a verifier's key is of the wrong length".to_owned()))
}

fn listed<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn list<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, T::Err> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect()
}

/// The keys of [`Store::salt_key`] and [`Store::forwarding_key`], made by whichever node comes
/// first.
pub(crate) async fn keys(db: &dyn Database) -> Result<[Secret<[u8; 32]>; 2], Error> {
    Ok([key(db, SALT_KEY).await?, key(db, FORWARDING_KEY).await?])
}

/// A key of this store by its name, made at its first use.
pub(crate) async fn key(db: &dyn Database, name: &str) -> Result<Secret<[u8; 32]>, Error> {
    if let Some(key) = read_key(db, name).await? {
        return Ok(key);
    }
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Error::Unavailable(format!("no random bytes: {error}")))?;
    let key = Secret::new(key);
    let mut write = Write::default();
    write.push(
        "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        vec![name.into(), key.expose().to_vec().into()],
        Expect::Any,
    );
    db.write(write).await?;
    let key = read_key(db, name).await?;
    key.ok_or_else(|| Error::Corrupt(format!("the key {name} is not kept")))
}

async fn read_key(db: &dyn Database, name: &str) -> Result<Option<Secret<[u8; 32]>>, Error> {
    let rows = db.read("SELECT value FROM secret WHERE name = $1", vec![name.into()]).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Secret::new(hash(&mut Columns::of(row))?)))
}
