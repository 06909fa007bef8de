//! Session-time decisions, each with its reason.
pub mod access;
pub mod budget;
pub mod password;
pub mod relay;
pub mod route;
