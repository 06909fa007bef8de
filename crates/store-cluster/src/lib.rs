//! PostgreSQL behind the store's trait, for several machines on one database, and nothing else.
//!
//! It knows no table but the rows that are locked in order ([`batch`]); the SQL is the store's own,
//! in a dialect that both engines take ([`dialect`]). Only the binary names this crate.
//!
//! Each node holds a dozen connections: a few committers, each of which takes all writes that have
//! gathered into one transaction ([`committer`]), one for what nobody waits for, some for reading
//! ([`postgres`]), and one that rings and hears the bells ([`bells`]). A connection that is lost is
//! made anew; until then the answer is [`store::Error::Unavailable`], never a wait without end
//! ([`link`]).

mod batch;
mod bells;
mod committer;
mod dialect;
mod failure;
mod link;
mod migrate;
mod postgres;
mod target;
mod values;

pub use postgres::Postgres;
