//! Keys in the hands of an administrator and of the timed job, over a real store.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use admin::dkim::KeyKeeper;
use admin::{Admin, AdminParts, DkimKeyView, DkimWhat, Error, Paging, Request, Response, perform};
use config::{Maps, Settings};
use mail::Domain;
use net::{Clock, Drain, Resolver, ZoneResolver};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Store;

struct House {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    policy: Arc<policy::Policy>,
    filter: Arc<filter::Filter>,
    clock: Clock,
}

fn domain() -> Domain {
    Domain::parse("example.org").unwrap()
}

fn zone(text: &str) -> Arc<dyn Resolver> {
    Arc::new(ZoneResolver::parse(text, Path::new("zone")).unwrap())
}

impl House {
    async fn open(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
        let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
        let text = format!("[server]\nhostname = \"mail.example.org\"\n{more}");
        let settings = Arc::new(Settings::from_str(&text, Path::new("gatepost.toml")).unwrap());
        let filter = Arc::new(filter::Filter::new(&settings, Arc::clone(&store), zone("")));
        let maps = Maps::default();
        let policy = policy::Policy::new(Arc::clone(&store), settings, maps, clock.clone());
        Self { _folder: folder, store, policy: Arc::new(policy), filter, clock }
    }

    async fn ask(&self, zone_text: &str, request: Request) -> Result<Response, Error> {
        let admin = Admin::new(AdminParts {
            store: Arc::clone(&self.store),
            policy: Arc::clone(&self.policy),
            filter: Arc::clone(&self.filter),
            clock: self.clock.clone(),
            resolver: Some(zone(zone_text)),
            tls: None,
            running: None,
        });
        perform(&admin, request).await
    }

    async fn change(&self, zone: &str, what: DkimWhat) -> Result<String, Error> {
        match self.ask(zone, Request::DkimChange { domain: domain(), what }).await? {
            Response::Done(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    async fn keys(&self) -> Vec<DkimKeyView> {
        let request = Request::DkimList { domain: Some(domain()), paging: Paging::default() };
        match self.ask(NOTHING, request).await.unwrap() {
            Response::DkimKeys(page) => page.rows,
            other => panic!("{other:?}"),
        }
    }

    async fn states(&self) -> Vec<String> {
        let keys = self.keys().await;
        keys.iter().map(|key| format!("{} {}", letters(key), key.state)).collect()
    }

    /// The keys' records as a zone.
    async fn published(&self) -> String {
        let request = Request::DomainDns { domain: domain() };
        let Response::DomainDns(plan) = self.ask(NOTHING, request).await.unwrap() else { panic!() };
        let records = plan.records.iter();
        records.map(|r| format!("{}. {} {}\n", r.name, r.kind, r.value)).collect()
    }

    /// Lets the job run until the keys are so.
    async fn keep_until(&self, zone_text: &str, expected: &[&str]) {
        let keeper = KeyKeeper {
            store: Arc::clone(&self.store),
            policy: Arc::clone(&self.policy),
            clock: self.clock.clone(),
            resolver: zone(zone_text),
        };
        let (drain, drained) = Drain::new();
        let keeping = tokio::spawn(keeper.keep(drained));
        let begun = Instant::now();
        while self.states().await != expected {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", self.states().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drain.start();
        keeping.await.unwrap();
    }
}

/// `a-ed` of `gp2026a-ed`.
fn letters(key: &DkimKeyView) -> String {
    key.selector.trim_start_matches("gp").trim_start_matches(|c: char| c.is_ascii_digit()).into()
}

const NOTHING: &str = "example.net. NS ns.example.net.\n";

#[tokio::test]
async fn a_domain_has_its_keys_as_soon_as_it_is_added() {
    let house = House::open("").await;
    house.ask(NOTHING, Request::DomainAdd { domain: domain() }).await.unwrap();
    assert_eq!(house.states().await, ["a-ed published", "a-rsa published"]);
    let unseen = house.change(NOTHING, DkimWhat::Activate { unseen: false }).await.unwrap_err();
    assert!(unseen.to_string().contains("does not show"), "{unseen}");
    // One that is shown signs, the other waits on.
    let zone = house.published().await.replace("a-ed._domainkey", "x._domainkey");
    house.change(&zone, DkimWhat::Activate { unseen: false }).await.unwrap();
    assert_eq!(house.states().await, ["a-ed published", "a-rsa active"]);
    house.change(NOTHING, DkimWhat::Activate { unseen: true }).await.unwrap();
    assert_eq!(house.states().await, ["a-ed active", "a-rsa active"]);
    let nobody = house.change(NOTHING, DkimWhat::Activate { unseen: true }).await;
    assert!(matches!(nobody, Err(Error::Refused(_))), "{nobody:?}");

    let told = house.change(NOTHING, DkimWhat::Rotate).await.unwrap();
    assert_eq!(told.matches("is made").count(), 2, "{told}");
    let told = house.change(NOTHING, DkimWhat::Rotate).await.unwrap();
    assert_eq!(told.matches("waits already").count(), 2, "{told}");
    let zone = house.published().await;
    house.change(&zone, DkimWhat::Activate { unseen: false }).await.unwrap();
    let expected = ["a-ed retired", "a-rsa retired", "b-ed active", "b-rsa active"];
    assert_eq!(house.states().await, expected);
    for key in house.store.directory().dkim_keys() {
        assert_eq!(key.secret.expose().is_empty(), key.retired_at.is_some(), "{key:?}");
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}

#[tokio::test]
async fn a_key_that_others_know_is_withdrawn_and_followed() {
    let house = House::open("").await;
    house.ask(NOTHING, Request::DomainAdd { domain: domain() }).await.unwrap();
    house.change(NOTHING, DkimWhat::Activate { unseen: true }).await.unwrap();
    let selector = house.keys().await.pop().unwrap().selector;
    let retire = || DkimWhat::Retire { selector: selector.clone() };
    house.change(NOTHING, retire()).await.unwrap();
    assert_eq!(house.states().await, ["a-ed active", "a-rsa retired", "b-rsa published"]);
    let again = house.change(NOTHING, retire()).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    let what = DkimWhat::Rotate;
    let domain = Domain::parse("elsewhere.example").unwrap();
    let foreign = house.ask(NOTHING, Request::DkimChange { domain, what }).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
}

#[tokio::test]
async fn the_job_makes_what_is_missing_and_waits_for_the_dns() {
    let house = House::open("").await;
    // As in a store from before there were keys.
    house.store.add_domain(&domain()).await.unwrap();
    house.keep_until(NOTHING, &["a-ed published", "a-rsa published"]).await;
    let zone = house.published().await;
    house.keep_until(&zone, &["a-ed active", "a-rsa active"]).await;
    let keys = house.keys().await;
    assert!(keys.iter().all(|key| key.seen.is_some() && key.activated.is_some()), "{keys:?}");
    house.store.remove_domain(&domain()).await.unwrap();
    house.keep_until(&zone, &["a-ed retired", "a-rsa retired"]).await;
}

#[tokio::test]
async fn who_wants_it_signs_unseen() {
    let house = House::open("[dkim]\nactivate = \"always\"\n").await;
    house.store.add_domain(&domain()).await.unwrap();
    house.keep_until(NOTHING, &["a-ed published", "a-rsa published"]).await;
    house.keep_until(NOTHING, &["a-ed active", "a-rsa active"]).await;
}
