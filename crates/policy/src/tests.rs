#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

//! Decisions over a real store in a temporary folder.

use crate::{Policy, Snapshot};
use config::{Maps, Settings};
use mail::{
    AccountId, Address, Decision, Door, ForwardPath, Login, Peer, Reason, Recipient, ReversePath,
    Secret, SessionId, Suggestion, Timestamp,
};
use std::path::Path;
use std::sync::Arc;
use store::{NewAccount, Store, StoreOptions};

mod lmtp;
mod senders;

/// A site of its own for each test.
pub(crate) struct Site {
    pub(crate) policy: Policy,
    pub(crate) store: Arc<Store>,
    folder: tempfile::TempDir,
}

const HOST: &str =
    "[server]\nhostname = \"mx.ours.example\"\n[listen]\nsmtp = [\"192.0.2.1:25\"]\n";

/// Accounts at ours.example: admin (administrator), anna, bert, gone (disabled), small (quota 0);
/// all with the stored password `hash`.
pub(crate) async fn site(settings: &str, files: &[(&str, &str)], hash: &str) -> Site {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let clock = net::Clock::system();
    let store = open(folder.path(), &clock).await;
    store.add_domain(&"ours.example".parse().unwrap()).await.unwrap();
    for (name, quota, admin) in [
        ("admin", None, true),
        ("anna", None, false),
        ("bert", None, false),
        ("gone", None, false),
        ("small", Some(0), false),
    ] {
        let address = Address::parse(&format!("{name}@ours.example")).unwrap();
        let new = NewAccount { address, password_hash: hash.to_owned(), quota, admin };
        let id = store.add_account(new).await.unwrap();
        if name == "gone" {
            store.disable_account(id, true).await.unwrap();
        }
    }
    let (settings, maps) = read(folder.path(), settings);
    let policy = Policy::new(Arc::clone(&store), settings, maps, clock);
    Site { policy, store, folder }
}

/// A store that takes mail however full the disk of the test is.
async fn open(folder: &Path, clock: &net::Clock) -> Arc<Store> {
    let database = store::sqlite::Sqlite::open(folder).unwrap();
    let any_disk =
        StoreOptions { disk_free_min_bytes: 0, disk_free_min_percent: 0, ..Default::default() };
    Store::open_with(database, folder, clock.clone(), "node", any_disk).await.unwrap()
}

impl Site {
    /// The same site after a restart: what was in memory is gone.
    pub(crate) async fn restarted(self) -> Self {
        let (settings, folder) = (Arc::clone(self.policy.snapshot().settings()), self.folder);
        drop(self.policy);
        self.store.close().await;
        let clock = net::Clock::system();
        let store = open(folder.path(), &clock).await;
        let policy = Policy::new(Arc::clone(&store), settings, Maps::default(), clock);
        Self { policy, store, folder }
    }
}

fn read(folder: &Path, overlay: &str) -> (Arc<Settings>, Maps) {
    let path = folder.join("gatepost.toml");
    let settings = Settings::with_overlay((HOST, &path), (overlay, &path)).unwrap();
    let (maps, _) = config::load_maps(&settings).unwrap();
    (Arc::new(settings), maps)
}

pub(crate) fn peer(door: Door, ip: &str) -> Peer {
    Peer {
        session: SessionId(1),
        door,
        ip: ip.parse().unwrap(),
        port: 40_000,
        helo: None,
        esmtp: true,
        tls: None,
        login: None,
        user: None,
    }
}

fn carol() -> ReversePath {
    ReversePath::parse("<carol@elsewhere.example>").unwrap()
}

pub(crate) fn stranger() -> Peer {
    peer(Door::Smtp, "203.0.113.9")
}

impl Site {
    async fn ask(&self, peer: &Peer, to: &str) -> Decision<Recipient> {
        let snapshot = self.policy.snapshot();
        let to = ForwardPath::parse(to).unwrap();
        self.policy.recipient(&snapshot, peer, (&carol(), None), &to).await
    }

    pub(crate) async fn check(&self, to: &str, expected: &str) {
        assert_eq!(recipient_word(&self.ask(&stranger(), to).await), expected, "{to}");
    }

    fn sender(&self, peer: &Peer, from: &str) -> String {
        word(&self.policy.snapshot().sender(peer, &ReversePath::parse(from).unwrap(), None))
    }
}

fn word(decision: &Decision<()>) -> String {
    match decision {
        Decision::Allow(()) => "allow".to_owned(),
        Decision::Refuse(refusal) => format!("refuse {} {}", refusal.reason, refusal.rule),
        Decision::Later(refusal) => format!("later {} {}", refusal.reason, refusal.rule),
        Decision::Discard(refusal) => format!("discard {} {}", refusal.reason, refusal.rule),
    }
}

pub(crate) fn recipient_word(decision: &Decision<Recipient>) -> String {
    let refusal = match decision {
        Decision::Allow(recipient) => {
            let targets = recipient.targets.iter().map(|t| t.address.local.to_string());
            let targets: Vec<String> = targets.collect();
            let permit = &recipient.permit;
            let onward = recipient.onward.iter().map(|onward| format!(" on to {}", onward.address));
            let (reason, rule) = (permit.reason(), permit.rule());
            return format!(
                "{reason} by {rule}: {}{}",
                targets.join(" "),
                onward.collect::<String>()
            );
        }
        Decision::Refuse(refusal) => Decision::Refuse(refusal.clone()),
        Decision::Later(refusal) => Decision::Later(refusal.clone()),
        Decision::Discard(refusal) => Decision::Discard(refusal.clone()),
    };
    word(&refusal).trim().to_owned()
}

const ALIASES: &str = "\
info:    anna, bert
root:    postmaster
both:    anna, small
loop:    loop
off:     gone
";

#[tokio::test]
async fn recipients_of_all_kinds() {
    let settings = "[aliases]\nfile = \"aliases\"\nvirtusertable_file = \"virtual\"\n\
        [relay]\ndomains = [\"relayed.example\"]\nnetworks = [\"198.51.100.0/24\"]\n";
    let virtual_users = "moved@ours.example error:5.1.6:551 moved away\n";
    let files = [("aliases", ALIASES), ("virtual", virtual_users)];
    let site = site(settings, &files, "x").await;
    let aliases = site.folder.path().join("aliases").display().to_string();
    site.check("<anna@ours.example>", "local_account by account anna@ours.example: anna").await;
    site.check("<Anna@OURS.example>", "local_account by account anna@ours.example: anna").await;
    site.check("<anna+x@ours.example>", "local_account by account anna@ours.example: anna").await;
    site.check("<anna@mx.ours.example>", "local_account by account anna@ours.example: anna").await;
    let info = format!("local_alias by alias info ({aliases}:1): anna bert");
    site.check("<info@ours.example>", &info).await;
    let unknown = "refuse unknown_recipient account nobody@ours.example";
    site.check("<nobody@ours.example>", unknown).await;
    site.check("<gone@ours.example>", "refuse account_disabled account gone@ours.example").await;
    let off = format!("refuse account_disabled alias off ({aliases}:5)");
    site.check("<off@ours.example>", &off).await;
    site.check("<small@ours.example>", "later mailbox_full account small@ours.example").await;
    let both = format!("local_alias by alias both ({aliases}:3): anna small");
    site.check("<both@ours.example>", &both).await;
    site.check("<loop@ours.example>", &format!("refuse alias_loop alias loop ({aliases}:4)")).await;
    let moved = site.folder.path().join("virtual").display().to_string();
    let moved = format!("refuse unknown_recipient virtusertable {moved}:1");
    site.check("<moved@ours.example>", &moved).await;
    // Roles, whatever else there is.
    let role = "role_address by administrator admin@ours.example: admin";
    for to in ["<Postmaster>", "<postmaster@ours.example>", "<ABUSE@ours.example>"] {
        site.check(to, role).await;
    }
    site.check("<postmaster@mx.ours.example>", role).await;
    site.check("<postmaster@[192.0.2.1]>", role).await;
    let unknown = "refuse unknown_recipient account anna@[192.0.2.1]";
    site.check("<anna@[192.0.2.1]>", unknown).await;
    site.check("<anna@[192.0.2.2]>", "refuse relay_denied").await;
    site.check("<postmaster@[192.0.2.2]>", "refuse relay_denied").await;
    // Elsewhere.
    site.check("<x@elsewhere.example>", "refuse relay_denied").await;
    site.check("<x%elsewhere.example@ours.example>", "refuse relay_denied").await;
    let relayed = "later recipient_unverified relay.domains relayed.example";
    site.check("<x@host.relayed.example>", relayed).await;
    let inside = peer(Door::Smtp, "198.51.100.1");
    let asked = site.ask(&inside, "<x@elsewhere.example>").await;
    assert_eq!(
        recipient_word(&asked),
        "relay_network by relay.networks 198.51.100.0/24:  on to x@elsewhere.example"
    );
    let mut user = stranger();
    let address = Address::parse("anna@ours.example").unwrap();
    user.login = Some(Login { account: AccountId(1), address });
    let asked = site.ask(&user, "<x@elsewhere.example>").await;
    assert_eq!(
        recipient_word(&asked),
        "authenticated by login anna@ours.example:  on to x@elsewhere.example"
    );
}

const ACCESS: &str = "\
bad.example             REJECT
From:worse.example      ERROR:5.7.1:553 go away
thrown@a.example        DISCARD
slow.example            450 4.7.1 later
To:closed@              REJECT
To:postmaster@          REJECT
To:anna@ours.example    DISCARD
192.0.2.7               REJECT
Connect:192.0.2.8       DISCARD
Connect:192.0.2.9       RELAY
From:held.example       QUARANTINE:look first
Connect:192.0.2.10      QUARANTINE:a doubtful one
";

#[tokio::test]
async fn the_access_map_decides_everywhere() {
    let site = site("[access]\nfile = \"access\"\n", &[("access", ACCESS)], "x").await;
    let file = site.folder.path().join("access").display().to_string();
    let rule = |word: &str, line: u32| format!("{word} access {file}:{line}");
    let from = |from: &str| site.sender(&stranger(), from);
    assert_eq!(from("<a@fine.example>"), "allow");
    assert_eq!(from("<>"), "allow");
    assert_eq!(from("<a@x.bad.example>"), rule("refuse access_rejected", 1));
    assert_eq!(from("<a@worse.example>"), rule("refuse access_rejected", 2));
    assert_eq!(from("<thrown@a.example>"), rule("discard access_discarded", 3));
    assert_eq!(from("<a@slow.example>"), rule("later access_rejected", 4));
    let snapshot = site.policy.snapshot();
    let connect = |ip: &str| word(&snapshot.connection(&peer(Door::Smtp, ip)));
    assert_eq!(connect("192.0.2.1"), "allow");
    assert_eq!(connect("192.0.2.7"), rule("refuse access_rejected", 8));
    assert_eq!(connect("192.0.2.8"), "allow");
    assert_eq!(word(&snapshot.connection(&peer(Door::Pop3s, "192.0.2.7"))), "allow");
    let discarded = site.sender(&peer(Door::Smtp, "192.0.2.8"), "<a@fine.example>");
    assert_eq!(discarded, rule("discard access_discarded", 9));
    site.check("<closed@ours.example>", &rule("refuse access_rejected", 5)).await;
    site.check("<anna@ours.example>", &format!("{}: ", rule("access_discarded by", 7))).await;
    let role = "role_address by administrator admin@ours.example: admin";
    site.check("<postmaster@ours.example>", role).await;
    let relaying = site.ask(&peer(Door::Smtp, "192.0.2.9"), "<x@elsewhere.example>").await;
    let relayed = format!("{}:  on to x@elsewhere.example", rule("access_relay by", 10));
    assert_eq!(recipient_word(&relaying), relayed);
    // The header's From.
    let header = |from: &str| snapshot.header_from(&stranger(), &from.parse().unwrap());
    assert_eq!(header("a@fine.example"), None);
    let found = header("a@worse.example").unwrap();
    assert!(matches!(found.suggestion, Suggestion::Refuse(Some(text)) if text.code == 553));
    assert_eq!(found.rule, format!("access {file}:2"));
    assert_eq!(header("thrown@a.example").unwrap().suggestion, Suggestion::Discard);
    assert_eq!(header("a@slow.example").unwrap().suggestion, Suggestion::Later);
    // What is held is let in, and found to be so once.
    assert_eq!(from("<a@held.example>"), "allow");
    assert_eq!(connect("192.0.2.10"), "allow");
    assert_eq!(header("a@x.held.example").unwrap().suggestion, Suggestion::Quarantine);
    let holds = |ip: &str, from: &str| {
        let sender = mail::ReversePath::parse(from).unwrap();
        let found = snapshot.holds(&peer(Door::Smtp, ip), &sender);
        found.into_iter().map(|it| format!("{} {}", it.rule, it.detail)).collect::<Vec<_>>()
    };
    assert_eq!(holds("192.0.2.1", "<a@fine.example>"), Vec::<String>::new());
    assert_eq!(holds("192.0.2.1", "<>"), Vec::<String>::new());
    let client = "client=192.0.2.10 key=Connect:192.0.2.10 says=\"a doubtful one\"";
    let sender = "sender=a@held.example key=From:held.example says=\"look first\"";
    assert_eq!(
        holds("192.0.2.10", "<a@held.example>"),
        [format!("access {file}:12 {client}"), format!("access {file}:11 {sender}")]
    );
}

#[tokio::test]
async fn clients_are_known_by_true_names_alone() {
    let zone = "\
1.2.0.192.in-addr.arpa. 60 IN PTR host1.dial.example.
2.2.0.192.in-addr.arpa. 60 IN PTR host1.dial.example.
3.2.0.192.in-addr.arpa. 60 IN PTR mail.good.dial.example.
host1.dial.example. 60 IN A 192.0.2.1
mail.good.dial.example. 60 IN A 192.0.2.3
";
    let access = "Connect:dial.example REJECT\ngood.dial.example RELAY\n192.0.2.3 REJECT\n";
    let site = site("[access]\nfile = \"access\"\n", &[("access", access)], "x").await;
    let resolver = net::ZoneResolver::parse(zone, Path::new("zone")).unwrap();
    site.policy.resolve_with(Arc::new(resolver));
    let file = site.folder.path().join("access").display().to_string();
    let connect = async |ip: &str| {
        let peer = peer(Door::Smtp, ip);
        site.policy.meet(&peer).await;
        word(&site.policy.snapshot().connection(&peer))
    };
    assert_eq!(connect("192.0.2.1").await, format!("refuse access_rejected access {file}:1"));
    assert_eq!(connect("192.0.2.2").await, "allow", "it only claims the name");
    assert_eq!(connect("192.0.2.4").await, "allow", "it has none");
    // The name goes before the address, but gives no right to relay.
    assert_eq!(connect("192.0.2.3").await, "allow");
    let asked = site.ask(&peer(Door::Smtp, "192.0.2.3"), "<x@elsewhere.example>").await;
    assert_eq!(recipient_word(&asked), "refuse relay_denied");
}

#[tokio::test]
async fn entries_of_the_store_decide_at_once_and_are_counted() {
    let site = site("", &[], "x").await;
    assert_eq!(site.sender(&stranger(), "<a@bad.example>"), "allow");
    let before = site.policy.snapshot();
    let id = site.store.add_access("From", "bad.example", "REJECT", "spam", None).await.unwrap();
    let expected = format!("refuse access_rejected access entry {id}");
    for _ in 0..3 {
        assert_eq!(site.sender(&stranger(), "<a@bad.example>"), expected);
    }
    // A transaction under way ends by what it began with.
    let old = before.sender(&stranger(), &ReversePath::parse("<a@bad.example>").unwrap(), None);
    assert_eq!(word(&old), "allow");
    site.policy.flush();
    site.store.reload_directory().await.unwrap();
    let hits = site.store.directory().access().iter().map(|a| a.hits).collect::<Vec<_>>();
    assert_eq!(hits, [3]);
    site.store.remove_access(id).await.unwrap();
    assert_eq!(site.sender(&stranger(), "<a@bad.example>"), "allow");
    // Aliases and accounts likewise.
    site.check("<new@ours.example>", "refuse unknown_recipient account new@ours.example").await;
    let alias = Address::parse("new@ours.example").unwrap();
    site.store.add_alias(&alias, vec!["bert@ours.example".to_owned()]).await.unwrap();
    site.check("<new@ours.example>", "local_alias by alias new@ours.example (store): bert").await;
}

#[tokio::test]
async fn a_snapshot_is_compiled_once_for_each_state() {
    let site = site("", &[], "x").await;
    let tables = |snapshot: &Snapshot| Arc::as_ptr(&snapshot.tables);
    let (one, two) = (site.policy.snapshot(), site.policy.snapshot());
    assert_eq!(tables(&one), tables(&two));
    site.store.add_domain(&"second.example".parse().unwrap()).await.unwrap();
    let three = site.policy.snapshot();
    assert_ne!(tables(&one), tables(&three));
    assert_eq!(tables(&three), tables(&site.policy.snapshot()));
    assert!(three.is_own(&"second.example".parse().unwrap()));
    assert!(!one.is_own(&"second.example".parse().unwrap()));
    let (settings, maps) = read(site.folder.path(), "[relay]\ndomains = [\"r.example\"]\n");
    site.policy.reload(settings, maps);
    site.check("<x@r.example>", "later recipient_unverified relay.domains r.example").await;
}

#[tokio::test]
async fn probing_is_slowed_then_refused() {
    let settings = "[recipient]\nunknown_before_delay = 3\nunknown_delay_secs = 7\n\
        unknown_before_block = 6\n";
    let site = site(settings, &[], "x").await;
    tokio::time::pause();
    let ask = async |peer: &Peer, to: &str| {
        let started = tokio::time::Instant::now();
        let decision = recipient_word(&site.ask(peer, to).await);
        (decision.split(" account").next().unwrap().to_owned(), started.elapsed().as_secs())
    };
    let unknown = |secs| ("refuse unknown_recipient".to_owned(), secs);
    let known = |secs| ("local_account by".to_owned(), secs);
    for _ in 0..3 {
        assert_eq!(ask(&stranger(), "<nobody@ours.example>").await, unknown(0));
    }
    assert_eq!(ask(&stranger(), "<anna@ours.example>").await, known(0));
    assert_eq!(ask(&stranger(), "<nobody@ours.example>").await, unknown(7));
    // Who exists waits as long as who does not.
    assert_eq!(ask(&stranger(), "<anna@ours.example>").await, known(7));
    assert_eq!(ask(&stranger(), "<nobody@ours.example>").await, unknown(7));
    assert_eq!(ask(&stranger(), "<nobody@ours.example>").await, unknown(7));
    let blocked = ("later rate_exceeded limit recipient.unknown_before_block".to_owned(), 7);
    assert_eq!(ask(&stranger(), "<nobody@ours.example>").await, blocked);
    assert_eq!(ask(&stranger(), "<anna@ours.example>").await, blocked);
    assert_eq!(
        ask(&stranger(), "<postmaster@ours.example>").await.0,
        "role_address by administrator admin@ours.example: admin"
    );
    assert_eq!(ask(&peer(Door::Smtp, "203.0.113.10"), "<anna@ours.example>").await, known(0));
    // A message to postmaster, which is always taken, buys nobody free.
    site.policy.welcome(&stranger());
    assert_eq!(ask(&stranger(), "<anna@ours.example>").await, blocked);
    // Who brought wanted mail before is slowed like all others, and never blocked.
    let friend = peer(Door::Smtp, "203.0.113.11");
    site.policy.welcome(&friend);
    for _ in 0..12 {
        ask(&friend, "<nobody@ours.example>").await;
    }
    assert_eq!(ask(&friend, "<anna@ours.example>").await, known(7));
}

#[tokio::test]
async fn roles_end_in_who_has_the_name_or_in_an_administrator() {
    let site = site("", &[], "x").await;
    let name = Address::parse("abuse@ours.example").unwrap();
    site.store.add_alias(&name, vec!["anna@ours.example".to_owned()]).await.unwrap();
    let roles = site.policy.snapshot().roles(&"ours.example".parse().unwrap());
    let shown = roles.iter().map(|role| {
        let ends: Vec<_> = role.ends.iter().map(ToString::to_string).collect();
        format!("{} by {}: {}", role.address, role.rule, ends.join(" "))
    });
    let expected = [
        "postmaster@ours.example by administrator admin@ours.example: admin@ours.example",
        "abuse@ours.example by alias abuse@ours.example (store): anna@ours.example",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn rates_and_submission() {
    let settings = "[rate]\nconnections_per_minute_max = 3\nmessages_per_minute_max = 2\n";
    let site = site(settings, &[], "x").await;
    let snapshot = site.policy.snapshot();
    let connect = |ip: &str| word(&snapshot.connection(&peer(Door::Smtp, ip)));
    for _ in 0..3 {
        assert_eq!(connect("203.0.113.9"), "allow");
    }
    let over = "later rate_exceeded limit rate.connections_per_minute_max";
    assert_eq!(connect("203.0.113.9"), over);
    assert_eq!(connect("203.0.113.10"), "allow");
    // An IPv6 /64 is one client.
    for host in 0..3 {
        assert_eq!(connect(&format!("2001:db8::{host}")), "allow");
    }
    assert_eq!(connect("2001:db8::ffff:1"), over);
    assert_eq!(connect("2001:db8:0:1::1"), "allow");
    let sender = |door| site.sender(&peer(door, "203.0.113.9"), "<a@fine.example>");
    assert_eq!(sender(Door::Smtp), "allow");
    assert_eq!(sender(Door::Smtp), "allow");
    assert_eq!(sender(Door::Smtp), "later rate_exceeded limit rate.messages_per_minute_max");
    for door in [Door::Submission, Door::Submissions] {
        assert_eq!(sender(door), "refuse login_required ", "{door:?}");
    }
    let mut user = peer(Door::Submission, "203.0.113.9");
    let address = Address::parse("anna@ours.example").unwrap();
    user.login = Some(Login { account: AccountId(1), address });
    assert_eq!(site.sender(&user, "<anna@ours.example>"), "allow");
}

#[tokio::test]
async fn with_no_domain_nothing_is_ours_but_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
    let clock = net::Clock::at(Timestamp(1_795_545_915_042));
    let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
    let (settings, maps) = read(folder.path(), "");
    let policy = Policy::new(Arc::clone(&store), settings, maps, clock);
    let snapshot = policy.snapshot();
    let ask = async |to: &str| {
        let to = ForwardPath::parse(to).unwrap();
        policy.recipient(&snapshot, &stranger(), (&carol(), None), &to).await
    };
    let reason = |decision: Decision<Recipient>| match decision {
        Decision::Refuse(refusal) | Decision::Later(refusal) => Some(refusal.reason),
        _ => None,
    };
    assert_eq!(reason(ask("<a@ours.example>").await), Some(Reason::RelayDenied));
    assert_eq!(reason(ask("<a@mx.ours.example>").await), Some(Reason::UnknownRecipient));
    assert_eq!(reason(ask("<Postmaster>").await), Some(Reason::InternalError));
    let roles = snapshot.roles(&"ours.example".parse().unwrap());
    assert!(roles.len() == 2 && roles.iter().all(|role| role.ends.is_empty()), "{roles:?}");
    let secret = Secret::new("x".to_owned());
    let mut user = peer(Door::Pop3s, "203.0.113.9");
    user.tls = Some("TLSv1.3".to_owned());
    let answer = policy.login(&user, "a", &secret).await;
    assert!(matches!(answer.decision, Decision::Refuse(r) if r.reason == Reason::BadCredentials));
}
