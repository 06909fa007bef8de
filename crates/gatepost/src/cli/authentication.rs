//! The commands `verify` and `sign`: what they take.

use clap::{Args, Subcommand};
use filter::authentication::dkim::Selector;
use mail::{Address, Domain, ReversePath};
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum VerifyCommand {
    /// Whether the domains of sender and greeting let this client send (SPF).
    #[command(after_help = "Example: gatepost verify spf message.eml --ip 192.0.2.1")]
    Spf(VerifyArgs),
    /// Whose signatures are good (DKIM).
    #[command(after_help = "Example: gatepost verify dkim message.eml")]
    Dkim(VerifyArgs),
    /// Whether the domain of From stands behind the message (DMARC).
    #[command(after_help = "Example: gatepost verify dmarc message.eml --ip 192.0.2.1")]
    Dmarc(VerifyArgs),
    /// Whether the chain of those that passed the message on holds (ARC).
    #[command(after_help = "Example: gatepost verify arc message.eml")]
    Arc(VerifyArgs),
    /// All of them, and the Authentication-Results field that tells it.
    #[command(after_help = "Example: gatepost verify all message.eml --ip 192.0.2.1 \
                            --helo mx.example.org --mail-from anna@example.org")]
    All(VerifyArgs),
}

/// A message and how it came.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// The message; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The address of the client that brought it.
    #[arg(long, value_name = "IP")]
    pub(crate) ip: Option<IpAddr>,
    /// What the client called itself [default: its address].
    #[arg(long, value_name = "NAME")]
    pub(crate) helo: Option<String>,
    /// The sender of MAIL FROM, `<>` for none [default: the message's Return-Path, else `<>`].
    #[arg(long, value_name = "ADDRESS", value_parser = mail_from)]
    pub(crate) mail_from: Option<ReversePath>,
}

#[derive(Subcommand)]
pub(crate) enum SignCommand {
    /// Put a DKIM-Signature field before a message.
    #[command(after_help = "Example: gatepost sign dkim message.eml --key dkim.pem \
                            --domain example.org --selector s1 > signed.eml")]
    Dkim {
        /// The message; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Verify the ARC chain of a message and put a new set of three fields before it.
    #[command(after_help = "Example: gatepost sign arc message.eml --key arc.pem \
                            --domain example.org --selector s1 \
                            --results 'mx.example.org; spf=pass' > sealed.eml")]
    Arc {
        /// The message; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
        /// What was found when the message came, as Authentication-Results would tell it
        /// [default: what DKIM and ARC say now].
        #[arg(long, value_name = "TEXT")]
        results: Option<String>,
    },
}

/// Who signs.
#[derive(Args)]
pub(crate) struct SignerArgs {
    /// The private key: a PEM file, RSA or Ed25519, without a password.
    #[arg(long, value_name = "PEMFILE")]
    pub(crate) key: PathBuf,
    /// The domain that signs.
    #[arg(long)]
    pub(crate) domain: Domain,
    /// The name of the key below `_domainkey` of that domain.
    #[arg(long, value_parser = selector)]
    pub(crate) selector: Selector,
}

pub(super) fn mail_from(text: &str) -> Result<ReversePath, mail::AddressError> {
    if text.is_empty() {
        return Ok(ReversePath::Null);
    }
    if text.starts_with('<') {
        return ReversePath::parse(text);
    }
    Address::parse(text).map(ReversePath::Address)
}

fn selector(text: &str) -> Result<Selector, &'static str> {
    Selector::parse(text).ok_or("a selector is made of labels with dots between")
}
