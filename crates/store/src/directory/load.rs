//! Loads the directory from the database: the whole of it, or one record.

use super::catch_up::Kind;
use super::credentials::Belongings;
use super::table::{Record, Table};
use super::{
    AccessRecord, Account, AliasRecord, Directory, DkimKey, DomainRecord, KeySecret, PasswordHash,
    SubjectRecord,
};
use crate::Error;
use crate::columns::Columns;
use crate::database::{Database, Row};
use mail::{AccountId, Address, Domain, MailboxId, Timestamp};
use std::sync::Arc;

/// What is in force of each kind: all of it, or with a condition more the one with a number.
macro_rules! in_force {
    (domain) => {
        "SELECT d.id, d.organisation, d.name, d.valid_from FROM domain d WHERE d.valid_to IS NULL"
    };
    (account) => {
        "SELECT a.id, a.organisation, a.address, a.inbox, (SELECT MIN(m.id) FROM mailbox m \
         WHERE m.account = a.id AND m.special_use = '\\Junk' AND m.valid_to IS NULL), \
         v.password_hash, v.disabled, v.admin, v.quota FROM account a JOIN account_version v ON v.account = a.id \
         AND v.valid_to IS NULL WHERE a.valid_to IS NULL"
    };
    (alias) => {
        "SELECT a.id, a.name, a.goals FROM alias a WHERE a.valid_to IS NULL"
    };
    (access) => {
        "SELECT a.id, a.tag, a.entry_key, a.entry_value, a.reason, a.expires, h.hits \
         FROM access a LEFT JOIN rule_hit h ON h.rule = a.id WHERE a.valid_to IS NULL"
    };
    (subject) => {
        "SELECT s.id, s.kind, s.pattern, s.reply_code, s.reply_enhanced, s.reply_text, \
         s.expires, h.hits FROM subject_rule s LEFT JOIN rule_hit h ON h.rule = s.id \
         WHERE s.valid_to IS NULL"
    };
    (dkim_key) => {
        "SELECT k.id, k.domain, k.selector, k.algorithm, k.secret, k.record, k.published_at, \
         k.seen_at, k.activated_at, k.retired_at FROM dkim_key k WHERE k.valid_to IS NULL"
    };
}

impl Directory {
    /// Reads the whole directory.
    pub(crate) async fn load(db: &dyn Database) -> Result<Self, Error> {
        let sql = "SELECT number FROM counter WHERE name = 'directory'";
        let row = db.read(sql, Vec::new()).await?.pop();
        let row = row.ok_or_else(|| Error::Corrupt("the directory has no version".into()))?;
        let mut directory = Self { version: Columns::of(row).int()?, ..Self::default() };
        for row in db.read(in_force!(domain), Vec::new()).await? {
            directory.domains.put(domain(row)?);
        }
        let mut belongings = Belongings::load(db).await?;
        for row in db.read(in_force!(account), Vec::new()).await? {
            let mut account = account(row)?;
            belongings.give(&mut account);
            directory.accounts.put(account);
        }
        for row in db.read(in_force!(alias), Vec::new()).await? {
            directory.aliases.put(alias(row)?);
        }
        directory.load_rules(db).await?;
        let rows = db.read(in_force!(dkim_key), Vec::new()).await?.into_iter();
        let mut keys: Vec<_> = rows.map(dkim_key).collect::<Result<_, _>>()?;
        keys.sort_by(|a, b| place(a).cmp(&place(b)));
        directory.dkim_keys = Arc::new(keys);
        // Some rows may be newer than others by now. If even the log of changes does not reach
        // back that far, the next look finds it so and loads again.
        directory.catch_up(db).await?;
        Ok(directory)
    }

    /// Reads all rules, with the hits counted so far.
    pub(crate) async fn load_rules(&mut self, db: &dyn Database) -> Result<(), Error> {
        let rows = db.read(concat!(in_force!(access), " ORDER BY a.id"), Vec::new()).await?;
        self.access = Arc::new(rows.into_iter().map(access).collect::<Result<_, _>>()?);
        let rows = db.read(concat!(in_force!(subject), " ORDER BY s.id"), Vec::new()).await?;
        self.subjects = Arc::new(rows.into_iter().map(subject).collect::<Result<_, _>>()?);
        self.load_limits(db).await
    }

    /// Reads anew what the record with this number is now: in force, or nothing.
    pub(super) async fn load_one(
        &mut self,
        db: &dyn Database,
        kind: Kind,
        id: i64,
    ) -> Result<(), Error> {
        let sql = match kind {
            Kind::Domain => concat!(in_force!(domain), " AND d.id = $1"),
            Kind::Account => concat!(in_force!(account), " AND a.id = $1"),
            Kind::Alias => concat!(in_force!(alias), " AND a.id = $1"),
            Kind::Access => concat!(in_force!(access), " AND a.id = $1"),
            Kind::Subject => concat!(in_force!(subject), " AND s.id = $1"),
            Kind::DkimKey => concat!(in_force!(dkim_key), " AND k.id = $1"),
            Kind::Limit => return self.load_limits(db).await,
        };
        let row = db.read(sql, vec![id.into()]).await?.pop();
        match kind {
            Kind::Domain => set(&mut self.domains, id, row.map(domain).transpose()?),
            Kind::Account => {
                let mut record = row.map(account).transpose()?;
                if let Some(record) = &mut record {
                    Belongings::load_one(db, id).await?.give(record);
                }
                set(&mut self.accounts, id, record);
            }
            Kind::Alias => set(&mut self.aliases, id, row.map(alias).transpose()?),
            Kind::Access => {
                let record = row.map(access).transpose()?;
                set_rule(&mut self.access, id, record, |record| record.id);
            }
            Kind::Subject => {
                let record = row.map(subject).transpose()?;
                set_rule(&mut self.subjects, id, record, |record| record.id);
            }
            Kind::DkimKey => {
                let key = row.map(dkim_key).transpose()?;
                set_key(&mut self.dkim_keys, id, key);
            }
            Kind::Limit => {}
        }
        Ok(())
    }
}

fn set<T: Record>(table: &mut Table<T>, id: i64, record: Option<T>) {
    match record {
        Some(record) => table.put(record),
        None => table.remove(id),
    }
}

/// The same for rules, which stay in the order of their numbers.
fn set_rule<T: Clone>(rules: &mut Arc<Vec<T>>, id: i64, rule: Option<T>, id_of: fn(&T) -> i64) {
    let rules = Arc::make_mut(rules);
    let place = rules.partition_point(|other| id_of(other) < id);
    let end = place + usize::from(rules.get(place).is_some_and(|other| id_of(other) == id));
    rules.splice(place..end, rule);
}

/// The order of keys.
fn place(key: &DkimKey) -> (&Domain, i64) {
    (&key.domain, key.id)
}

fn set_key(keys: &mut Arc<Vec<Arc<DkimKey>>>, id: i64, key: Option<Arc<DkimKey>>) {
    let keys = Arc::make_mut(keys);
    keys.retain(|other| other.id != id);
    if let Some(key) = key {
        let at = keys.partition_point(|other| place(other) < place(&key));
        keys.insert(at, key);
    }
}

fn domain(row: Row) -> Result<DomainRecord, Error> {
    let mut row = Columns::of(row);
    Ok(DomainRecord {
        id: row.int()?,
        organisation: row.int()?,
        name: row.parsed(Domain::parse)?,
        since: Timestamp(row.int()?),
    })
}

fn account(row: Row) -> Result<Account, Error> {
    let mut row = Columns::of(row);
    Ok(Account {
        id: AccountId(row.int()?),
        organisation: row.int()?,
        address: row.parsed(Address::parse)?,
        inbox: MailboxId(row.int()?),
        junk: row.int_or_null()?.map(MailboxId),
        password_hash: PasswordHash(row.text()?),
        disabled: row.truth()?,
        admin: row.truth()?,
        quota: row.int_or_null()?,
        app_passwords: Arc::default(),
        grants: Arc::default(),
    })
}

fn alias(row: Row) -> Result<AliasRecord, Error> {
    let mut row = Columns::of(row);
    Ok(AliasRecord {
        id: row.int()?,
        name: row.parsed(Address::parse)?,
        goals: row.parsed(|text| serde_json::from_str(text))?,
    })
}

fn access(row: Row) -> Result<AccessRecord, Error> {
    let mut row = Columns::of(row);
    Ok(AccessRecord {
        id: row.int()?,
        tag: row.text()?,
        key: row.text()?,
        value: row.text()?,
        reason: row.text()?,
        expires: row.int_or_null()?.map(Timestamp),
        hits: row.int_or_null()?.unwrap_or(0),
    })
}

fn subject(row: Row) -> Result<SubjectRecord, Error> {
    let mut row = Columns::of(row);
    Ok(SubjectRecord {
        id: row.int()?,
        kind: row.text()?,
        pattern: row.text()?,
        code: u16::try_from(row.int()?).unwrap_or(0),
        enhanced: row.text()?,
        text: row.text()?,
        expires: row.int_or_null()?.map(Timestamp),
        hits: row.int_or_null()?.unwrap_or(0),
    })
}

fn dkim_key(row: Row) -> Result<Arc<DkimKey>, Error> {
    let mut row = Columns::of(row);
    Ok(Arc::new(DkimKey {
        id: row.int()?,
        domain: row.parsed(Domain::parse)?,
        selector: row.text()?,
        algorithm: row.text()?,
        secret: KeySecret::new(row.text()?),
        record: row.text()?,
        published_at: Timestamp(row.int()?),
        seen_at: row.int_or_null()?.map(Timestamp),
        activated_at: row.int_or_null()?.map(Timestamp),
        retired_at: row.int_or_null()?.map(Timestamp),
    }))
}
