#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use crate::app_password::sign;
use crate::tests::{Site, recipient_word, site, stranger};
use mail::srs::{Bounces, forward};
use mail::{Address, ForwardPath, ReversePath, Timestamp};

const ALIASES: &str = "\
away:       emil@elsewhere.example
mixed:      anna, emil@elsewhere.example
bert:       bert, emil@elsewhere.example
abuse:      emil@elsewhere.example
";

async fn house() -> Site {
    let settings = "[aliases]\nfile = \"aliases\"\nvirtusertable_file = \"virtual\"\n";
    let files = [("aliases", ALIASES), ("virtual", "old@ours.example new@elsewhere.example\n")];
    site(settings, &files, "x").await
}

#[tokio::test]
async fn an_alias_leads_here_elsewhere_or_both() {
    let site = house().await;
    for (to, reason, rule, ends) in [
        ("away", "local_alias", "aliases:1", " on to emil@elsewhere.example"),
        ("mixed", "local_alias", "aliases:2", "anna on to emil@elsewhere.example"),
        ("bert", "local_alias", "aliases:3", "bert on to emil@elsewhere.example"),
        ("old", "local_alias", "virtual:1", " on to new@elsewhere.example"),
        // Somebody here reads it too: what is doubtful is not forwarded.
        ("abuse", "role_address", "administrator", "admin on to emil@elsewhere.example"),
    ] {
        let asked = ask(&site, "<carol@far.example>", &format!("<{to}@ours.example>")).await;
        assert!(asked.starts_with(reason) && asked.contains(rule), "{to}: {asked}");
        assert!(asked.ends_with(&format!(": {ends}")), "{to}: {asked}");
    }
    let own = site.policy.snapshot().own_mail(&"bert@ours.example".parse().unwrap()).unwrap();
    assert_eq!((own.targets.len(), own.onward.len()), (1, 1));
    let own = site.policy.snapshot().own_mail(&"away@ours.example".parse().unwrap()).unwrap();
    assert_eq!((own.targets.len(), own.onward.len()), (0, 1));
}

async fn ask(site: &Site, from: &str, to: &str) -> String {
    let snapshot = site.policy.snapshot();
    let (from, to) = (ReversePath::parse(from).unwrap(), ForwardPath::parse(to).unwrap());
    recipient_word(&site.policy.recipient(&snapshot, &stranger(), (&from, None), &to).await)
}

/// The address that stands for a sender since so many days.
fn stands(site: &Site, sender: &str, at: &str, bounces: Bounces, days: i64) -> Address {
    let key = site.store.forwarding_key().expose();
    let mac = |text: &[u8]| sign(key, text);
    let now = site.policy.snapshot().shared.clock.now();
    let then = Timestamp(now.0 - days * 86_400_000);
    forward(&mac, &sender.parse().unwrap(), &at.parse().unwrap(), bounces, then).unwrap()
}

#[tokio::test]
async fn bounces_alone_go_back_to_who_sent_it() {
    use Bounces::{Dropped, Returned};
    let site = house().await;
    let home = "forward_bounce by forwarded sender:  on to dora@far.example";
    let nobody = "forward_bounce_dropped by forwarded sender: nobody vouched: ";
    let unfit = "refuse forward_address_unfit forwarded sender";
    let denied = "refuse relay_denied";
    for (from, sender, at, bounces, days, expected) in [
        ("<>", "dora@far.example", "ours.example", Returned, 0, home),
        ("<>", "dora@far.example", "ours.example", Returned, 21, home),
        ("<>", "dora@far.example", "ours.example", Returned, 22, unfit),
        ("<dora@far.example>", "dora@far.example", "ours.example", Returned, 0, unfit),
        ("<>", "dora@far.example", "mx.ours.example", Returned, 0, home),
        ("<>", "dora@far.example", "ours.example", Dropped, 0, nobody),
        ("<x@far.example>", "dora@far.example", "ours.example", Dropped, 0, unfit),
        // A domain that has become ours: to whoever has the address now.
        (
            "<>",
            "anna@ours.example",
            "ours.example",
            Returned,
            0,
            "local_account by account \
          anna@ours.example: anna",
        ),
        ("<>", "dora@far.example", "else.example", Returned, 0, denied),
    ] {
        let to = stands(&site, sender, at, bounces, days);
        assert_eq!(ask(&site, from, &format!("<{to}>")).await, expected, "{from} to {to}");
    }
    // Names of two hosts are no way through: the hash is of all of it.
    let odd = stands(&site, "a%b.example@far.example", "ours.example", Returned, 0);
    let asked = ask(&site, "<>", &format!("<{odd}>")).await;
    assert!(asked.ends_with(":  on to a%b.example@far.example"), "{asked}");
}

#[tokio::test]
async fn guesses_are_counted_and_end() {
    let site = house().await;
    let most = site.policy.snapshot().settings.recipient.unknown_before_block;
    tokio::time::pause();
    let mut last = String::new();
    for n in 0..=most {
        let to = format!("<SRS0=AAAA{n:02}=AA=far.example=dora@ours.example>");
        last = ask(&site, "<>", &to).await;
    }
    assert!(last.starts_with("later rate_exceeded"), "{last}");
}

#[tokio::test]
async fn a_notice_is_for_who_sent_it_first() {
    let site = house().await;
    let dora: Address = "dora@far.example".parse().unwrap();
    let to = stands(&site, "dora@far.example", "ours.example", Bounces::Returned, 5);
    assert_eq!(site.policy.first_sender(&to), dora);
    assert_eq!(site.policy.first_sender(&dora), dora);
    let forged: Address = "SRS0=AAAAAA=AA=far.example=dora@ours.example".parse().unwrap();
    assert_eq!(site.policy.first_sender(&forged), forged);
}
