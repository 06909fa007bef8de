//! Limits of sending for single accounts and domains.

use super::catch_up::Kind;
use super::{Directory, LimitOf, LimitRecord};
use crate::columns::Columns;
use crate::database::{Database, Row, Statement, Value};
use crate::{Error, Store};
use mail::AccountId;
use std::sync::Arc;

impl LimitOf {
    fn encode(self) -> (&'static str, i64) {
        match self {
            LimitOf::Account(account) => ("account", account.0),
            LimitOf::Domain(domain) => ("domain", domain),
        }
    }

    fn decode(kind: &str, record: i64) -> Result<Self, &'static str> {
        match kind {
            "account" => Ok(LimitOf::Account(AccountId(record))),
            "domain" => Ok(LimitOf::Domain(record)),
            _ => Err("neither an account nor a domain"),
        }
    }
}

impl Directory {
    /// Reads all limits that are in force.
    pub(super) async fn load_limits(&mut self, db: &dyn Database) -> Result<(), Error> {
        let sql = "SELECT id, kind, record, recipients, first_time FROM send_limit \
                   WHERE valid_to IS NULL ORDER BY id";
        let rows = db.read(sql, Vec::new()).await?;
        self.limits = Arc::new(rows.into_iter().map(limit).collect::<Result<_, _>>()?);
        Ok(())
    }
}

impl Store {
    /// Puts other limits in force for an account or a domain, in place of what it had; without
    /// numbers it has none of its own any more. `name` is for the trace.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another changes them at this moment; the database's.
    pub async fn set_send_limit(
        &self,
        of: LimitOf,
        name: &str,
        recipients: Option<u64>,
        first_time: Option<u64>,
    ) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let id = self.id().await?;
        let (kind, record) = of.encode();
        let mut statements = vec![Statement::new(
            "UPDATE send_limit SET valid_to = $3 \
             WHERE kind = $1 AND record = $2 AND valid_to IS NULL",
            vec![kind.into(), record.into(), self.now().into()],
        )];
        if recipients.is_some() || first_time.is_some() {
            let number = |limit: Option<u64>| {
                Value::from(limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)))
            };
            statements.push(Statement::new(
                "INSERT INTO send_limit (id, organisation, node, kind, record, recipients, \
                 first_time, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                vec![
                    id.into(),
                    self.organisation.into(),
                    self.node.into(),
                    kind.into(),
                    record.into(),
                    number(recipients),
                    number(first_time),
                    self.now().into(),
                ],
            ));
        }
        let shown = |limit: Option<u64>| limit.map_or("default".to_owned(), |n| n.to_string());
        let (recipients, first_time) = (shown(recipients), shown(first_time));
        let told = format!("send limit of {name}: recipients={recipients} first_time={first_time}");
        let conflict = Error::Exists(format!("another limit of {name}"));
        self.change((Kind::Limit, id), statements, told, conflict).await
    }
}

fn limit(row: Row) -> Result<LimitRecord, Error> {
    let mut row = Columns::of(row);
    let (id, kind, record) = (row.int()?, row.text()?, row.int()?);
    let of = LimitOf::decode(&kind, record).map_err(|why| Error::Corrupt(why.to_owned()))?;
    let mut number = || Ok::<_, Error>(row.int_or_null()?.map(|n| n.max(0).cast_unsigned()));
    Ok(LimitRecord { id, of, recipients: number()?, first_time: number()? })
}
