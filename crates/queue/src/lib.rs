//! Mail on its way to other servers: when, whereto, how, and what its sender hears of it.
//!
//! It finds its work in the store's spool and settles it there; it never talks to the doors. Each
//! part is small: [`scheduler`] says what is next (pure), `route` which servers, `delivery` talks to
//! one, `notice` writes to the sender, `runner` does what they say.

pub mod schedule;
pub mod scheduler;
