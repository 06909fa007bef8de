//! Loads the directory from the database.

use super::{
    AccessRecord, Account, AliasRecord, Directory, DomainRecord, PasswordHash, SubjectRecord,
};
use crate::Error;
use crate::columns::Columns;
use crate::database::{Database, Row};
use mail::{AccountId, Address, Domain, MailboxId, Timestamp};

/// Loads that are begun anew because the directory changed meanwhile; after that the newest rows
/// are taken as they are, under the version that was read first.
const LOADS_MAX: usize = 3;

impl Directory {
    /// Reads the whole directory, as one version of it.
    pub(crate) async fn load(db: &dyn Database) -> Result<Self, Error> {
        let mut version = current_version(db).await?;
        for _ in 1..LOADS_MAX {
            let directory = load_rows(db, version).await?;
            let after = current_version(db).await?;
            if after == version {
                return Ok(directory);
            }
            version = after;
        }
        load_rows(db, version).await
    }
}

/// The version that the next load would have at least.
pub(crate) async fn current_version(db: &dyn Database) -> Result<i64, Error> {
    let sql = "SELECT number FROM counter WHERE name = 'directory'";
    let row = db.read(sql, Vec::new()).await?.pop();
    Columns::of(row.ok_or_else(|| Error::Corrupt("the directory has no version".into()))?).int()
}

async fn load_rows(db: &dyn Database, version: i64) -> Result<Directory, Error> {
    let mut directory = Directory { version, ..Directory::default() };
    let sql = "SELECT id, organisation, name, valid_from FROM domain WHERE valid_to IS NULL";
    for row in db.read(sql, Vec::new()).await? {
        let domain = domain(row)?;
        directory.domains.insert(domain.name.clone(), domain);
    }
    let sql = "SELECT a.id, a.organisation, a.address, a.inbox, v.password_hash, v.disabled, \
               v.admin, v.quota FROM account a JOIN account_version v \
               ON v.account = a.id AND v.valid_to IS NULL WHERE a.valid_to IS NULL";
    for row in db.read(sql, Vec::new()).await? {
        let account = account(row)?;
        directory.by_key.insert(account.address.key(), account.id);
        directory.accounts.insert(account.id, account);
    }
    let sql = "SELECT id, name, goals FROM alias WHERE valid_to IS NULL";
    for row in db.read(sql, Vec::new()).await? {
        let alias = alias(row)?;
        directory.aliases.insert(alias.name.key(), alias);
    }
    let sql = "SELECT a.id, a.tag, a.entry_key, a.entry_value, a.reason, a.expires, h.hits \
               FROM access a LEFT JOIN rule_hit h ON h.rule = a.id \
               WHERE a.valid_to IS NULL ORDER BY a.id";
    for row in db.read(sql, Vec::new()).await? {
        directory.access.push(access(row)?);
    }
    let sql = "SELECT s.id, s.kind, s.pattern, s.reply_code, s.reply_enhanced, s.reply_text, \
               s.expires, h.hits FROM subject_rule s LEFT JOIN rule_hit h ON h.rule = s.id \
               WHERE s.valid_to IS NULL ORDER BY s.id";
    for row in db.read(sql, Vec::new()).await? {
        directory.subjects.push(subject(row)?);
    }
    Ok(directory)
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
        password_hash: PasswordHash(row.text()?),
        disabled: row.truth()?,
        admin: row.truth()?,
        quota: row.int_or_null()?,
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
