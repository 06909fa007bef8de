//! A server as far as administrators see it, at a real socket, over a real SQLite store.

use crate::account;
use admin::control::{self, Client};
use admin::{Admin, AdminParts, Error, Paging, Request, Response, Running};
use config::Settings;
use filter::Filter;
use filter::intake::{self, Outcome};
use mail::index::IndexBuilder;
use mail::{
    AccountId, BodyKind, Door, Envelope, EnvelopeDsn, Origin, Peer, Permit, Reason, Recipient,
    RecipientDsn, ReversePath, SessionId, Target,
};
use net::{Clock, Drain};
use policy::Policy;
use std::path::Path;
use std::sync::{Arc, Mutex};
use store::Store;

/// Whose sessions were ended, and what had opened them; nothing means all of them.
pub(crate) type Ended = (AccountId, Option<mail::Credential>);

/// A server as far as administrators see it.
pub(crate) struct House {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) store: Arc<Store>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) client: Client,
    pub(crate) socket: std::path::PathBuf,
    pub(crate) drain: net::DrainHandle,
    pub(crate) serving: tokio::task::JoinHandle<()>,
    pub(crate) ended: Arc<Mutex<Vec<Ended>>>,
}

/// A DNS that knows no names.
pub(crate) fn empty_zone() -> Arc<dyn net::Resolver> {
    zone("")
}

fn zone(text: &str) -> Arc<dyn net::Resolver> {
    Arc::new(net::ZoneResolver::parse(text, Path::new("zone")).unwrap())
}

/// What administrators may ask for here.
const ZONE: &str = "\
$DNSSEC secure
far.example. MX 20 b.far.example.
far.example. MX 10 a.far.example.
a.far.example. A 198.51.100.1
b.far.example. A 198.51.100.2
_25._tcp.b.far.example. TLSA 3 0 0 aa
null.example. MX 0 .
";

impl House {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "[server]\nhostname = \"mx.example.org\"\n[attachment]\nfilter = \"off\"\n[[subject.rules]]\nname = \"sobig\"\n\
                    pattern = \"Re: Details\"\n";
        let settings = Settings::from_str(text, Path::new("gatepost.toml")).unwrap();
        let settings = Arc::new(settings);
        let clock = Clock::system();
        let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
        let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
        let filter = Arc::new(Filter::new(&settings, Arc::clone(&store), empty_zone()));
        let maps = config::Maps::default();
        let policy = Policy::new(Arc::clone(&store), Arc::clone(&settings), maps, clock.clone());
        let ended = Arc::new(Mutex::new(Vec::new()));
        let sessions = Arc::clone(&ended);
        let running = Running {
            reload: Box::new(|| Box::pin(async { Err("line 3: a broken file".to_owned()) })),
            end_sessions: Box::new(move |account, credential| {
                sessions.lock().unwrap().push((account, credential));
                2
            }),
            facts: Box::new(facts),
        };
        let admin = Admin::new(AdminParts {
            store: Arc::clone(&store),
            policy: Arc::new(policy),
            filter: Arc::clone(&filter),
            clock,
            resolver: Some(zone(ZONE)),
            tls: None,
            running: Some(running),
        });
        let socket = folder.path().join("admin.sock");
        let door = net::unix::UnixDoor::bind(&socket).unwrap();
        let (drain, drained) = Drain::new();
        let serving = tokio::spawn(control::serve(door, Arc::new(admin), drained));
        let client = Client::connect(&socket).await.unwrap();
        Self { _folder: folder, store, filter, client, socket, drain, serving, ended }
    }

    pub(crate) async fn ask(&mut self, request: Request) -> Result<Response, Error> {
        self.client.request(&request).await
    }

    /// Asks for something that must be done.
    pub(crate) async fn done(&mut self, request: Request) -> String {
        match self.ask(request).await.unwrap() {
            Response::Done(said) => said,
            Response::Password { password, .. } => password.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn with_anna() -> Self {
        let mut house = Self::open().await;
        let domain = mail::Domain::parse("example.org").unwrap();
        house.done(Request::DomainAdd { domain }).await;
        house.done(account("anna@example.org")).await;
        house
    }

    /// Has a stranger send a message to anna.
    pub(crate) async fn receive(&self, message: &str) -> Outcome {
        let mut incoming = self.store.incoming();
        incoming.write(message.as_bytes()).await.unwrap();
        let mut index = IndexBuilder::new();
        index.push(message.as_bytes());
        let directory = self.store.directory();
        let account = directory.account_by_key("anna@example.org").unwrap();
        let target = Target {
            account: account.id,
            inbox: account.inbox,
            junk: None,
            address: account.address.clone(),
        };
        let envelope = Envelope {
            peer: Peer {
                session: SessionId(9),
                door: Door::Smtp,
                ip: "192.0.2.1".parse().unwrap(),
                port: 1,
                helo: Some("client.example".to_owned()),
                esmtp: true,
                tls: None,
                login: None,
                user: None,
            },
            origin: Origin::Session,
            from_outside: false,
            sender: ReversePath::parse("<carl@client.example>").unwrap(),
            recipients: vec![Recipient {
                address: account.address.clone(),
                permit: Permit::issue("account anna@example.org", Reason::LocalAccount),
                targets: vec![target],
                onward: Vec::new(),
                dsn: RecipientDsn::default(),
            }],
            body: BodyKind::SevenBit,
            smtputf8: false,
            limits: None,
            dsn: EnvelopeDsn::default(),
            tls_demand: mail::TlsDemand::Usual,
        };
        let body = incoming.seal().await.unwrap();
        let (clock, known) = (Clock::system(), intake::Known::default());
        intake::take(&self.filter, &self.store, &clock, envelope, index.finish(), body, known).await
    }

    /// The subject rules, as soon as a hit is counted: hits ride a later commit.
    pub(crate) async fn subjects_once_counted(&mut self) -> admin::Page<admin::SubjectView> {
        for _ in 0..100 {
            let response = self.ask(Request::SubjectList(Paging::default())).await.unwrap();
            let Response::Subjects(page) = response else { panic!("{response:?}") };
            if page.rows.iter().any(|rule| rule.hits > Some(0)) {
                return page;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no hit was counted");
    }

    pub(crate) async fn close(self) {
        self.drain.start();
        self.serving.await.unwrap();
        assert!(!self.socket.exists());
        self.store.close().await;
    }
}

/// What the running server would tell: its certificate ends in ten days and a bit.
pub(crate) fn facts() -> admin::Facts {
    let now = Clock::system().now();
    let door =
        |door: &str, address: &str, sessions| (door.to_owned(), address.to_owned(), sessions);
    let doors = [door("smtp", "[::]:25", 5), door("smtp", "0.0.0.0:25", 1), door("pop3s", "x", 1)];
    admin::Facts {
        workers: admin::Workers::default(),
        doors: doors
            .map(|(door, address, sessions)| admin::DoorView { door, address, sessions })
            .into(),
        sessions: admin::Sessions { open: 7, max: 1_200, per_address_max: 30 },
        certificate_ends: Some(now.plus_millis(10 * 86_400_000 + 60_000)),
        log: vec![admin::LogLine { at: now, level: "warn".to_owned(), text: "odd".to_owned() }],
        started: Some(now.plus_millis(-5_000)),
    }
}
