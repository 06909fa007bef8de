//! Whole-server scenarios: the real binary, real sockets, real clients.
//!
//! Each test starts a server of its own (`gatepost demo --quiet --json`, or `init` and `serve`) in
//! a temporary folder. What the tests need is installed by `cargo xtask setup`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it should do"
)]

mod administration;
mod attachments;
mod bombs;
mod clients;
mod credentials;
mod crowd;
mod endings;
mod first_run;
mod forwarding;
mod gateway;
mod harmless;
mod hostile;
mod limits;
mod lmtp;
mod local;
mod notices;
mod proxies;
mod quarantine;
mod reception;
mod relaying;
mod reports;
mod requests;
mod scanners;
mod secure;
mod sending;
mod server;
mod service;
mod signing;
mod submission;
mod talk;
mod viruses;
mod web;
mod workers;
mod worlds;
