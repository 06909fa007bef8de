//! Who a message is from, as far as the DNS and signatures prove it: one module for each method,
//! and the field that tells their results.
//!
//! Signatures ([`dkim`], [`arc`]) are verified and made here over a [`message::Message`], which
//! gives header fields and body whatever they are kept in. All that is asked goes through a
//! `net::Resolver`. Only facts are found here: what they mean for a message is decided elsewhere.

pub mod arc;
pub mod author;
mod body_hash;
mod canonical;
pub mod dkim;
pub mod dmarc;
pub mod evidence;
mod folding;
#[cfg(test)]
mod hostile;
pub mod inquiry;
pub mod iprev;
mod keys;
pub mod message;
pub mod results;
pub mod signed;
pub mod spf;
pub(crate) mod stage;
mod tags;
#[cfg(test)]
mod testing;

pub use canonical::Canonicalization;
