//! The engine on a real PostgreSQL, each test in a database of its own.
//!
//! `cargo xtask test` starts the server and names it in `GATEPOST_TEST_POSTGRES`. Without it these
//! tests do nothing on a person's machine and fail where `CI=true`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bells;
mod conformance;
mod database;
mod directory;
mod sending;
mod trouble;
mod writes;
