//! Session-time decisions, each with its reason.
pub mod access;
pub mod aliases;
pub mod budget;
mod memory;
pub mod password;
pub mod relay;
pub mod route;
