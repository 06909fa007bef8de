//! The settings file and the map files, typed and checked.
//!
//! `gatepost.toml` says where and how much ([`Settings`]); sendmail's own files (access, aliases,
//! relay-domains, virtusertable, local-host-names) can be named in it and are read unchanged.
//! Whatever is wrong is told with file, line and column ([`Problem`]). Only this crate knows the
//! formats. It decides nothing: matching is `policy`'s and `filter`'s business.

pub mod access;
pub mod aliases;
pub mod attachment;
pub mod choices;
mod file;
pub mod hosts;
mod lines;
mod local;
mod maps;
mod network;
mod places;
mod problem;
mod reader;
mod reading;
mod reference;
pub mod relay_domains;
pub mod relay_recipients;
pub mod reply;
mod route;
pub mod scanner;
pub mod settings;
pub mod subject;
pub mod table;
mod tree;
pub mod virtusertable;
mod web;

pub use choices::{BareLf, DkimActivation, DnssecChoice, LogFormat, SmtpNetwork, TlsReports};
pub use local::LocalGrant;
pub use maps::{Maps, load_maps, read_maps};
pub use problem::{Problem, Severity};
pub use reading::{Reading, load};
pub use reference::reference;
pub use route::{NextHop, SendRoute};
pub use settings::Settings;
pub use web::WebUrl;
