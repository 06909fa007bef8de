#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{AccessMap, Question, Rule, test};
use config::access::{parse_entry, parse_file};
use mail::{Address, Decision, Domain, Reason, Timestamp};
use std::path::Path;

const FILE: &str = "\
# who may, who may not
spam.example            550 We want none of this
good.spam.example       OK
From:bad.example        REJECT
bad.example             OK
From:user@fine.example  OK
fine.example            REJECT
From:user@mixed.example REJECT
user@                   DISCARD
From:lottery@           ERROR:5.7.1:550 No lottery
To:closed@              550 Mailbox closed
To:closed@other.example REJECT
To:lists.example        451 Come back later
To:relayed.example      RELAY
both.example            RELAY
plus+news@p.example     REJECT
plus+*@p.example        OK
plus@p.example          DISCARD
tagged+*@               REJECT
192.0.2                 REJECT
192.0.2.7               OK
Connect:192.0.2.7       REJECT
192.0.2.64/26           DISCARD
192                     RELAY
Connect:203.0.113.0/24  RELAY
IPv6:2001:db8           REJECT
IPv6:2001:db8:1::/48    OK
Connect:IPv6:2001:db8:1:2::5 550 5.7.1 not you
Connect:dial.example    REJECT
From:[192.0.2.99]       REJECT
";

fn map() -> AccessMap {
    let (entries, problems) = parse_file(Path::new("/etc/mail/access"), FILE);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{shown:?}");
    AccessMap::new([], "/etc/mail/access", &entries)
}

fn show(rule: Option<&Rule>) -> String {
    let Some(rule) = rule else { return "nothing".to_owned() };
    let line = rule.name.rsplit(':').next().unwrap();
    let word = match rule.decision() {
        Decision::Allow(()) if rule.action == config::access::Action::Relay => "relay",
        Decision::Allow(()) => "ok",
        Decision::Refuse(refusal) if refusal.text.is_some() => "error",
        Decision::Refuse(_) => "reject",
        Decision::Later(_) => "later",
        Decision::Discard(_) => "discard",
    };
    format!("{word} {line}")
}

const NOW: Timestamp = Timestamp(1_000);

fn from(address: &str, expected: &str) {
    let address: Address = address.parse().unwrap();
    assert_eq!(show(map().find(Question::Sender(&address), NOW)), expected, "from {address}");
}

fn to(address: &str, own: bool, expected: &str) {
    let address: Address = address.parse().unwrap();
    let found = show(map().find(Question::Recipient(&address, own), NOW));
    assert_eq!(found, expected, "to {address}");
}

fn connect(ip: &str, name: Option<&str>, expected: &str) {
    let name = name.map(|name| name.parse::<Domain>().unwrap());
    let question = Question::Client(ip.parse().unwrap(), name.as_ref());
    assert_eq!(show(map().find(question, NOW)), expected, "connect {ip} {name:?}");
}

#[test]
fn senders() {
    from("a@spam.example", "error 2");
    from("a@SPAM.Example.", "error 2");
    from("a@deep.host.spam.example", "error 2");
    from("a@notspam.example", "nothing");
    from("a@spam.example.org", "nothing");
    from("a@good.spam.example", "ok 3");
    from("a@very.good.spam.example", "ok 3");
    // The tag goes before none at the same key only.
    from("a@bad.example", "reject 4");
    from("a@x.bad.example", "reject 4");
    // A whole address goes before the user, the user before the domain.
    from("user@fine.example", "ok 6");
    from("USER@fine.example", "ok 6");
    from("other@fine.example", "reject 7");
    from("user@mixed.example", "reject 8");
    from("user@anything.example", "discard 9");
    from("user@spam.example", "discard 9");
    from("lottery@anything.example", "error 10");
    from("closed@anything.example", "nothing");
    from("a@both.example", "relay 15");
    // Details.
    from("plus+news@p.example", "reject 16");
    from("plus+other@p.example", "ok 17");
    from("plus@p.example", "discard 18");
    from("plus+news@q.example", "nothing");
    from("tagged+x@q.example", "reject 19");
    from("tagged@q.example", "nothing");
    from("user+detail@q.example", "discard 9");
    // Networks speak of clients, except as address literals.
    from("a@[192.0.2.99]", "reject 30");
    from("a@[192.0.2.7]", "ok 21");
    from("a@[198.51.100.1]", "nothing");
}

#[test]
fn recipients() {
    to("closed@ours.example", true, "error 11");
    to("closed@elsewhere.example", false, "nothing");
    to("closed@other.example", false, "reject 12");
    to("a@lists.example", true, "later 13");
    to("a@sub.lists.example", true, "later 13");
    to("a@relayed.example", false, "relay 14");
    to("a@bad.example", false, "ok 5");
    to("user@ours.example", true, "discard 9");
    to("user@elsewhere.example", false, "nothing");
    to("lottery@ours.example", true, "nothing");
}

#[test]
fn clients() {
    connect("192.0.2.1", None, "reject 20");
    connect("192.0.2.8", None, "reject 20");
    connect("192.0.2.7", None, "reject 22");
    connect("192.0.2.100", None, "discard 23");
    connect("192.0.2.128", None, "reject 20");
    connect("192.0.3.1", None, "relay 24");
    connect("193.0.2.1", None, "nothing");
    connect("19.2.0.2", None, "nothing");
    connect("203.0.113.200", None, "relay 25");
    connect("2001:db8::1", None, "reject 26");
    connect("2001:db8:1:2::6", None, "ok 27");
    connect("2001:db8:1:2::5", None, "error 28");
    connect("2001:db9::1", None, "nothing");
    // A true name goes before the address.
    connect("192.0.2.1", Some("good.spam.example"), "ok 3");
    connect("198.51.100.1", Some("host7.dial.example"), "reject 29");
    connect("198.51.100.1", Some("host.example"), "nothing");
}

#[test]
fn the_right_to_relay_is_in_the_domain_alone() {
    let map = map();
    let check = |domain: &str, expected: &str| {
        let domain = domain.parse().unwrap();
        assert_eq!(show(map.find(Question::RecipientDomain(&domain), NOW)), expected);
    };
    check("relayed.example", "relay 14");
    check("host.relayed.example", "relay 14");
    check("both.example", "relay 15");
    check("elsewhere.example", "nothing");
    check("p.example", "nothing");
}

#[test]
fn entries_of_the_store_go_first_until_they_end() {
    let (file, _) = parse_file(Path::new("a"), "bad.example REJECT\nx@late.example REJECT\n");
    let stored = [
        (7, parse_entry("bad.example", "OK").unwrap(), Some(Timestamp(2_000))),
        (8, parse_entry("From:other.example", "451 4.7.1 wait").unwrap(), None),
    ];
    let map = AccessMap::new(stored, "a", &file);
    let find = |address: &str, at| {
        let rule = map.find(Question::Sender(&address.parse().unwrap()), Timestamp(at)).cloned();
        rule.map(|rule| (rule.name, rule.stored))
    };
    assert_eq!(find("a@bad.example", 1_999), Some(("access entry 7".to_owned(), Some(7))));
    assert_eq!(find("a@bad.example", 2_000), Some(("access a:1".to_owned(), None)));
    assert_eq!(find("a@other.example", 0), Some(("access entry 8".to_owned(), Some(8))));
    let rule = map.find(Question::Sender(&"a@other.example".parse().unwrap()), NOW);
    match rule.unwrap().decision() {
        Decision::Later(refusal) => {
            assert_eq!(refusal.reason, Reason::AccessRejected);
            assert_eq!(refusal.rule, "access entry 8");
            assert_eq!(refusal.text.unwrap().code, 451);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_administrator_asks() {
    let map = map();
    let own = |domain: &Domain| domain.as_str() == "ours.example";
    let ask = |tag, value| test(&map, tag, value, own, NOW).map(show);
    assert_eq!(ask("From", "a@spam.example").as_deref(), Ok("error 2"));
    assert_eq!(ask("from:", "spam.example").as_deref(), Ok("error 2"));
    assert_eq!(ask("Connect", "192.0.2.9").as_deref(), Ok("reject 20"));
    assert_eq!(ask("Connect", "IPv6:2001:db8::1").as_deref(), Ok("reject 26"));
    assert_eq!(ask("Connect", "a.dial.example").as_deref(), Ok("reject 29"));
    assert_eq!(ask("To", "closed@ours.example").as_deref(), Ok("error 11"));
    assert_eq!(ask("To", "a@nowhere.example").as_deref(), Ok("nothing"));
    assert!(ask("What", "x").is_err());
    assert!(ask("From", "a@@b").is_err());
}
