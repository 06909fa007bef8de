//! The address of the database, and how it is reached: `postgres://user:password@host/name`.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection without traffic is looked after this often.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Set on every connection. A database that answers a commit before it is on its disk would break
/// the promise of the 250, so that is not left to its defaults.
const SESSION: &str = "-c synchronous_commit=on -c statement_timeout=60s -c lock_timeout=20s \
                       -c idle_in_transaction_session_timeout=60s -c timezone=UTC";

/// Where the database is.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) config: Config,
    /// `None`: no TLS.
    pub(crate) tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password.
        write!(f, "{:?} {:?}", self.config.get_hosts(), self.config.get_dbname())
    }
}

impl Target {
    /// Reads an address. Beside what libpq knows it takes `sslrootcert=FILE` with
    /// `sslmode=require`: the authority (or the certificate itself) that the server must show.
    /// There is no TLS without knowing whom one talks to.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let invalid = |text: String| Error::Invalid(format!("the database's address: {text}"));
        let (url, root) = take_root(url);
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // Its cause names the key; the text of the address stays out of it.
            invalid(std::error::Error::source(&error).map_or_else(String::new, |c| c.to_string()))
        })?;
        let tls = match (config.get_ssl_mode(), root) {
            (SslMode::Require, Some(root)) => Some(trusting(Path::new(&root)).map_err(invalid)?),
            (SslMode::Require, None) => {
                return Err(invalid("sslmode=require needs sslrootcert=FILE".to_owned()));
            }
            (_, Some(_)) => {
                return Err(invalid("sslrootcert needs sslmode=require".to_owned()));
            }
            (_, None) => None,
        };
        if tls.is_none() && !config.get_hosts().iter().all(is_local) {
            tracing::warn!("the database is on another machine and is spoken to without TLS");
        }
        let options = match config.get_options() {
            Some(own) => format!("{own} {SESSION}"),
            None => SESSION.to_owned(),
        };
        config
            .options(options)
            .application_name("gatepost")
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .keepalives_idle(KEEPALIVE);
        Ok(Self { config, tls })
    }
}

/// Cuts `sslrootcert=FILE` out of the query part.
fn take_root(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut root = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.strip_prefix("sslrootcert=") {
            Some(path) => root = Some(path.replace("%2F", "/").replace("%2f", "/")),
            None => rest.push(pair),
        }
    }
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, root)
}

fn trusting(root: &Path) -> Result<MakeRustlsConnect, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", root.display());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(root).map_err(|e| at(&e))? {
        roots.add(certificate.map_err(|e| at(&e))?).map_err(|e| at(&e))?;
    }
    if roots.is_empty() {
        return Err(at(&"there is no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| at(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, take_root};

    #[track_caller]
    fn check(url: &str, complaint: Option<&str>) {
        match (Target::parse(url), complaint) {
            (Ok(_), None) => {}
            (Err(error), Some(text)) if error.to_string().contains(text) => {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
            (result, expected) => panic!("{url}: {result:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn addresses_are_read_and_tls_knows_whom_it_trusts() {
        check("postgres://anna:hunter2@localhost/mail", None);
        check("postgres://anna:hunter2@localhost/mail?sslmode=disable", None);
        check("postgres://anna:hunter2@db.example.org/mail?sslmode=require", Some("sslrootcert"));
        check("postgres://a:hunter2@db/mail?sslrootcert=x.pem", Some("sslmode=require"));
        check("postgres://a:hunter2@db/mail?sslmode=require&sslrootcert=/no.pem", Some("/no.pem"));
        check("postgres://a:hunter2@db/mail?colour=red", Some("colour"));
    }

    #[test]
    fn the_root_is_cut_out_wherever_it_stands() {
        let cut = |url| take_root(url);
        assert_eq!(cut("p://h/d"), ("p://h/d".to_owned(), None));
        let root = Some("/a/b".to_owned());
        assert_eq!(cut("p://h/d?sslrootcert=%2Fa/b"), ("p://h/d".to_owned(), root.clone()));
        assert_eq!(cut("p://h/d?x=1&sslrootcert=/a/b&y=2"), ("p://h/d?x=1&y=2".to_owned(), root));
    }

    #[test]
    fn the_password_is_not_printed() {
        let target = Target::parse("postgres://anna:hunter2@localhost/mail");
        assert!(!format!("{target:?}").contains("hunter2"));
    }
}
