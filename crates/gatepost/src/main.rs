//! Gatepost, a mail server that is hardened from its first start: the binary.
//!
//! Wiring and command line, nothing else. The only place that knows which database engine stands
//! behind the store.

mod certificate;
mod cli;
mod control;
mod demo;
mod doors;
mod engine;
mod failure;
mod init;
mod logging;
mod message_file;
mod offline;
mod output;
mod parse;
mod scan;
mod sendmail;
mod serve;
mod server;
mod sign;
mod signals;
mod verify;
mod worker;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = worker::asked() {
        return code;
    }
    let is_root = nix::unistd::geteuid().is_root();
    let cli = match cli::Cli::try_parse_from(cli::arguments(std::env::args_os(), is_root)) {
        Ok(cli) => cli,
        Err(error) => return failure::arguments(&error, std::env::args().any(|a| a == "--json")),
    };
    cli.run().unwrap_or_else(|error| failure::report(&error, cli.json()))
}
