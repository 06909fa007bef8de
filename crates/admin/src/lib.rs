//! An administrator's operations: every one once, as plain functions. No HTTP, no printing.
//!
//! The command line, the JSON API and the web pages are skins over [`Request`] and [`Response`];
//! [`perform`] carries a request out. Over the local socket requests travel by [`control`]; where
//! no server runs, the command line performs them on the store itself. Who may ask is decided
//! before: by the socket's owner, later by a log-in. Every change is traced by the store.

mod admin;
pub mod control;
pub mod digest;
pub mod dkim;
pub mod held;
mod paging;
pub mod password;
mod perform;
mod quarantine;
pub mod records;
mod request;
mod response;
mod scanner;
pub mod self_test;
mod status;

pub use admin::{Admin, AdminParts, Facts, Running};
pub use perform::perform;
pub use quarantine::{
    HeldDetails, HeldPartView, HeldView, QuarantineFilter, QuarantineRequest, QuarantineResponse,
};
pub use request::{DkimWhat, LimitChange, Paging, QueueFilter, QueueWhat, Request, TraceAbout};
pub use response::{
    AccessView, AccountView, AliasReview, AliasView, AppPasswordView, CountedView, DkimKeyView,
    DomainView, EntryView, Error, Fsck, MailboxView, Page, QueueView, Response, RouteView,
    SendLimitView, SentView, ServerView, SubjectView, TlsCountView, TraceView,
};
pub use scanner::{ScannerRequest, ScannerResponse, ScannerView, SelfTestView};
pub use status::{Commits, Disk, DoorView, LogLine, Sessions, Status, Workers};
