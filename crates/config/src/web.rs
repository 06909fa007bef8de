//! Where people reach the web pages.

use crate::reader::{Reader, Setting, quoted};
use crate::tree::Node;
use mail::Domain;
use std::fmt;
use std::str::FromStr;

/// The port that a link does not name.
const PORT: u16 = 443;

/// The beginning of every link: `https://mail.example.org:8443`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl {
    host: Domain,
    port: u16,
}

impl WebUrl {
    /// A server and its port.
    pub fn new(host: Domain, port: u16) -> Self {
        Self { host, port }
    }

    /// Server and port as a browser names them in `Host`: the port only where it is not 443.
    pub fn authority(&self) -> String {
        match self.port {
            PORT => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }
}

impl FromStr for WebUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").ok_or("it begins with https://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (name, port) = match rest.split_once(':') {
            None => (rest, PORT),
            Some((name, port)) => {
                let number = port.parse().ok().filter(|port| *port != 0);
                (name, number.ok_or_else(|| format!("`{port}` is no port"))?)
            }
        };
        let host = Domain::parse(name).map_err(|error| error.to_string())?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

impl Setting for WebUrl {
    fn kind() -> String {
        "https:// and a server, with a port if it is not 443".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a URL without a path, like https://mail.example.org:8443", str::parse)
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::WebUrl;

    #[test]
    fn a_url_is_a_server_and_a_port() {
        for (text, expected) in [
            ("https://mail.example.org", Some("https://mail.example.org")),
            ("https://Mail.Example.org/", Some("https://mail.example.org")),
            ("https://mail.example.org:443", Some("https://mail.example.org")),
            ("https://mail.example.org:8443", Some("https://mail.example.org:8443")),
            ("http://mail.example.org", None),
            ("mail.example.org", None),
            ("https://", None),
            ("https://mail.example.org:0", None),
            ("https://mail.example.org:x", None),
            ("https://mail.example.org/mail", None),
            ("https://user@mail.example.org", None),
            ("https://mail.example.org?x", None),
            ("https://mail.example.org\r\nX: y", None),
        ] {
            let found = text.parse::<WebUrl>().map(|url| url.to_string()).ok();
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }
}
