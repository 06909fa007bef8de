//! The command `scan`: what it takes.

use super::authentication::mail_from;
use clap::Args;
use mail::{Address, ReversePath};
use std::net::IpAddr;
use std::path::PathBuf;

/// A message and the envelope that it is judged with.
#[derive(Args)]
pub(crate) struct ScanArgs {
    /// The message; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The sender of MAIL FROM, `<>` for none [default: `<>`].
    #[arg(long, value_name = "ADDRESS", value_parser = mail_from)]
    pub(crate) from: Option<ReversePath>,
    /// A recipient; may be given more than once [default: one that no rule names].
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub(crate) to: Vec<Address>,
    /// The address of the client that brought it [default: this machine's].
    #[arg(long, value_name = "IP")]
    pub(crate) ip: Option<IpAddr>,
    /// Judge it as from one of our own users, who has logged in.
    #[arg(long)]
    pub(crate) login: bool,
}
