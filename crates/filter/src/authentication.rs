//! Authentication: what a message can prove of where it comes from.
//!
//! Signatures ([`dkim`], [`arc`]) are verified and made here over a [`message::Message`], which
//! gives header fields and body whatever they are kept in; keys come from a `net::Resolver`. Only
//! facts are found here: what they mean for a message is decided elsewhere.

pub mod arc;
mod body_hash;
mod canonical;
pub mod dkim;
mod folding;
mod keys;
pub mod message;
pub mod signed;
mod tags;

pub use canonical::Canonicalization;
