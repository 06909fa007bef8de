//! As whom somebody may send.

use super::{peer, site};
use mail::{Door, Login};

#[tokio::test]
async fn a_log_in_sends_as_itself_and_its_aliases() {
    let aliases = "info: anna, bert\nteam: info\nout: anna, x@elsewhere.example\nother: bert\n";
    let site = site("[aliases]\nfile = \"aliases\"\n", &[("aliases", aliases)], "x").await;
    let anna = site.store.directory().account_by_key("anna@ours.example").unwrap().clone();
    let mut user = peer(Door::Submission, "203.0.113.9");
    user.login = Some(Login { account: anna.id, address: anna.address });
    let not_owned = "refuse sender_not_owned login anna@ours.example";
    for (from, expected) in [
        ("<anna@ours.example>", "allow"),
        ("<Anna@OURS.example>", "allow"),
        ("<anna+shop@ours.example>", "allow"),
        ("<info@ours.example>", "allow"),
        ("<team@ours.example>", "allow"),
        ("<out@ours.example>", "allow"),
        ("<>", "allow"),
        ("<other@ours.example>", not_owned),
        ("<bert@ours.example>", not_owned),
        ("<nobody@ours.example>", not_owned),
        ("<anna@elsewhere.example>", not_owned),
        ("<anna@[192.0.2.1]>", not_owned),
    ] {
        assert_eq!(site.sender(&user, from), expected, "{from}");
    }
    // What an administrator grants, and takes back.
    let granted = ["bert@ours.example", "@elsewhere.example"];
    for grant in granted {
        site.store.grant(anna.id, &grant.parse().unwrap()).await.unwrap();
    }
    for (from, expected) in [
        ("<bert@ours.example>", "allow"),
        ("<anyone@elsewhere.example>", "allow"),
        ("<anyone@sub.elsewhere.example>", not_owned),
    ] {
        assert_eq!(site.sender(&user, from), expected, "{from}");
    }
    for grant in granted {
        site.store.revoke(anna.id, &grant.parse().unwrap()).await.unwrap();
    }
    assert_eq!(site.sender(&user, "<anyone@elsewhere.example>"), not_owned);
    let header = |from: &str| {
        let snapshot = site.policy.snapshot();
        snapshot.header_not_owned(&user, "From", &from.parse().unwrap()).map(|f| f.detail)
    };
    assert_eq!(header("anna+x@ours.example"), None);
    assert_eq!(header("bert@ours.example"), Some("From=bert@ours.example".to_owned()));
    user.login = None;
    let snapshot = site.policy.snapshot();
    assert!(snapshot.header_not_owned(&user, "From", &"b@ours.example".parse().unwrap()).is_none());
}
