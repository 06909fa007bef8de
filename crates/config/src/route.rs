//! Ways to other servers that the settings name: a smarthost, and domains with a way of their own.

use crate::reader::{Reader, Setting, Table, quoted};
use crate::tree::Node;
use mail::{Domain, Host, Secret};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The port of mail between servers.
const PORT: u16 = 25;

/// A server that mail is handed to, and its port: `mail.example.org:587`, `192.0.2.1`,
/// `[2001:db8::1]:25`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// Its name, whose addresses are asked for (never its MX), or its address.
    pub host: Host,
    /// Its port.
    pub port: u16,
}

/// A domain whose mail goes another way: `[[send.routes]]`.
#[derive(Debug, Clone)]
pub struct SendRoute {
    /// The domain, with all below it.
    pub domain: Domain,
    /// Where its mail goes.
    pub to: NextHop,
    /// What to log in with there: both, or neither.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret<String>>,
}

impl FromStr for NextHop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { host: Host::Literal(address.ip()), port: address.port() });
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self { host: Host::Literal(ip), port: PORT });
        }
        let (name, port) = match text.rsplit_once(':') {
            None => (text, PORT),
            Some((name, port)) => {
                let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
                (name, port)
            }
        };
        let host = Domain::parse(name).map_err(|error| error.to_string())?;
        Ok(Self { host: Host::Domain(host), port })
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Domain(domain) => write!(f, "{domain}:{}", self.port),
            Host::Literal(ip) => SocketAddr::new(*ip, self.port).fmt(f),
        }
    }
}

impl Setting for NextHop {
    fn kind() -> String {
        "server, with a port if it is not 25".to_owned()
    }
    fn plural() -> String {
        "servers, with a port if it is not 25".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a server, like mail.example.org:25 or [2001:db8::1]:25", str::parse)
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for SendRoute {
    fn kind() -> String {
        "table with `domain` and `to`, and `user` and `password` where they are needed".to_owned()
    }
    fn plural() -> String {
        "tables with `domain` (it covers its hosts) and `to` (a server and its port), and `user` \
         and `password` where that server wants a log-in"
            .to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let table = Table::open(node, &["domain", "to", "user", "password"], reader);
        let domain = table.required("domain", reader)?;
        let to = table.required("to", reader)?;
        let user = table.value("user", None, None, reader);
        let password = table.value("password", None, None, reader);
        if !is_login(&user, &password) {
            reader.say(node, LOGIN_WRONG);
            return None;
        }
        Some(Self { domain, to, user, password })
    }
    fn show(&self) -> String {
        format!("{{ domain = \"{}\", to = \"{}\" }}", self.domain, self.to)
    }
}

/// Why a name and a password are no log-in.
pub(crate) const LOGIN_WRONG: &str =
    "the user and the password of a log-in go together, and neither is empty";

/// Whether a name and a password are both there and fit to be used, or both not there.
pub(crate) fn is_login(user: &Option<String>, password: &Option<Secret<String>>) -> bool {
    let good = |text: &str| !text.is_empty() && !text.contains('\0');
    match (user, password) {
        (None, None) => true,
        (Some(user), Some(password)) => good(user) && good(password.expose()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::NextHop;

    #[test]
    fn servers_are_read_and_shown() {
        for (text, expected) in [
            ("mail.example.org", Ok("mail.example.org:25")),
            ("Mail.Example.org:587", Ok("mail.example.org:587")),
            ("192.0.2.1", Ok("192.0.2.1:25")),
            ("192.0.2.1:2525", Ok("192.0.2.1:2525")),
            ("[2001:db8::1]", Ok("[2001:db8::1]:25")),
            ("2001:db8::1", Ok("[2001:db8::1]:25")),
            ("[2001:db8::1]:26", Ok("[2001:db8::1]:26")),
            ("mail.example.org:x", Err(())),
            ("mail.example.org:99999", Err(())),
            ("a b", Err(())),
            ("", Err(())),
        ] {
            let found = text.parse::<NextHop>().map(|hop| hop.to_string()).map_err(drop);
            assert_eq!(found, expected.map(str::to_owned), "{text}");
            if let Ok(shown) = found {
                assert_eq!(shown.parse::<NextHop>().map(|hop| hop.to_string()), Ok(shown));
            }
        }
    }
}
