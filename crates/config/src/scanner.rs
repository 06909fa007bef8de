//! Where scanners are, and what is done with what they say: `[scanner]`.

use crate::choices::{kind_of, show_choice};
use crate::reader::{Reader, Setting, choice, quoted};
use crate::route::NextHop;
use crate::tree::Node;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a scanner listens: `/run/clamav/clamd.ctl`, `127.0.0.1:3310`, `clamav.example.org:3310`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ScannerPlace {
    /// At a local socket.
    Local(PathBuf),
    /// At a port.
    Net(NextHop),
}

/// What is done with a virus that a scanner names in mail of strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VirusChoice {
    /// The message is put into quarantine.
    Quarantine,
    /// It is refused in the session.
    Refuse,
}

/// What is done with mail of strangers that spamd calls spam.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpamChoice {
    /// The score is noted in the trace.
    Note,
    /// It is delivered into Junk.
    Junk,
    /// The message is put into quarantine.
    Quarantine,
    /// It is refused in the session.
    Refuse,
}

const VIRUS: &[(&str, VirusChoice)] =
    &[("quarantine", VirusChoice::Quarantine), ("refuse", VirusChoice::Refuse)];
const SPAM: &[(&str, SpamChoice)] = &[
    ("note", SpamChoice::Note),
    ("junk", SpamChoice::Junk),
    ("quarantine", SpamChoice::Quarantine),
    ("refuse", SpamChoice::Refuse),
];

impl FromStr for ScannerPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Local(text.into()));
        }
        // No scanner listens at the port of mail.
        let ends = text.rsplit_once(':').filter(|(host, _)| !host.ends_with(':'));
        let has_port = ends.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|p| p > 0));
        if !has_port {
            return Err("the port is missing, or the path does not begin with `/`".to_owned());
        }
        text.parse().map(Self::Net)
    }
}

impl fmt::Display for ScannerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Net(server) => server.fmt(f),
        }
    }
}

impl Setting for ScannerPlace {
    fn kind() -> String {
        "path of a local socket, or server with its port".to_owned()
    }
    fn plural() -> String {
        "paths of local sockets, or servers with their ports".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let kind = "a local socket or a server, like /run/clamav/clamd.ctl or 127.0.0.1:3310";
        reader.parsed(node, kind, str::parse)
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for VirusChoice {
    fn kind() -> String {
        kind_of(VIRUS)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, VIRUS, reader)
    }
    fn show(&self) -> String {
        show_choice(VIRUS, self)
    }
}

impl Setting for SpamChoice {
    fn kind() -> String {
        kind_of(SPAM)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, SPAM, reader)
    }
    fn show(&self) -> String {
        show_choice(SPAM, self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::ScannerPlace;
    use crate::Settings;
    use std::path::Path;

    #[test]
    fn places_are_read_and_shown() {
        for (text, expected) in [
            ("/run/clamav/clamd.ctl", Some("/run/clamav/clamd.ctl")),
            ("127.0.0.1:3310", Some("127.0.0.1:3310")),
            ("[::1]:3310", Some("[::1]:3310")),
            ("localhost:3310", Some("localhost:3310")),
            ("ClamAV.example.org:3310", Some("clamav.example.org:3310")),
            ("clamav.example.org", None),
            ("127.0.0.1", None),
            ("::1", None),
            ("127.0.0.1:0", None),
            ("run/clamd.ctl", None),
            ("a b:1", None),
            ("", None),
        ] {
            let found = text.parse::<ScannerPlace>().ok().map(|place| place.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_command_is_a_path() {
        let told = |command: &str| {
            let text = format!("[server]\nhostname = \"mx.example.org\"\n[scanner]\n{command}\n");
            let read = Settings::from_str(&text, Path::new("x.toml"));
            read.err().map(|all| all.iter().map(ToString::to_string).collect::<String>())
        };
        assert_eq!(told("command = [\"/usr/bin/scan\", \"-\"]"), None);
        let relative = told("command = [\"scan\"]").unwrap_or_default();
        assert!(relative.contains("does not begin with `/`"), "{relative}");
        let nul = told("command = [\"/scan\", \"a\\u0000b\"]").unwrap_or_default();
        assert!(nul.contains("NUL"), "{nul}");
    }

    #[test]
    fn servers_that_never_have_their_turn_are_told() {
        for (servers, seconds, expected) in [(1, 20, 0), (2, 20, 0), (3, 20, 1), (1, 46, 1)] {
            let all = vec!["\"127.0.0.1:3310\""; servers].join(", ");
            let text = format!(
                "[server]\nhostname = \"mx.example.org\"\n[scanner]\nclamd = [{all}]\n\
                 timeout_secs = {seconds}\n"
            );
            let root = crate::tree::Node::parse(Path::new("x.toml"), &text);
            let (settings, problems) = Settings::gather(&root.expect("it is TOML"));
            assert!(settings.is_some());
            let told = problems.iter().filter(|problem| problem.to_string().contains("turn"));
            assert_eq!(told.count(), expected, "{servers} servers, {seconds} s: {problems:?}");
        }
    }
}
