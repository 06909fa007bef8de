//! The arguments of `gatepost account app-password`.

use clap::{Args, Subcommand};
use mail::{Address, Protocol};

#[derive(Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Make a password for one program or device; it is printed once.
    Add(AddArgs),
    /// List the app passwords of an account.
    #[command(after_help = "Example: gatepost account app-password list anna@example.org")]
    List {
        /// The account's address.
        address: Address,
    },
    /// Remove an app password and end its sessions at once.
    #[command(after_help = "Example: gatepost account app-password remove anna@example.org phone")]
    Remove {
        /// The account's address.
        address: Address,
        /// The app password's name.
        name: String,
    },
}

/// `gatepost account app-password add`
#[derive(Args)]
#[command(
    after_help = "Examples: gatepost account app-password add anna@example.org phone\n          \
    gatepost account app-password add scan@example.org scanner --protocol submission \
    --network 192.0.2.0/24"
)]
pub(crate) struct AddArgs {
    /// The account's address.
    pub(crate) address: Address,
    /// What to call it: the program or the device that it is for.
    pub(crate) name: String,
    /// What it is good for, more than once for several; without this, for all: submission, pop3.
    #[arg(long = "protocol", value_name = "NAME", value_parser = ["submission", "pop3"])]
    protocols: Vec<String>,
    /// From where it may be used, more than once for several; without this, from anywhere.
    #[arg(long = "network", value_name = "ADDRESS[/LENGTH]")]
    pub(crate) networks: Vec<String>,
    /// When it ends by itself: 2027-12-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<jiff::Timestamp>,
}

impl AddArgs {
    /// What it is to be good for.
    pub(crate) fn protocols(&self) -> Vec<Protocol> {
        if self.protocols.is_empty() {
            return Protocol::ALL.to_vec();
        }
        // The names are checked above.
        self.protocols.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::AddArgs;
    use clap::{Args, Command, FromArgMatches};
    use mail::Protocol;

    fn check(more: &[&str], expected: Option<&[Protocol]>) {
        let words = ["add", "anna@example.org", "phone"].iter().chain(more);
        let matches = AddArgs::augment_args(Command::new("add")).try_get_matches_from(words);
        let read = matches.and_then(|matches| AddArgs::from_arg_matches(&matches));
        assert_eq!(read.ok().map(|args| args.protocols()).as_deref(), expected, "{more:?}");
    }

    #[test]
    fn protocols_are_those_named_or_all() {
        check(&[], Some(&Protocol::ALL));
        check(&["--protocol", "pop3"], Some(&[Protocol::Pop3]));
        check(&["--protocol", "submission", "--protocol", "pop3"], Some(&Protocol::ALL));
        check(&["--protocol", "smtp"], None);
        for protocol in Protocol::ALL {
            check(&["--protocol", protocol.word()], Some(&[protocol]));
        }
    }
}
