//! Development commands: what tests need, the tests, the house rules, the benchmark, and the runs
//! that break the server on purpose.

mod bench;
mod evasion;
mod fuzz;
mod harm;
mod postgres;
mod setup;
mod sink;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `cargo xtask`: everything around the source that is not the product.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need (Debian, as root); asks first, unless CI=true or --yes.
    Setup(setup::Args),
    /// Install what is missing, check the house rules, start PostgreSQL and run all tests.
    Test(test::Args),
    /// Check the house rules: layers, sizes, forms, documents.
    Tidy,
    /// Measure Gatepost beside its peers.
    #[command(subcommand)]
    Bench(bench::Args),
    /// Feed the parsers and machines with inputs that nobody thought of.
    Fuzz(fuzz::Args),
    /// Kill the server at random moments under load; all that got 250 must be there.
    Crash(harm::crash::Args),
    /// Kill the server while it sends mail on; everything accepted must arrive, whole
    Relaying(harm::relaying::Args),
    /// Make system calls of the server fail; peers are told 4xx, and nothing is lost.
    Faults(harm::faults::Args),
    /// Replay what the server wrote into disks whose power failed, and start it on them.
    Powercut(harm::powercut::Args),
    /// Send a thousand evasions of the filter through the server; four readers say what came.
    Evasion(evasion::Args),
    /// Start a PostgreSQL cluster of its own, print its address, and remove it when stdin closes.
    Postgres,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    // cargo may be called from any folder of the workspace; every path below starts at its root.
    std::env::set_current_dir(root())?;
    match command {
        Command::Setup(args) => setup::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Crash(args) => harm::crash::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Relaying(args) => harm::relaying::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Faults(args) => harm::faults::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Powercut(args) => harm::powercut::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Evasion(args) => evasion::run(&args),
        Command::Postgres => postgres::serve().map(|()| ExitCode::SUCCESS),
    }
}

/// The workspace's root: the folder above this crate's, as cargo tells it at run time, so that a
/// program built in another checkout works on this one.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
