//! The arguments of `gatepost scanner`.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ScannerCommand {
    /// Ask each scanner how it does; exit 1 if one does not answer or has old signatures.
    #[command(after_help = "Example: gatepost scanner status --json")]
    Status,
}
