//! Known places: from where the owners of accounts have logged in.
//!
//! `policy` asks for them before it counts a failed log-in against an account, so that a stranger's
//! guesses lock no owner out, also after a restart and on another node. A place is what counts as
//! one client: an IPv4 address, an IPv6 /64.

use crate::columns::Columns;
use crate::database::{Expect, Statement, Write};
use crate::{Error, Store};
use mail::{AccountId, Timestamp};
use std::net::IpAddr;

/// How long a place is known after the last log-in from there: a quarter of a year of holidays or
/// illness is bridged, and an address that has long gone to somebody else is not trusted for ever.
pub const PLACE_MILLIS: i64 = 90 * 24 * 3_600 * 1_000;
/// Places of one account, the newest: enough for a telephone that gets a new address every day of
/// seven weeks, and a bound for who has many addresses and one password.
const PLACES_PER_ACCOUNT_MAX: i64 = 50;
/// Places that one write forgets.
const PLACES_AT_ONCE: i64 = 200;

impl Store {
    /// When the owner of this account was last written to have logged in from here.
    ///
    /// # Errors
    /// The database's.
    pub async fn place_seen(
        &self,
        account: AccountId,
        ip: IpAddr,
    ) -> Result<Option<Timestamp>, Error> {
        let sql = "SELECT last_seen FROM known_place WHERE account = $1 AND network = $2";
        let rows = self.db.read(sql, vec![account.0.into(), place(ip).into()]).await?;
        rows.into_iter().next().map(|row| Columns::of(row).int().map(Timestamp)).transpose()
    }

    /// Writes that the owner of this account has logged in from here; rides a later commit. The
    /// oldest places go when an account has too many.
    pub fn remember_place(&self, account: AccountId, ip: IpAddr, now: Timestamp) {
        let remember = Statement::new(
            "INSERT INTO known_place (account, network, last_seen) VALUES ($1, $2, $3) \
             ON CONFLICT (account, network) DO UPDATE SET last_seen = $3",
            vec![account.0.into(), place(ip).into(), now.0.into()],
        );
        let bound = Statement::new(
            "DELETE FROM known_place WHERE account = $1 AND network NOT IN \
             (SELECT network FROM known_place WHERE account = $1 \
             ORDER BY last_seen DESC, network LIMIT $2)",
            vec![account.0.into(), PLACES_PER_ACCOUNT_MAX.into()],
        );
        self.db.post(Write::new(vec![remember, bound]));
    }

    /// Forgets some places where nobody has logged in since [`PLACE_MILLIS`] before `now`; `true`
    /// if more are left.
    pub(crate) async fn forget_places(&self, now: Timestamp) -> Result<bool, Error> {
        let mut write = Write::default();
        write.push(
            "DELETE FROM known_place WHERE (account, network) IN \
             (SELECT account, network FROM known_place WHERE last_seen <= $1 \
             ORDER BY last_seen LIMIT $2) RETURNING account",
            vec![now.plus_millis(-PLACE_MILLIS).0.into(), PLACES_AT_ONCE.into()],
            Expect::Any,
        );
        let forgotten = self.db.write(write).await?;
        Ok(forgotten.iter().map(Vec::len).sum::<usize>() as i64 == PLACES_AT_ONCE)
    }
}

fn place(ip: IpAddr) -> String {
    net::network_key(ip).to_string()
}
