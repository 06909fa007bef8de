//! The message of the self-test, and its way through the server's own door: as any stranger's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::{Address, BodyKind, Domain, EnvelopeDsn, RecipientDsn, ReversePath, Timestamp};
use net::{Heard, Wire};
use smtp::client::{Action, Machine, Options, Outcome, Recipient, TlsPolicy, Transaction};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long all of it may take: the filter's time, and the delays before it.
const LIMIT: Duration = Duration::from_secs(120);
/// A name that nobody has (RFC 6761 §6.4): no policy of a domain's speaks against it.
const NOBODY: &str = "self-test.invalid";
/// The anti-malware test file (EICAR, 2003): in two pieces, so that no scanner takes this program
/// for it.
const EICAR: [&str; 2] =
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// The Message-ID with this token, without its brackets.
pub(super) fn message_id(token: &str) -> String {
    format!("{token}@{NOBODY}")
}

/// The message: a harmless file that every scanner takes for a virus, and words for who gets it
/// where nothing does.
pub(super) fn message(to: &Address, token: &str, now: Timestamp) -> Vec<u8> {
    let (date, id) = (now.rfc5322(), message_id(token));
    let file = STANDARD.encode(EICAR.concat());
    format!(
        "From: Self-test <self-test@{NOBODY}>\r\nTo: {to}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n\
         Subject: This message should not have come\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n\
         The mail server sends itself a test virus to see whether it is caught. It was not:\r\n\
         neither its own lists nor a scanner looks at mail, or none of them works. The file is\r\n\
         harmless.\r\n\
         --b\r\nContent-Type: application/octet-stream; name=test.txt\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{file}\r\n--b--\r\n"
    )
    .into_bytes()
}

/// Where this machine reaches a door that listens at this address.
fn reachable(door: SocketAddr) -> SocketAddr {
    let ip = match door.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, door.port())
}

/// Sends a message and waits for the answer. `proxied`: a PROXY header is due from this machine.
///
/// # Errors
/// There is no answer to the message itself, and why.
pub(super) async fn send(
    door: SocketAddr,
    proxied: bool,
    to: &Address,
    message: &[u8],
) -> Result<Outcome, String> {
    let deadline = tokio::time::Instant::now().into_std() + LIMIT;
    let door = reachable(door);
    let stream = net::client::connect(door, None, LIMIT).await;
    let stream = stream.map_err(|error| format!("{door} cannot be reached: {error}"))?;
    let mut wire = Wire::new(stream);
    if proxied {
        // A client that can be nobody (RFC 5737): the header is due, and must name one.
        let header = format!("PROXY TCP4 192.0.2.1 192.0.2.2 1025 {}\r\n", door.port());
        let mut header = header.into_bytes();
        if !wire.say(&mut header, deadline).await {
            return Err("the door closed".to_owned());
        }
    }
    let hostname = Domain::parse(NOBODY).map_err(|error| error.to_string())?;
    let options = Options { hostname, tls: TlsPolicy::Never, tls_active: false, credentials: None };
    let (mut machine, mut rest) = (Machine::new(options), message);
    let mut outcome = None;
    loop {
        match machine.next() {
            Action::Ready if outcome.is_none() => {
                let begun = machine.begin(transaction(to, message));
                begun.map_err(|unfit| unfit.to_string())?;
            }
            Action::Ready => machine.quit(),
            Action::Body => match std::mem::take(&mut rest) {
                b"" => machine.end_body(),
                rest => machine.body(rest).map_err(|error| error.to_string())?,
            },
            Action::Done(outcomes) => outcome = outcomes.into_iter().next(),
            Action::Closed(fault) => {
                let gone = || fault.map_or("it closed".to_owned(), |fault| fault.to_string());
                return outcome.ok_or_else(gone);
            }
            Action::StartTls => machine.handshake_failed(),
            Action::Read => read(&mut machine, &mut wire, deadline).await,
        }
    }
}

async fn read(machine: &mut Machine, wire: &mut Wire, deadline: Instant) {
    if !wire.say(machine.output(), deadline).await {
        return machine.eof();
    }
    match wire.hear(deadline, false, None).await {
        Heard::Bytes => machine.receive(wire.bytes()),
        Heard::End => machine.eof(),
        Heard::Late | Heard::Drain => machine.timed_out(),
    }
}

fn transaction(to: &Address, message: &[u8]) -> Transaction {
    Transaction {
        sender: ReversePath::Null,
        recipients: vec![Recipient { address: to.clone(), dsn: RecipientDsn::default() }],
        size: message.len() as u64,
        body: BodyKind::SevenBit,
        smtputf8: to.needs_smtputf8(),
        require_tls: false,
        dsn: EnvelopeDsn::default(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{message, reachable};
    use mail::{Address, Timestamp};

    #[test]
    fn a_door_for_all_is_reached_here() {
        for (door, expected) in [
            ("0.0.0.0:25", "127.0.0.1:25"),
            ("[::]:25", "[::1]:25"),
            ("192.0.2.1:2525", "192.0.2.1:2525"),
        ] {
            assert_eq!(reachable(door.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn the_message_is_one_that_nothing_else_speaks_against() {
        let to = Address::parse("postmaster@mx.example.org").unwrap();
        let text = String::from_utf8(message(&to, "abc", Timestamp(0))).unwrap();
        assert!(text.contains("Message-ID: <abc@self-test.invalid>\r\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(!text.contains("EICAR"), "the log of a debugger must not be taken for a virus");
    }
}
