//! Changes of domains, accounts and aliases, and what all changes share.
//!
//! Each is one write with its trace row and its row in the log of changes. Nothing that decides is
//! overwritten: a row is ended (`valid_to`) and a new one begins.

use super::catch_up::{Kind, log_change};
use super::credentials::end_all;
use crate::database::{Bell, Expect, Statement, Value, Write};
use crate::mailbox::{INBOX, SPECIAL_MAILBOXES, create_mailbox_statements};
use crate::trace::write_rows;
use crate::{Error, Store};
use mail::{AccountId, Address, Domain, Event, Id, MailboxId, Reason, TraceRow};
use tokio::sync::MutexGuard;

/// An account to be added.
#[derive(Clone)]
pub struct NewAccount {
    /// Its main address, at a domain of this server.
    pub address: Address,
    /// The stored form of its password.
    pub password_hash: String,
    /// Bytes that it may hold; `None` is no bound.
    pub quota: Option<i64>,
    /// Whether it administers the server.
    pub admin: bool,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address, quota, admin, .. } = self;
        f.debug_struct("NewAccount")
            .field("address", address)
            .field("quota", quota)
            .field("admin", admin)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Adds a domain whose mail is kept here.
    ///
    /// # Errors
    /// [`Error::Exists`], or the database's.
    pub async fn add_domain(&self, domain: &Domain) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let id = self.id().await?;
        let statement = Statement::new(
            "INSERT INTO domain (id, organisation, node, name, valid_from) \
             VALUES ($1, $2, $3, $4, $5)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                domain.as_str().into(),
                self.now().into(),
            ],
        );
        let what = format!("the domain {domain}");
        self.add((Kind::Domain, id), vec![statement], &what, "").await
    }

    /// Ends a domain.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] while accounts or aliases are in it.
    pub async fn remove_domain(&self, domain: &Domain) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let is_in = |address: &Address| address.domain() == Some(domain);
        if directory.accounts().any(|account| is_in(&account.address))
            || directory.aliases().any(|alias| is_in(&alias.name))
        {
            return Err(Error::Invalid(format!("{domain} still has accounts or aliases")));
        }
        let what = format!("domain {domain}");
        let Some(record) = directory.domain(domain) else { return Err(Error::NotFound(what)) };
        let statement = Statement::new(
            "UPDATE domain SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![record.id.into(), self.now().into()],
        );
        self.end((Kind::Domain, record.id), vec![statement], &what).await
    }

    /// Adds an account with INBOX, Junk, Sent, Drafts and Trash.
    ///
    /// # Errors
    /// [`Error::Exists`] if an account or an alias has the address, [`Error::NotFound`] if its
    /// domain is not one of this server's.
    pub async fn add_account(&self, new: NewAccount) -> Result<AccountId, Error> {
        let _one = self.begin_change().await?;
        let directory = self.directory();
        let key = new.address.key();
        match new.address.domain() {
            Some(domain) if directory.domain(domain).is_some() => {}
            _ => return Err(Error::NotFound(format!("domain {} here", new.address.host))),
        }
        if directory.alias(&key).is_some() {
            return Err(Error::Exists(format!("the alias {}", new.address)));
        }
        let boxes = SPECIAL_MAILBOXES.len() as i64;
        let mut ids = self.ids(boxes + 2).await?;
        let (account, version) = (ids.next().unwrap_or(0), ids.next().unwrap_or(0));
        let inbox = ids.start;
        let now = self.now();
        let mut statements = vec![Statement::new(
            "INSERT INTO account \
             (id, organisation, node, address, address_key, inbox, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                account.into(),
                self.organisation.into(),
                self.node.into(),
                new.address.to_string().into(),
                key.into(),
                inbox.into(),
                now.into(),
            ],
        )];
        statements.push(insert_version(
            version,
            account,
            [
                new.password_hash.into(),
                new.quota.into(),
                new.admin.into(),
                false.into(),
                now.into(),
            ],
        ));
        for (id, (name, special_use)) in ids.zip(SPECIAL_MAILBOXES) {
            debug_assert!(id != inbox || *name == INBOX);
            statements.extend(create_mailbox_statements(
                MailboxId(id),
                AccountId(account),
                name,
                special_use,
                now,
            ));
        }
        let what = format!("the account {}", new.address);
        self.add((Kind::Account, account), statements, &what, "").await?;
        Ok(AccountId(account))
    }

    /// Gives an account a new password; the old stored form is wiped.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_password_hash(&self, account: AccountId, hash: &str) -> Result<(), Error> {
        let copy = "INSERT INTO account_version \
             (id, account, password_hash, quota, admin, disabled, valid_from) \
             SELECT $1, account, $4, quota, admin, disabled, $3 FROM account_version \
             WHERE account = $2 AND valid_to = $3 ORDER BY id DESC LIMIT 1";
        self.new_version(account, copy, hash.into(), "gave a new password to").await
    }

    /// Disables an account (no log-in, no new mail) or enables it again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn disable_account(&self, account: AccountId, disabled: bool) -> Result<(), Error> {
        let copy = "INSERT INTO account_version \
             (id, account, password_hash, quota, admin, disabled, valid_from) \
             SELECT $1, account, password_hash, quota, admin, $4, $3 FROM account_version \
             WHERE account = $2 AND valid_to = $3 ORDER BY id DESC LIMIT 1";
        let verb = if disabled { "disabled" } else { "enabled" };
        self.new_version(account, copy, disabled.into(), verb).await
    }

    /// Sets how many bytes an account may hold.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_quota(&self, account: AccountId, quota: Option<i64>) -> Result<(), Error> {
        let copy = "INSERT INTO account_version \
             (id, account, password_hash, quota, admin, disabled, valid_from) \
             SELECT $1, account, password_hash, $4, admin, disabled, $3 FROM account_version \
             WHERE account = $2 AND valid_to = $3 ORDER BY id DESC LIMIT 1";
        self.new_version(account, copy, quota.into(), "set the quota of").await
    }

    /// Ends an account and its mailboxes; its mail is removed before this returns.
    ///
    /// # Errors
    /// [`Error::NotFound`]. If the removal of the mail is cut short, the housekeeper goes on.
    pub async fn remove_account(&self, account: AccountId) -> Result<(), Error> {
        {
            let _one = self.begin_change().await?;
            let what = self.account_name(account)?;
            let ended = vec![account.0.into(), self.now().into()];
            let end = |sql: &'static str| Statement::new(sql, ended.clone());
            let mut statements = vec![
                end("UPDATE account SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL"),
                end("UPDATE account_version SET valid_to = $2, password_hash = '' \
                     WHERE account = $1 AND valid_to IS NULL"),
                end("UPDATE mailbox SET valid_to = $2 WHERE account = $1 AND valid_to IS NULL")
                    .expect(Expect::AtLeast(1)),
                Statement::new(
                    "DELETE FROM known_place WHERE account = $1",
                    vec![account.0.into()],
                ),
            ];
            statements.extend(end_all(&ended));
            self.end((Kind::Account, account.0), statements, &what).await?;
        }
        self.purge_ended_mailboxes().await
    }

    /// Adds an alias.
    ///
    /// # Errors
    /// [`Error::Exists`] if an alias or an account has the address.
    pub async fn add_alias(&self, name: &Address, goals: Vec<String>) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let key = name.key();
        if self.directory().account_by_key(&key).is_some() {
            return Err(Error::Exists(format!("the account {name}")));
        }
        let goals_json = serde_json::to_string(&goals)
            .map_err(|e| Error::Invalid(format!("the goals cannot be written: {e}")))?;
        let id = self.id().await?;
        let statement = Statement::new(
            "INSERT INTO alias (id, organisation, node, name, name_key, goals, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                name.to_string().into(),
                key.into(),
                goals_json.into(),
                self.now().into(),
            ],
        );
        let what = format!("the alias {name}");
        let goals = format!(" to {}", goals.join(", "));
        self.add((Kind::Alias, id), vec![statement], &what, &goals).await
    }

    /// Ends an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_alias(&self, name: &Address) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let what = format!("alias {name}");
        let directory = self.directory();
        let Some(record) = directory.alias(&name.key()) else { return Err(Error::NotFound(what)) };
        let statement = Statement::new(
            "UPDATE alias SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![record.id.into(), self.now().into()],
        );
        self.end((Kind::Alias, record.id), vec![statement], &what).await
    }

    /// Ends the version of an account in force and begins the one that `copy` makes of it, with
    /// `$1` the new id, `$2` the account, `$3` the time and `$4` what is new.
    async fn new_version(
        &self,
        account: AccountId,
        copy: &'static str,
        news: Value,
        verb: &str,
    ) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let what = self.account_name(account)?;
        let id = self.id().await?;
        let now: Value = self.now().into();
        let touched = (Kind::Account, account.0);
        let account: Value = account.0.into();
        let end = Statement::new(
            "UPDATE account_version SET valid_to = $2 WHERE account = $1 AND valid_to IS NULL",
            vec![account.clone(), now.clone()],
        );
        let copy = Statement::new(copy, vec![id.into(), account.clone(), now, news]);
        let wipe = Statement::new(
            "UPDATE account_version SET password_hash = '' \
             WHERE account = $1 AND valid_to IS NOT NULL AND password_hash <> ''",
            vec![account],
        );
        let statements = vec![
            end.expect(Expect::Rows(1)),
            copy.expect(Expect::Rows(1)),
            wipe.expect(Expect::AtLeast(0)),
        ];
        let told = format!("{verb} {what}");
        self.change(touched, statements, told, Error::NotFound(what)).await
    }

    fn account_name(&self, account: AccountId) -> Result<String, Error> {
        self.directory()
            .account(account)
            .map(|account| format!("account {}", account.address))
            .ok_or_else(|| Error::NotFound(format!("account {account}")))
    }

    /// Held by who changes the directory: looks at what others changed, then checks, then writes.
    pub(super) async fn begin_change(&self) -> Result<MutexGuard<'_, ()>, Error> {
        let one = self.changing.lock().await;
        self.catch_up_directory().await?;
        Ok(one)
    }

    /// A change that begins rows, of which the name may be taken.
    pub(super) async fn add(
        &self,
        touched: (Kind, Id),
        statements: Vec<Statement>,
        what: &str,
        more: &str,
    ) -> Result<(), Error> {
        let told = format!("added {what}{more}");
        self.change(touched, statements, told, Error::Exists(what.to_owned())).await
    }

    /// A change that ends rows: the first statement must end exactly one.
    pub(super) async fn end(
        &self,
        touched: (Kind, Id),
        mut statements: Vec<Statement>,
        what: &str,
    ) -> Result<(), Error> {
        if let Some(first) = statements.first_mut() {
            first.expect = Expect::Rows(1);
        }
        let told = format!("ended {what}");
        self.change(touched, statements, told, Error::NotFound(what.to_owned())).await
    }

    /// Writes a change of one record with its trace row and the new version, and takes it into
    /// the directory. `conflict` is what it means when the statements find something else.
    pub(super) async fn change(
        &self,
        (kind, id): (Kind, Id),
        statements: Vec<Statement>,
        told: String,
        conflict: Error,
    ) -> Result<(), Error> {
        let trace = self.administered(told);
        let numbered = self.numbered(1).await?;
        let mut write = Write::new(statements).ring(Bell::Directory);
        log_change(&mut write, kind, id);
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), vec![trace]);
        match self.db.write(write).await {
            Ok(_) => self.catch_up_directory().await,
            Err(Error::Conflict { .. }) => Err(conflict),
            Err(other) => Err(other),
        }
    }

    /// The trace row of a change.
    pub(super) fn administered(&self, told: String) -> TraceRow {
        TraceRow {
            at: self.clock.now(),
            event: Event::Administration,
            session: None,
            message: None,
            door: "admin".to_owned(),
            peer: String::new(),
            sender: String::new(),
            recipient: String::new(),
            reply: 0,
            reason: Reason::Unopposed,
            rule: String::new(),
            detail: told,
        }
    }

    pub(super) async fn id(&self) -> Result<Id, Error> {
        Ok(self.ids(1).await?.start)
    }
}

fn insert_version(id: Id, account: Id, rest: [Value; 5]) -> Statement {
    let [password_hash, quota, admin, disabled, valid_from] = rest;
    Statement::new(
        "INSERT INTO account_version \
         (id, account, password_hash, quota, admin, disabled, valid_from) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        vec![id.into(), account.into(), password_hash, quota, admin, disabled, valid_from],
    )
}
