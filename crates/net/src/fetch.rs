//! The one HTTP client: https only, bounded in size and time, without redirects, and never to a
//! private address that nobody named.
//!
//! Names are looked up by our own resolver, and the address that was looked at is the one that is
//! called: nobody can answer twice.

use crate::dns::{DnsError, Resolver};
use crate::{ClientTls, Stream, TlsError, client};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mail::{Domain, Host};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Largest answer that is read (RFC 8461 §3.3 names this for policies).
pub const SIZE_MAX: usize = 64 * 1024;
/// What all of it may take (RFC 8461 §3.3: a minute).
pub const TIME_MAX: Duration = Duration::from_secs(60);
/// What a connection, and its handshake, may each take.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// Addresses of a server that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes at which the header of an answer is given up, unless one read brings the rest.
const HEAD_MAX: usize = 16 * 1024;
/// Longest path that is asked for.
const PATH_MAX: usize = 2_048;

/// Fetches. A clone shares all.
#[derive(Clone)]
pub struct Fetch {
    resolver: Arc<dyn Resolver>,
    tls: ClientTls,
    /// Private addresses that may be called all the same, each at its port.
    allowed: Vec<SocketAddr>,
}

/// Where something is: always https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The server.
    pub host: Domain,
    /// Its port.
    pub port: u16,
    /// What is asked of it, from the slash on.
    pub path: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The name cannot be looked up.
    #[error("{host}: {cause}")]
    Name {
        /// The name.
        host: Domain,
        /// Why not.
        cause: DnsError,
    },
    /// It leads to where only an administrator may lead us.
    #[error("{0} has a private address, which is not called")]
    Private(Domain),
    /// The server cannot be reached.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(SocketAddr, std::io::Error),
    /// The server is not who it should be.
    #[error("{0}: {1}")]
    Tls(Domain, TlsError),
    /// The server does not speak HTTP as it should.
    #[error("the answer cannot be read: {0}")]
    Broken(String),
    /// Anything but 200; a redirect among it, which is not followed (RFC 8461 §3.3).
    #[error("the answer is {0}")]
    Status(u16),
    /// More than [`SIZE_MAX`].
    #[error("the answer has more than {SIZE_MAX} bytes")]
    TooLarge,
    /// It took longer than [`TIME_MAX`].
    #[error("the answer took too long")]
    TimedOut,
}

/// What was answered, with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The media type, in lower case and without its parameters; empty where none was said.
    pub media_type: String,
    /// The content.
    pub body: Bytes,
}

impl Url {
    /// Reads `https://host[:port]/path`; `None` for anything else, a name and a password among it.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let rest = rest.and_then(|_| text.get(8..))?;
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at_checked(at)?,
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
            None => (authority, 443),
        };
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let proper = path.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        let host = Domain::parse(host).ok().filter(|host| host.as_str().contains('.'))?;
        (proper && path.len() <= PATH_MAX).then_some(Self { host, port, path })
    }
}

/// An answer that comes in time.
async fn in_time(
    asked: impl Future<Output = Result<Fetched, FetchError>>,
) -> Result<Fetched, FetchError> {
    tokio::time::timeout(TIME_MAX, asked).await.map_err(|_| FetchError::TimedOut)?
}

impl Fetch {
    /// A client that believes servers by `tls`. Of private addresses it calls those in `allowed`
    /// alone, and at the port that stands there, whatever is asked for.
    pub fn new(resolver: Arc<dyn Resolver>, tls: ClientTls, allowed: Vec<SocketAddr>) -> Self {
        Self { resolver, tls, allowed }
    }

    /// GET.
    ///
    /// # Errors
    /// Whatever is not an answer of 200 within the bounds.
    pub async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        in_time(self.ask(Method::GET, url, "", Bytes::new())).await
    }

    /// POST of a content of this media type.
    ///
    /// # Errors
    /// As of [`Fetch::get`]; 201 and 202 are as good as 200.
    pub async fn post(
        &self,
        url: &Url,
        media_type: &str,
        body: Bytes,
    ) -> Result<Fetched, FetchError> {
        in_time(self.ask(Method::POST, url, media_type, body)).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &Url,
        media_type: &str,
        body: Bytes,
    ) -> Result<Fetched, FetchError> {
        let broken = |error: &dyn std::fmt::Display| FetchError::Broken(error.to_string());
        let host = match url.port {
            443 => url.host.to_string(),
            port => format!("{}:{port}", url.host),
        };
        let mut request = Request::builder()
            .method(&method)
            .uri(&url.path)
            .header(HOST, host)
            .header(USER_AGENT, "gatepost");
        if !media_type.is_empty() {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let request = request.body(Full::new(body)).map_err(|error| broken(&error))?;
        let stream = TokioIo::new(self.connect(url).await?);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_MAX)
            .handshake(stream)
            .await
            .map_err(|error| broken(&error))?;
        let answer = async move {
            let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
            let status = response.status().as_u16();
            if !matches!((&method, status), (_, 200) | (&Method::POST, 201 | 202)) {
                return Err(FetchError::Status(status));
            }
            let media_type = response.headers().get(CONTENT_TYPE);
            let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
            let media_type = media_type.split(';').next().unwrap_or_default();
            let media_type = media_type.trim().to_ascii_lowercase();
            let body = Limited::new(response.into_body(), SIZE_MAX).collect().await;
            let body =
                body.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
                    true => FetchError::TooLarge,
                    false => FetchError::Broken(error.to_string()),
                })?;
            Ok(Fetched { media_type, body: body.to_bytes() })
        };
        // The connection is driven for as long as its one answer takes.
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            result = connection => match result {
                // All that came is in the answer.
                Ok(()) => answer.await,
                Err(error) => Err(FetchError::Broken(error.to_string())),
            },
        }
    }

    async fn connect(&self, url: &Url) -> Result<Stream, FetchError> {
        let named = self.resolver.addresses(&url.host).await;
        let host = || url.host.clone();
        let addresses = named.map_err(|cause| FetchError::Name { host: host(), cause })?;
        let mut failed = FetchError::Private(host());
        let may = |ip: IpAddr| self.may_call(ip.to_canonical(), url.port);
        for address in addresses.into_iter().filter_map(may).take(ADDRESSES_MAX) {
            let stream = match client::connect(address, None, CONNECT_MAX).await {
                Ok(stream) => stream,
                Err(error) => {
                    failed = FetchError::Unreachable(address, error);
                    continue;
                }
            };
            match stream.connect_tls(&self.tls, &Host::Domain(host()), CONNECT_MAX).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = FetchError::Tls(host(), error),
            }
        }
        Err(failed)
    }

    fn may_call(&self, ip: IpAddr, port: u16) -> Option<SocketAddr> {
        let named = self.allowed.iter().find(|address| address.ip() == ip).copied();
        named.or_else(|| is_public(ip).then(|| SocketAddr::new(ip, port)))
    }
}

/// Whether an address is one of the Internet: not ours, our network's, a group's or nobody's
/// (RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = (a, b, c) == (192, 0, 0) || a == 198 && (18..20).contains(&b);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_documentation()
                || shared
                || special
                || a == 0
                || a >= 224)
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            // What is given out is 2000::/3; of that, 2001::/23 and 2001:db8::/32 are special, and
            // 2002::/16 carries any IPv4 address.
            let given = first & 0xe000 == 0x2000;
            let special = first == 0x2001 && (second < 0x200 || second == 0xdb8) || first == 0x2002;
            given && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Url, is_public};

    #[test]
    fn urls_are_https_or_nothing() {
        for (text, expected) in [
            ("https://a.example/x", Some("a.example 443 /x")),
            ("HTTPS://A.Example", Some("a.example 443 /")),
            ("https://a.example:8443/x?y=1#z", Some("a.example 8443 /x?y=1")),
            ("https://a.example?y", Some("a.example 443 /?y")),
            ("http://a.example/", None),
            ("https://", None),
            ("https:///x", None),
            ("https://user@a.example/", None),
            ("https://user:pw@a.example/", None),
            ("https://a.example:0/", None),
            ("https://a.example:x/", None),
            ("https://127.0.0.1/", None),
            ("https://[::1]/", None),
            ("https://localhost/", None),
            ("https://a.example/ x", None),
            ("https://a.example/\r\nHost: b", None),
            ("https://a.example\\@b.example/", None),
            ("\u{e4}ttps://a.example/", None),
        ] {
            let found = Url::parse(text);
            let shown = found.map(|url| format!("{} {} {}", url.host, url.port, url.path));
            assert_eq!(shown.as_deref(), expected, "{text:?}");
        }
        assert_eq!(Url::parse(&format!("https://a.example/{}", "x".repeat(3_000))), None);
    }

    #[test]
    fn private_addresses_are_known() {
        for (text, public) in [
            ("8.8.8.8", true),
            ("2600::1", true),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("192.0.0.8", false),
            ("198.18.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("2002:7f00:1::", false),
            ("64:ff9b::7f00:1", false),
        ] {
            assert_eq!(text.parse().map(is_public), Ok(public), "{text}");
        }
    }
}
