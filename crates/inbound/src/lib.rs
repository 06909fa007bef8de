//! The doors that mail comes in by: SMTP, LMTP and the submit socket; milter with a later issue.
//!
//! [`serve`] is the shell around `smtp::server`: it moves bytes between the peer and the machine,
//! asks `policy` what the machine wants to know, and hands a complete message to `filter::intake`.
//! It decides nothing itself and writes no reply text.

mod connection;
pub mod local;
mod opening;
mod pace;
mod transaction;
mod users;

pub use connection::{serve, serve_local};
pub use users::Users;

use arc_swap::ArcSwap;
use config::Settings;
use std::sync::Arc;

/// What every connection of an SMTP door needs; one for the whole server.
pub struct Inbound {
    /// Where mail is kept.
    pub store: Arc<store::Store>,
    /// Who may do what.
    pub policy: Arc<policy::Policy>,
    /// What content may pass.
    pub filter: Arc<filter::Filter>,
    /// The certificate, for STARTTLS.
    pub tls: net::ServerTls,
    /// The settings in force; exchanged whole by a reload.
    pub settings: ArcSwap<Settings>,
    /// The time.
    pub clock: net::Clock,
    /// Set when the server is to end.
    pub drain: net::Drain,
    /// Who has logged in.
    pub users: Arc<Users>,
}
