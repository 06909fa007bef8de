//! Changes to the directory: each is one write with its trace row and the new version.
//!
//! Nothing that decides is overwritten: a row is ended (`valid_to`) and a new one begins.

use crate::database::{Bell, Expect, Statement, Value, Write};
use crate::mailbox::{INBOX, SPECIAL_MAILBOXES, create_mailbox_statements};
use crate::trace::write_rows;
use crate::{Error, Store};
use mail::{AccountId, Address, Domain, Event, Id, MailboxId, Reason, Timestamp, TraceRow};

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

/// A subject rule to be added.
#[derive(Debug, Clone)]
pub struct NewSubject {
    /// `text`, `prefix` or `regex`.
    pub kind: String,
    /// What the normalised subject must match.
    pub pattern: String,
    /// Reply code; 0 is the default.
    pub code: u16,
    /// Enhanced code as `5.7.1`; empty is the default.
    pub enhanced: String,
    /// Reply text; empty is the default.
    pub text: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

impl NewSubject {
    /// A rule for exactly this subject, with the default reply, for ever.
    pub fn text(pattern: &str) -> Self {
        Self {
            kind: "text".to_owned(),
            pattern: pattern.to_owned(),
            code: 0,
            enhanced: String::new(),
            text: String::new(),
            expires: None,
        }
    }
}

impl Store {
    /// Adds a domain whose mail is kept here.
    ///
    /// # Errors
    /// [`Error::Exists`], or the database's.
    pub async fn add_domain(&self, domain: &Domain) -> Result<(), Error> {
        let _one = self.changing.lock().await;
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
        self.change(vec![statement], &format!("added {what}"), || Error::Exists(what.clone())).await
    }

    /// Ends a domain.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] while accounts or aliases are in it.
    pub async fn remove_domain(&self, domain: &Domain) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        let directory = self.directory();
        let is_in = |address: &Address| address.domain() == Some(domain);
        if directory.accounts().any(|account| is_in(&account.address))
            || directory.aliases().any(|alias| is_in(&alias.name))
        {
            return Err(Error::Invalid(format!("{domain} still has accounts or aliases")));
        }
        let statement = Statement::new(
            "UPDATE domain SET valid_to = $2 WHERE name = $1 AND valid_to IS NULL",
            vec![domain.as_str().into(), self.now().into()],
        );
        let what = format!("domain {domain}");
        self.end(vec![statement], &what).await
    }

    /// Adds an account with INBOX, Junk, Sent, Drafts and Trash.
    ///
    /// # Errors
    /// [`Error::Exists`] if an account or an alias has the address, [`Error::NotFound`] if its
    /// domain is not one of this server's.
    pub async fn add_account(&self, new: NewAccount) -> Result<AccountId, Error> {
        let _one = self.changing.lock().await;
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
        self.change(statements, &format!("added {what}"), || Error::Exists(what.clone())).await?;
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
            let _one = self.changing.lock().await;
            let what = self.account_name(account)?;
            let ended = vec![account.0.into(), self.now().into()];
            let end = |sql: &'static str| Statement::new(sql, ended.clone());
            let statements = vec![
                end("UPDATE account SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL"),
                end("UPDATE account_version SET valid_to = $2, password_hash = '' \
                     WHERE account = $1 AND valid_to IS NULL"),
                end("UPDATE mailbox SET valid_to = $2 WHERE account = $1 AND valid_to IS NULL")
                    .expect(Expect::AtLeast(1)),
            ];
            self.end(statements, &what).await?;
        }
        self.purge_ended_mailboxes().await
    }

    /// Adds an alias.
    ///
    /// # Errors
    /// [`Error::Exists`] if an alias or an account has the address.
    pub async fn add_alias(&self, name: &Address, goals: Vec<String>) -> Result<(), Error> {
        let _one = self.changing.lock().await;
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
        let told = format!("added {what} to {}", goals.join(", "));
        self.change(vec![statement], &told, || Error::Exists(what.clone())).await
    }

    /// Ends an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_alias(&self, name: &Address) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        let statement = Statement::new(
            "UPDATE alias SET valid_to = $2 WHERE name_key = $1 AND valid_to IS NULL",
            vec![name.key().into(), self.now().into()],
        );
        self.end(vec![statement], &format!("alias {name}")).await
    }

    /// Adds an access entry, in sendmail's words; answers its number.
    ///
    /// # Errors
    /// [`Error::Exists`] if an entry with this tag and key is in force.
    pub async fn add_access(
        &self,
        tag: &str,
        key: &str,
        value: &str,
        reason: &str,
        expires: Option<Timestamp>,
    ) -> Result<Id, Error> {
        let _one = self.changing.lock().await;
        let id = self.id().await?;
        let statement = Statement::new(
            "INSERT INTO access (id, organisation, node, tag, entry_key, entry_value, reason, \
             expires, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                tag.into(),
                key.into(),
                value.into(),
                reason.into(),
                expires.map(|at| at.0).into(),
                self.now().into(),
            ],
        );
        let what = format!("the access entry {}", tagged(tag, key));
        let told = format!("added {what} {value} ({reason})");
        self.change(vec![statement], &told, || Error::Exists(what.clone())).await?;
        Ok(id)
    }

    /// Ends an access entry.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_access(&self, id: Id) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        let statement = Statement::new(
            "UPDATE access SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![id.into(), self.now().into()],
        );
        self.end(vec![statement], &format!("access entry {id}")).await
    }

    /// Adds a subject rule; answers its number.
    ///
    /// # Errors
    /// [`Error::Exists`] if a rule of this kind and pattern is in force.
    pub async fn add_subject(&self, new: NewSubject) -> Result<Id, Error> {
        let _one = self.changing.lock().await;
        let id = self.id().await?;
        let what = format!("the subject rule {} {:?}", new.kind, new.pattern);
        let statement = Statement::new(
            "INSERT INTO subject_rule (id, organisation, node, kind, pattern, reply_code, \
             reply_enhanced, reply_text, expires, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                new.kind.into(),
                new.pattern.into(),
                i64::from(new.code).into(),
                new.enhanced.into(),
                new.text.into(),
                new.expires.map(|at| at.0).into(),
                self.now().into(),
            ],
        );
        self.change(vec![statement], &format!("added {what}"), || Error::Exists(what.clone()))
            .await?;
        Ok(id)
    }

    /// Ends a subject rule.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_subject(&self, id: Id) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        let statement = Statement::new(
            "UPDATE subject_rule SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![id.into(), self.now().into()],
        );
        self.end(vec![statement], &format!("subject rule {id}")).await
    }

    /// Counts that these access entries or subject rules decided; rides a later commit.
    pub fn count_hits(&self, rules: &[Id]) {
        if rules.is_empty() {
            return;
        }
        let now = self.now();
        let hit = |rule: &Id| {
            Statement::new(
                "INSERT INTO rule_hit (rule, hits, last_at) VALUES ($1, 1, $2) \
                 ON CONFLICT (rule) DO UPDATE SET hits = rule_hit.hits + 1, last_at = $2",
                vec![(*rule).into(), now.into()],
            )
        };
        self.db.post(Write::new(rules.iter().map(hit).collect()));
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
        let _one = self.changing.lock().await;
        let what = self.account_name(account)?;
        let id = self.id().await?;
        let now: Value = self.now().into();
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
        self.change(statements, &format!("{verb} {what}"), || Error::NotFound(what.clone())).await
    }

    fn account_name(&self, account: AccountId) -> Result<String, Error> {
        self.directory()
            .account(account)
            .map(|account| format!("account {}", account.address))
            .ok_or_else(|| Error::NotFound(format!("account {account}")))
    }

    /// A change that ends rows: the first statement must end exactly one.
    async fn end(&self, mut statements: Vec<Statement>, what: &str) -> Result<(), Error> {
        if let Some(first) = statements.first_mut() {
            first.expect = Expect::Rows(1);
        }
        self.change(statements, &format!("ended {what}"), || Error::NotFound(what.to_owned())).await
    }

    /// Writes a change with its trace row and the new version, and loads the directory anew.
    async fn change(
        &self,
        statements: Vec<Statement>,
        told: &str,
        conflict: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        let trace = TraceRow {
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
            detail: told.to_owned(),
        };
        let numbered = self.numbered(1).await?;
        let mut write = Write::new(statements).ring(Bell::Directory);
        write.push(
            "UPDATE counter SET number = number + 1 WHERE name = 'directory'",
            Vec::new(),
            Expect::Rows(1),
        );
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), vec![trace]);
        match self.db.write(write).await {
            Ok(_) => self.load_directory().await,
            Err(Error::Conflict { .. }) => Err(conflict()),
            Err(other) => Err(other),
        }
    }

    async fn id(&self) -> Result<Id, Error> {
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

fn tagged(tag: &str, key: &str) -> String {
    if tag.is_empty() { key.to_owned() } else { format!("{tag}:{key}") }
}
