//! What the system hands a server process: its sockets and its number of open files.

use listenfd::ListenFd;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::TcpListener;

/// Listening TCP sockets that systemd opened for us, with the names of the socket unit
/// (`FileDescriptorName=`; without one the name is `unknown`, as systemd's own). Empty where
/// systemd handed over nothing.
///
/// To be called once, at the start: the sockets are the caller's from then on. A descriptor that
/// is no TCP listener is left alone, with a warning.
pub fn inherited_listeners() -> Vec<(String, TcpListener)> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed.len() {
        let name = name_of(&names, index);
        match handed.take_tcp_listener(index) {
            Ok(Some(listener)) => listeners.push((name, listener)),
            Ok(None) => {}
            Err(error) => tracing::warn!(name, %error, "a socket handed over is not used"),
        }
    }
    listeners
}

/// Names are separated by colons (sd_listen_fds_with_names(3)).
fn name_of(names: &str, index: usize) -> String {
    names.split(':').nth(index).filter(|name| !name.is_empty()).unwrap_or("unknown").to_owned()
}

/// Lets the process open as many files as the system allows it: every connection is one. Returns
/// the number that holds now.
pub fn raise_file_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(error) => {
            tracing::warn!(soft, hard, %error, "the limit of open files cannot be raised");
            soft
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{inherited_listeners, name_of, raise_file_limit};
    use nix::sys::resource::{Resource, getrlimit};

    #[test]
    fn names_go_by_position() {
        for (names, index, expected) in [
            ("smtp:pop3", 0, "smtp"),
            ("smtp:pop3", 1, "pop3"),
            ("smtp:pop3", 2, "unknown"),
            ("smtp::pop3", 1, "unknown"),
            ("", 0, "unknown"),
        ] {
            assert_eq!(name_of(names, index), expected, "{names} {index}");
        }
    }

    #[test]
    fn nothing_is_inherited_from_nobody() {
        assert!(inherited_listeners().is_empty());
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let raised = raise_file_limit();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (raised, raised));
    }
}
