#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use crate::password::{self, Verdict};
use crate::tests::{Site, peer, site};
use mail::{Decision, Door, Peer, Secret, Timestamp};
use std::sync::Arc;
use std::time::Duration;

mod app_passwords;

const QUICK: &str = "[login]\nfailure_delay_secs = 5\nfailures_per_address_max = 4\n\
    failures_per_network_max = 8\nfailures_per_account_max = 12\n";

fn client(ip: &str) -> Peer {
    Peer { tls: Some("TLSv1.3".to_owned()), ..peer(Door::Pop3s, ip) }
}

impl Site {
    async fn log_in(&self, ip: &str, user: &str, password: &str) -> String {
        self.try_login(&client(ip), user, password).await.0
    }

    async fn try_login(&self, peer: &Peer, user: &str, password: &str) -> (String, Duration) {
        let answer = self.policy.login(peer, user, &Secret::new(password.to_owned())).await;
        let word = match answer.decision {
            Decision::Allow(login) => login.address.to_string(),
            Decision::Refuse(refusal) | Decision::Later(refusal) => {
                format!("{} {}", refusal.reason, refusal.rule).trim().to_owned()
            }
            Decision::Discard(_) => "discard".to_owned(),
        };
        (word, answer.delay)
    }
}

async fn usual() -> Site {
    site(QUICK, &[], &password::hash("right").unwrap()).await
}

#[tokio::test]
async fn names_and_passwords() {
    let site = usual().await;
    let ip = "203.0.113.1";
    for user in ["anna@ours.example", "ANNA@Ours.Example", " anna@ours.example ", "anna"] {
        assert_eq!(site.log_in(ip, user, "right").await, "anna@ours.example", "{user}");
    }
    let wrong = "bad_credentials";
    assert_eq!(site.log_in(ip, "anna@ours.example", "Right").await, wrong);
    assert_eq!(site.log_in("203.0.113.2", "anna@ours.example", "").await, wrong);
    assert_eq!(site.log_in("203.0.113.2", "gone@ours.example", "right").await, wrong);
    assert_eq!(site.log_in("203.0.113.2", "", "right").await, wrong);
    assert_eq!(site.log_in("203.0.113.2", &"a".repeat(100_000), "right").await, wrong);
    assert_eq!(site.log_in("198.51.100.2", "anna@[192.0.2.1]", "right").await, wrong);
    let long = "x".repeat(1_000_000);
    assert_eq!(site.log_in("198.51.100.2", "anna@ours.example", &long).await, wrong);
}

#[tokio::test]
async fn never_without_tls_nor_at_the_door_for_servers() {
    let site = usual().await;
    let clear = peer(Door::Pop3, "203.0.113.1");
    let (word, delay) = site.try_login(&clear, "anna@ours.example", "right").await;
    assert_eq!((word.as_str(), delay), ("tls_required", Duration::ZERO));
    let server = Peer { door: Door::Smtp, ..client("203.0.113.1") };
    let (word, _) = site.try_login(&server, "anna@ours.example", "right").await;
    assert_eq!(word, "command_disabled");
    assert_eq!(site.policy.hashes_computed(), 0);
}

/// The same answer, the same work and the same delay for every way to fail.
#[tokio::test]
async fn unknown_and_wrong_look_the_same() {
    let site = usual().await;
    let mut answers = Vec::new();
    for (i, (user, password)) in [
        ("anna@ours.example", "wrong"),
        ("nobody@ours.example", "wrong"),
        ("gone@ours.example", "right"),
        ("gone@ours.example", "wrong"),
        ("anna@elsewhere.example", "right"),
        ("not an address", "right"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = site.policy.hashes_computed();
        let started = std::time::Instant::now();
        let peer = client(&format!("203.0.{i}.1"));
        let answer = site.policy.login(&peer, user, &Secret::new(password.to_owned())).await;
        // What is held back makes up for the time that was needed.
        let whole = started.elapsed() + answer.delay;
        assert!((4_900..5_500).contains(&whole.as_millis()), "{user}: {whole:?}");
        answers.push((answer.decision, site.policy.hashes_computed() - before));
    }
    let (first, hashes) = answers.first().unwrap();
    assert!(answers.iter().all(|(decision, n)| decision == first && n == hashes), "{answers:?}");
    assert_eq!(*hashes, 1);
}

#[tokio::test]
async fn a_recent_good_log_in_spares_the_hash() {
    let site = usual().await;
    for _ in 0..20 {
        assert_eq!(site.log_in("203.0.113.1", "anna", "right").await, "anna@ours.example");
    }
    assert_eq!(site.policy.hashes_computed(), 1);
    assert_eq!(site.log_in("203.0.113.1", "anna", "wrong").await, "bad_credentials");
    assert_eq!(site.policy.hashes_computed(), 2);
    // A new password ends the proof of the old one.
    let anna = site.store.directory().account_by_key("anna@ours.example").unwrap().id;
    site.store.set_password_hash(anna, &password::hash("new").unwrap()).await.unwrap();
    assert_eq!(site.log_in("203.0.113.1", "anna", "right").await, "bad_credentials");
    assert_eq!(site.log_in("203.0.113.1", "anna", "new").await, "anna@ours.example");
    site.store.disable_account(anna, true).await.unwrap();
    assert_eq!(site.log_in("203.0.113.1", "anna", "new").await, "bad_credentials");
}

#[tokio::test]
async fn guessing_ends_but_the_owner_gets_in() {
    let site = usual().await;
    let home = "198.51.100.1";
    assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    let hashes = site.policy.hashes_computed();
    // Guesses at one account from three networks, then from everywhere.
    let mut seen = Vec::new();
    for turn in 0..40 {
        let ip = format!("203.0.{}.{}", turn % 3, turn / 20);
        seen.push(site.log_in(&ip, "anna", &format!("guess {turn}")).await);
    }
    let wrong = seen.iter().filter(|word| *word == "bad_credentials").count();
    assert_eq!(wrong, 12, "{seen:?}");
    assert!(seen.iter().any(|word| word.contains("failures_per_address_max")));
    let last = site.log_in("192.0.2.99", "anna", "guess").await;
    assert_eq!(last, "login_budget limit login.failures_per_account_max");
    // Even the right password is not looked at from there.
    let right = site.log_in("192.0.2.99", "anna", "right").await;
    assert_eq!(right, "login_budget limit login.failures_per_account_max");
    assert_eq!(site.policy.hashes_computed() - hashes, 12);
    // The owner, from where they have been; others from anywhere.
    assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    assert_eq!(site.log_in("192.0.2.99", "bert", "right").await, "bert@ours.example");
    // But a known place is no licence to guess.
    for _ in 0..4 {
        assert_eq!(site.log_in(home, "anna", "wrong").await, "bad_credentials");
    }
    let mut more = Vec::new();
    for _ in 0..3 {
        more.push(site.log_in(home, "anna", "wrong").await);
    }
    let over = "login_budget limit login.failures_per_address_max";
    assert_eq!(more, ["bad_credentials", over, over]);
}

/// A phone with an old password slows its owner, and does not lock them out.
#[tokio::test]
async fn over_the_budget_at_home_the_owner_is_slowed() {
    let quick = QUICK.replace("failure_delay_secs = 5", "failure_delay_secs = 1");
    let site = Arc::new(site(&quick, &[], &password::hash("right").unwrap()).await);
    let home = "198.51.100.1";
    assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    for _ in 0..4 {
        assert_eq!(site.log_in(home, "anna", "old").await, "bad_credentials");
    }
    let over = "login_budget limit login.failures_per_address_max";
    for _ in 0..2 {
        // Of many at the same moment one is checked.
        let hashes = site.policy.hashes_computed();
        let mut tries = tokio::task::JoinSet::new();
        for turn in 0..9 {
            let site = Arc::clone(&site);
            let guess = format!("guess {turn}");
            tries.spawn(async move { site.log_in(home, "anna", &guess).await });
        }
        let words = tries.join_all().await;
        assert_eq!(words.iter().filter(|word| *word == "bad_credentials").count(), 1, "{words:?}");
        assert_eq!(words.iter().filter(|word| *word == over).count(), 8, "{words:?}");
        assert_eq!(site.policy.hashes_computed() - hashes, 1);
        tokio::time::sleep(Duration::from_millis(1_050)).await;
    }
    // The right password a second later; it makes way for the next, and pays no debt.
    for _ in 0..3 {
        assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    }
    let both = tokio::join!(site.log_in(home, "anna", "old"), site.log_in(home, "anna", "old"));
    assert_eq!(both, ("bad_credentials".to_owned(), over.to_owned()));
    // Nobody else is slowed there.
    assert_eq!(site.log_in(home, "bert", "right").await, "bert@ours.example");
}

/// A restart in the middle of an attack: the budgets begin anew, the owner's places do not.
#[tokio::test]
async fn the_owner_gets_in_also_after_a_restart() {
    let site = usual().await;
    let (home, office, cafe) = ("198.51.100.1", "198.51.100.130", "2001:db8:1:2::3");
    for ip in [home, office, cafe] {
        assert_eq!(site.log_in(ip, "anna", "right").await, "anna@ours.example");
    }
    // From the office and the café the proof of the password sufficed.
    assert_eq!(site.policy.hashes_computed(), 1);
    let anna = site.store.directory().account_by_key("anna@ours.example").unwrap().id;
    let then = Timestamp(net::Clock::system().now().0 - store::PLACE_MILLIS);
    site.store.remember_place(anna, "198.51.100.77".parse().unwrap(), then);
    let site = site.restarted().await;
    for turn in 0..12 {
        let ip = format!("203.0.{turn}.1");
        assert_eq!(site.log_in(&ip, "anna", "guess").await, "bad_credentials");
    }
    for stranger in ["192.0.2.99", "198.51.100.77", "2001:db8:1:3::3"] {
        let over = site.log_in(stranger, "anna", "right").await;
        assert_eq!(over, "login_budget limit login.failures_per_account_max", "{stranger}");
    }
    for ip in [home, office, "2001:db8:1:2::4"] {
        assert_eq!(site.log_in(ip, "anna", "right").await, "anna@ours.example", "{ip}");
    }
    // A place is of one account alone.
    let over = site.log_in(home, "ghost", "right").await;
    assert_eq!(over, "bad_credentials");
}

/// Who logs in every minute is written once a day.
#[tokio::test]
async fn a_known_place_costs_no_write() {
    let site = usual().await;
    let home = "198.51.100.1";
    assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    let anna = site.store.directory().account_by_key("anna@ours.example").unwrap().id;
    site.store.remember_place(anna, home.parse().unwrap(), Timestamp(1));
    for _ in 0..3 {
        assert_eq!(site.log_in(home, "anna", "right").await, "anna@ours.example");
    }
    site.store.reload_directory().await.unwrap();
    let seen = site.store.place_seen(anna, home.parse().unwrap()).await.unwrap();
    assert_eq!(seen, Some(Timestamp(1)), "written again");
}

#[tokio::test]
async fn unknown_names_run_out_alike() {
    let site = usual().await;
    for turn in 0..12 {
        let ip = format!("203.0.{turn}.1");
        assert_eq!(site.log_in(&ip, "ghost@ours.example", "x").await, "bad_credentials");
    }
    let over = site.log_in("203.0.99.1", "ghost@ours.example", "x").await;
    assert_eq!(over, "login_budget limit login.failures_per_account_max");
    for turn in 0..8 {
        let ip = format!("192.0.2.{turn}");
        assert_eq!(site.log_in(&ip, &format!("n{turn}"), "x").await, "bad_credentials");
    }
    let over = site.log_in("192.0.2.200", "n", "x").await;
    assert_eq!(over, "login_budget limit login.failures_per_network_max");
}

#[tokio::test]
async fn parallel_guesses_do_not_pass_the_budget() {
    let site = Arc::new(usual().await);
    let mut tries = tokio::task::JoinSet::new();
    for turn in 0..30 {
        let site = Arc::clone(&site);
        tries.spawn(
            async move { site.log_in("203.0.113.1", "anna", &format!("guess {turn}")).await },
        );
    }
    let words = tries.join_all().await;
    let wrong = words.iter().filter(|word| *word == "bad_credentials").count();
    assert_eq!(wrong, 4);
}

#[tokio::test]
async fn an_old_form_is_written_anew() {
    let site = site(QUICK, &[], "{SHA}wA27ydrfvh4jLpOnKd1HUvreCr8=").await;
    let stored = || {
        let directory = site.store.directory();
        directory.account_by_key("anna@ours.example").unwrap().password_hash.expose().to_owned()
    };
    assert_eq!(password::verify(&stored(), "old"), Verdict::GoodRehash);
    assert_eq!(site.log_in("203.0.113.1", "anna", "wrong").await, "bad_credentials");
    assert!(stored().starts_with("{SHA}"));
    assert_eq!(site.log_in("203.0.113.1", "anna", "old").await, "anna@ours.example");
    assert!(stored().starts_with("$argon2id$"), "{}", stored());
    let hashes = site.policy.hashes_computed();
    assert_eq!(site.log_in("203.0.113.1", "anna", "old").await, "anna@ours.example");
    assert_eq!(site.policy.hashes_computed(), hashes, "the proof is of the new form");
}
