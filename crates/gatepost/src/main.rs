//! Gatepost, a mail server that is hardened from its first start: the binary.
//!
//! Wiring and command line, nothing else. The only place that knows which database engine stands
//! behind the store.

mod cli;
mod control;
mod demo;
mod doors;
mod engine;
mod init;
mod logging;
mod offline;
mod output;
mod serve;
mod server;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gatepost: {error:#}");
            ExitCode::from(1)
        }
    }
}
