//! A site for the tests of the shell: a real store on SQLite in a temporary folder, real sockets,
//! real certificates.

use config::{Maps, Settings};
use mail::{
    AccountId, Address, BodyKind, Door, Envelope, Judgement, MailboxId, Origin, Peer, Permit,
    Placement, Reason, Recipient, Rendition, ReversePath, SessionId, Target, Verdict,
};
use net::{Admission, Clock, Drain, DrainHandle, Heard, Limits, Listener, ServerTls, Wire};
use policy::Policy;
use pop3::Pop3;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Acceptance, NewAccount, Store};

/// What anything in these tests may take.
pub const LIMIT: Duration = Duration::from_secs(20);
pub const PASSWORD: &str = "a good password";

const SETTINGS: &str =
    "[server]\nhostname = \"mail.example.org\"\n[login]\nfailure_delay_secs = 0\n";

/// A server with the doors pop3 and pop3s, and the account anna@example.org.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub store: Arc<Store>,
    pub pop3: Arc<Pop3>,
    pub drain: DrainHandle,
    pub anna: AccountId,
    pub inbox: MailboxId,
    pub plain: SocketAddr,
    pub secure: SocketAddr,
    pub served: tokio::task::JoinSet<()>,
}

pub async fn site(per_address: usize) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
    let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
    store.add_domain(&"example.org".parse().unwrap()).await.unwrap();
    let address = Address::parse("anna@example.org").unwrap();
    let password_hash = policy::password::hash(PASSWORD).unwrap();
    let new = NewAccount { address, password_hash, quota: None, admin: false };
    let anna = store.add_account(new).await.unwrap();
    let inbox = store.directory().account(anna).unwrap().inbox;
    let settings = Settings::from_str(SETTINGS, Path::new("test.toml")).unwrap();
    let settings = Arc::new(settings);
    let policy =
        Policy::new(Arc::clone(&store), Arc::clone(&settings), Maps::default(), clock.clone());
    let certificate = folder.path().join("certificate.pem");
    let key = folder.path().join("key.pem");
    net::tls::self_signed(&["mail.example.org".to_owned()], &certificate, &key).unwrap();
    let tls = ServerTls::load(&certificate, &key).unwrap();
    let (handle, drain) = Drain::new();
    let pop3 = Pop3::new(Arc::clone(&store), Arc::new(policy), tls, settings, clock, drain.clone());
    let pop3 = Arc::new(pop3);
    let admission = Arc::new(Admission::new(Limits { per_address, total: 100 }));
    let mut served = tokio::task::JoinSet::new();
    let mut open = |door| {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), 64).unwrap();
        let address = listener.local_addr().unwrap();
        let pop3 = Arc::clone(&pop3);
        served.spawn(listener.serve(Arc::clone(&admission), drain.clone(), move |accepted| {
            pop3::connection::serve(Arc::clone(&pop3), accepted, door)
        }));
        address
    };
    let (plain, secure) = (open(Door::Pop3), open(Door::Pop3s));
    Site { folder, store, pop3, drain: handle, anna, inbox, plain, secure, served }
}

impl Site {
    /// Puts a message into anna's INBOX, as intake would.
    pub async fn deliver(&self, content: &[u8]) {
        let mut incoming = self.store.incoming();
        incoming.write(content).await.unwrap();
        let body = incoming.seal().await.unwrap();
        let message = self.store.message_id(&body).await.unwrap();
        let address = Address::parse("anna@example.org").unwrap();
        let recipient = Recipient {
            address: address.clone(),
            permit: Permit::issue("account anna@example.org", Reason::LocalAccount),
            onward: Vec::new(),
            targets: vec![Target { account: self.anna, inbox: self.inbox, junk: None, address }],
            dsn: mail::RecipientDsn::default(),
        };
        let peer = Peer {
            session: SessionId(1),
            door: Door::Smtp,
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 1,
            helo: None,
            esmtp: true,
            tls: None,
            login: None,
            user: None,
        };
        let envelope = Envelope {
            peer,
            origin: Origin::Session,
            from_outside: false,
            sender: ReversePath::Null,
            recipients: vec![recipient],
            body: BodyKind::default(),
            smtputf8: false,
            limits: None,
            dsn: mail::EnvelopeDsn::default(),
            tls_demand: mail::TlsDemand::Usual,
        };
        let placement = Placement { account: self.anna, mailbox: self.inbox, flags: 0 };
        let judgement = Judgement {
            authentication: String::new(),
            sender_known: true,
            author_known: true,
            findings: Vec::new(),
            verdicts: vec![Verdict::Deliver(vec![placement], Vec::new())],
            onward: None,
            full: None,
            held: Vec::new(),
            rendition: Rendition::whole(content.len() as u64),
        };
        let received_at = Clock::system().now();
        let acceptance =
            Acceptance { message, received_at, envelope, body, judgement, trace: Vec::new() };
        self.store.accept(acceptance).await.unwrap();
    }

    pub async fn left(&self) -> usize {
        self.store.entries(self.inbox).await.unwrap().len()
    }

    /// A client at the door for TLS from the first byte, greeted.
    pub async fn client(&self) -> Client {
        let mut client = self.silent(self.secure).await.secure(self.folder.path()).await;
        assert_eq!(client.line().await, "+OK mail.example.org POP3 ready");
        client
    }

    /// A client that has logged in.
    pub async fn anna(&self) -> Client {
        let mut client = self.client().await;
        assert!(client.ask("USER anna@example.org").await.starts_with("+OK"));
        assert_eq!(client.ask(&format!("PASS {PASSWORD}")).await, "+OK Logged in");
        client
    }

    /// A client that has connected and heard nothing.
    pub async fn silent(&self, door: SocketAddr) -> Client {
        let stream = net::client::connect(door, None, LIMIT).await.unwrap();
        Client { stream: Some(stream), wire: None, heard: Vec::new() }
    }
}

/// A client of the test's own: lines out, lines in.
pub struct Client {
    /// Before anything was heard.
    stream: Option<net::Stream>,
    wire: Option<Wire>,
    heard: Vec<u8>,
}

impl Client {
    /// Makes the handshake; nothing may have been heard that was not asked for.
    pub async fn secure(mut self, folder: &Path) -> Client {
        let stream = self.stream.take().unwrap();
        let certificate = folder.join("certificate.pem");
        let stream =
            net::client::start_tls(stream, "mail.example.org", &certificate, LIMIT).await.unwrap();
        Client { stream: None, wire: Some(Wire::new(stream)), heard: Vec::new() }
    }

    /// The first lines in the clear, read byte by byte so that the handshake can follow.
    pub async fn line_in_the_clear(&mut self) -> String {
        use tokio::io::AsyncReadExt;
        let stream = self.stream.as_mut().unwrap();
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => return "(closed)".to_owned(),
            }
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    pub async fn send_in_the_clear(&mut self, text: &str) {
        use tokio::io::AsyncWriteExt;
        self.stream.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn send(&mut self, text: &str) {
        let wire = self.wire.as_mut().unwrap();
        assert!(wire.say(&mut text.as_bytes().to_vec(), Instant::now() + LIMIT).await);
    }

    /// The next line, without its end; `(closed)` where there is none.
    pub async fn line(&mut self) -> String {
        match self.raw_line().await {
            Some(line) => String::from_utf8(line).unwrap().trim_end().to_owned(),
            None => "(closed)".to_owned(),
        }
    }

    async fn raw_line(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.heard.iter().skip(searched).position(|b| *b == b'\n') {
                return Some(self.heard.drain(..=searched + at).collect());
            }
            searched = self.heard.len();
            let wire = self.wire.as_mut().unwrap();
            match wire.hear(Instant::now() + LIMIT, true, None).await {
                Heard::Bytes => self.heard.extend_from_slice(wire.bytes()),
                Heard::End => return None,
                other => panic!("the server is silent: {other:?}"),
            }
        }
    }

    pub async fn ask(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.line().await
    }

    /// What follows until the dot alone, dots taken off.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let line = self.raw_line().await.expect("the final dot");
            if line == b".\r\n" {
                return content;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    pub async fn rest_text(&mut self) -> String {
        String::from_utf8(self.rest().await).unwrap()
    }
}
