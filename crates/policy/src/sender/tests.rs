#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use crate::tests::{Site, peer};
use mail::{Address, Decision, Door, ForwardPath, LocalUser, Peer, Reason, ReversePath};

const SETTINGS: &str = "[relay]\nnetworks = [\"127.0.0.0/8\"]\n[local]\nmessages_per_minute_max = 4\n\
     [[local.users]]\nuser = \"www-data\"\n\
     addresses = [\"ben@ours.example\", \"shop@far.example\"]\nrecipients_per_day = 7\n";

async fn site(settings: &str) -> Site {
    crate::tests::site(settings, &[], "no hash").await
}

/// A user at the submit socket, who has the address of loopback and no right by it.
fn user(uid: u32, name: &str) -> Peer {
    let address = Address::parse(&format!("{name}@mx.ours.example")).unwrap();
    let user = Some(LocalUser { uid, name: name.to_owned(), address });
    Peer { user, ..peer(Door::Local, "127.0.0.1") }
}

#[tokio::test]
async fn a_user_of_this_machine_sends_as_itself_and_as_what_was_granted() {
    let site = site(SETTINGS).await;
    let snapshot = site.policy.snapshot();
    for (uid, name, from, owned) in [
        (1000, "carl", "<carl@mx.ours.example>", true),
        (1000, "carl", "<Carl@MX.ours.example>", true),
        (1000, "carl", "<>", true),
        (1000, "carl", "<root@mx.ours.example>", false),
        (1000, "carl", "<anna@ours.example>", false),
        (1000, "carl", "<carl@ours.example>", false),
        (1000, "carl", "<x@far.example>", false),
        (33, "www-data", "<ben@ours.example>", true),
        (33, "www-data", "<shop@far.example>", true),
        (33, "www-data", "<anna@ours.example>", false),
        (0, "root", "<anna@ours.example>", true),
        (0, "root", "<nobody@mx.ours.example>", true),
        (0, "root", "<x@far.example>", false),
    ] {
        let path = ReversePath::parse(from).unwrap();
        let refused = snapshot.sender_not_owned(&user(uid, name), &path);
        assert_eq!(refused.is_none(), owned, "{name} as {from}: {refused:?}");
        if let Some(refusal) = refused {
            assert_eq!(refusal.rule, format!("user {uid} ({name})"));
        }
    }
    let forged = Address::parse("anna@ours.example").unwrap();
    let found = snapshot.header_not_owned(&user(1000, "carl"), "From", &forged).unwrap();
    assert_eq!(
        (found.reason, found.detail.as_str()),
        (Reason::SenderNotOwned, "From=anna@ours.example")
    );
    assert!(snapshot.header_not_owned(&peer(Door::Smtp, "203.0.113.9"), "From", &forged).is_none());
}

#[tokio::test]
async fn its_recipients_elsewhere_are_allowed_because_of_who_it_is() {
    let site = site(SETTINGS).await;
    let snapshot = site.policy.snapshot();
    let ask = async |peer: &Peer, to: &str| {
        let to = ForwardPath::parse(to).unwrap();
        match site.policy.recipient(&snapshot, peer, (&ReversePath::Null, None), &to).await {
            Decision::Allow(recipient) => recipient.permit.reason(),
            Decision::Refuse(refusal) | Decision::Later(refusal) | Decision::Discard(refusal) => {
                refusal.reason
            }
        }
    };
    let carl = user(1000, "carl");
    assert_eq!(ask(&carl, "<x@far.example>").await, Reason::LocalSubmission);
    assert_eq!(ask(&carl, "<anna@ours.example>").await, Reason::LocalAccount);
    assert_eq!(ask(&carl, "<nosuch@ours.example>").await, Reason::UnknownRecipient);
    assert_eq!(ask(&carl, "<x%far.example@ours.example>").await, Reason::RelayDenied);
    // The name of a network is no name of a user: nor is it the other way round.
    let network = peer(Door::Smtp, "127.0.0.1");
    assert_eq!(ask(&network, "<x@far.example>").await, Reason::RelayNetwork);
}

#[tokio::test]
async fn each_user_has_a_budget_of_its_own() {
    let site = site(SETTINGS).await;
    let snapshot = site.policy.snapshot();
    let send = |peer: &Peer| {
        let user = peer.user.as_ref().unwrap();
        let path = ReversePath::Address(user.address.clone());
        matches!(snapshot.sender(peer, &path, None), Decision::Allow(()))
    };
    let (carl, dora) = (user(1000, "carl"), user(1001, "dora"));
    let sent: Vec<bool> = (0..6).map(|_| send(&carl)).collect();
    assert_eq!(sent, [true, true, true, true, false, false]);
    assert!(matches!(snapshot.own_entries(&carl), Decision::Later(_)), "one budget for both");
    assert!(send(&dora));
    assert!(matches!(snapshot.own_entries(&dora), Decision::Allow(())));
}

#[tokio::test]
async fn limits_of_a_day_come_from_the_narrowest() {
    let site = site("[send]\nfirst_time_per_day_max = 50\n").await;
    let account = site.store.directory().account_by_key("anna@ours.example").unwrap().id;
    let domain = mail::Domain::parse("ours.example").unwrap();
    let record = site.store.directory().domain(&domain).unwrap().id;
    let of = |site: &Site| {
        let limits = site.policy.snapshot().limits_of(account);
        (limits.recipients, limits.first_time)
    };
    assert_eq!(of(&site), (500, 50));
    let set = store::LimitOf::Domain(record);
    site.store.set_send_limit(set, "ours.example", Some(9), None).await.unwrap();
    assert_eq!(of(&site), (9, 50));
    let set = store::LimitOf::Account(account);
    site.store.set_send_limit(set, "anna", None, Some(3)).await.unwrap();
    assert_eq!(of(&site), (9, 3));
    let snapshot = site.policy.snapshot();
    assert_eq!(snapshot.send_limits(&peer(Door::Smtp, "127.0.0.1")), None);
    assert_eq!(snapshot.send_limits(&user(1000, "carl")).unwrap().recipients, 500);
    let granted = self::site(SETTINGS).await;
    let snapshot = granted.policy.snapshot();
    assert_eq!(snapshot.send_limits(&user(33, "www-data")).unwrap().recipients, 7);
}

#[tokio::test]
async fn what_nobody_takes_of_our_own_mail_goes_to_postmaster() {
    let site = site("").await;
    let snapshot = site.policy.snapshot();
    let to = |text: &str| {
        let recipient = snapshot.own_mail(&Address::parse(text).unwrap()).unwrap();
        let ends: Vec<String> = recipient.targets.iter().map(|t| t.address.to_string()).collect();
        ends.join(" ")
    };
    let postmaster = to("postmaster@ours.example");
    assert!(!postmaster.is_empty());
    assert_eq!(to("anna@ours.example"), "anna@ours.example");
    assert_eq!(to("www-data@mx.ours.example"), postmaster);
    assert_eq!(to("nosuch@ours.example"), postmaster);
    assert_eq!(to("x@far.example"), "");
}
