#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{AliasMap, Book, DomainKind, Expansion, Holder, expand, review, show};
use config::{aliases, virtusertable};
use mail::{AccountId, Address, Domain, MailboxId, Target};
use std::path::Path;

const FILE: &str = "\
info:       anna, bert@ours.example
both:       anna, ANNA@ours.example, info
anna:       anna, carl
dora:       \\dora, anna
away:       emil@elsewhere.example
mixed:      anna, emil@elsewhere.example, ghost
ghostly:    ghost
a:          b
b:          c
c:          a
self:       self
prog:       \"|/usr/bin/vacation anna\", bert
files:      /var/mail/archive
included:   :include:/etc/lists/all
off:        gone
only:       second-only
twice:      shared
d1:         d2
d2:         d3
d3:         d4
d4:         bert
list+sub:   bert
list+*:     carl
list:       anna
";

const VIRTUAL: &str = "\
sales@ours.example      anna
sales@second.example    carl@ours.example
anna@second.example     error:5.7.1:550 moved away
old@ours.example        error:nouser nobody here
@third.example          bert@ours.example
@fourth.example         %1@ours.example
";

fn domains() -> Vec<Domain> {
    ["ours.example", "second.example", "third.example", "fourth.example"]
        .map(|name| name.parse().unwrap())
        .to_vec()
}

fn kind(domain: &Domain) -> DomainKind {
    match domain.as_str() {
        "mx.second.example" | "host.invalid" => DomainKind::Host,
        _ if domains().contains(domain) => DomainKind::Own,
        _ => DomainKind::Elsewhere,
    }
}

fn account(key: &str) -> Option<Holder> {
    let known = [
        "anna@ours.example",
        "bert@ours.example",
        "carl@ours.example",
        "dora@ours.example",
        "gone@ours.example",
        "second-only@second.example",
        "shared@second.example",
        "shared@third.example",
        "real@third.example",
    ];
    let index = known.iter().position(|name| *name == key)? as i64;
    let address = key.parse().unwrap();
    let target = Target { account: AccountId(index), inbox: MailboxId(index), junk: None, address };
    Some(Holder { target, disabled: key.starts_with("gone@") })
}

fn map(stored: &[(&str, &[&str])]) -> AliasMap {
    let (entries, _) = aliases::parse_file(Path::new("aliases"), FILE, None);
    let (virtual_users, problems) = virtusertable::parse_file(Path::new("v"), VIRTUAL);
    assert!(problems.is_empty(), "{problems:?}");
    let stored: Vec<(String, Vec<String>)> = stored
        .iter()
        .map(|(name, goals)| ((*name).to_owned(), goals.iter().map(|g| (*g).to_owned()).collect()))
        .collect();
    let stored = stored.iter().map(|(name, goals)| (name.clone(), goals.as_slice()));
    AliasMap::new(stored, ("aliases", &entries), ("v", &virtual_users))
}

fn with_book<T>(map: &AliasMap, ends_max: usize, ask: impl FnOnce(&Book<'_>) -> T) -> T {
    let domains = domains();
    let depth_max = 4;
    ask(&Book {
        aliases: map,
        account: &account,
        domains: &domains,
        kind: &kind,
        depth_max,
        ends_max,
    })
}

fn word(expansion: &Expansion) -> String {
    let here = expansion.targets.iter().map(|t| t.address.to_string());
    let outside = expansion.outside.iter().map(|a| format!(">{a}"));
    let error = expansion.error.iter().map(|(reply, _)| format!("error {}", reply.code));
    let flags = expansion.flags.iter().map(|flag| format!("!{}", flag.word()));
    let all: Vec<String> = here.chain(outside).chain(error).chain(flags).collect();
    all.join(" ").replace("@ours.example", "")
}

fn check(address: &str, expected: &str) {
    let address: Address = address.parse().unwrap();
    let expansion = with_book(&map(&[]), 100, |book| expand(book, &address));
    assert_eq!(word(&expansion), expected, "{address}");
}

#[test]
fn what_addresses_end_in() {
    check("bert@ours.example", "bert");
    check("BERT@ours.example", "bert");
    check("bert+news@ours.example", "bert");
    check("nobody@ours.example", "!dangling");
    check("info@ours.example", "anna carl bert");
    check("info+x@ours.example", "anna carl bert");
    check("info@second.example", "anna carl bert");
    check("both@ours.example", "anna carl bert");
    // An alias that names itself means its own mailbox too.
    check("anna@ours.example", "anna carl");
    check("dora@ours.example", "dora anna carl");
    check("self@ours.example", "!loop");
    check("a@ours.example", "!loop");
    check("away@ours.example", ">emil@elsewhere.example !outside");
    check("mixed@ours.example", "anna carl >emil@elsewhere.example !dangling !outside");
    check("ghostly@ours.example", "!dangling");
    check("prog@ours.example", "bert !program");
    check("files@ours.example", "!file");
    check("included@ours.example", "!include");
    check("off@ours.example", "!disabled");
    check("gone@ours.example", "!disabled");
    check("d2@ours.example", "bert");
    check("d1@ours.example", "bert");
    // Names without a domain: here, in our first, in the only other one.
    check("only@ours.example", "second-only@second.example");
    check("twice@ours.example", "!dangling");
    check("twice@second.example", "shared@second.example");
    // Details.
    check("list@ours.example", "anna carl");
    check("list+sub@ours.example", "bert");
    check("list+other@ours.example", "carl");
}

#[test]
fn users_of_hosts_are_those_of_our_domains() {
    check("bert@host.invalid", "bert");
    check("bert+x@host.invalid", "bert");
    check("info@host.invalid", "anna carl bert");
    check("shared@mx.second.example", "shared@second.example");
    check("bert@mx.second.example", "bert");
    check("sales@mx.second.example", "!dangling");
    check("shared@host.invalid", "!dangling");
    check("bert@other.invalid", ">bert@other.invalid !outside");
}

#[test]
fn virtual_users() {
    check("sales@ours.example", "anna carl");
    check("sales+q3@ours.example", "anna carl");
    check("sales@second.example", "carl");
    check("anna@second.example", "error 550");
    check("old@ours.example", "error 550");
    check("whoever@third.example", "bert");
    check("real@third.example", "real@third.example");
    check("bert@fourth.example", "bert");
    check("info@fourth.example", "anna carl bert");
    check("nobody@fourth.example", "!dangling");
}

#[test]
fn the_store_goes_before_the_file() {
    let map = map(&[
        ("info@ours.example", &["dora@ours.example"]),
        ("new@second.example", &["bert@ours.example", "carl@ours.example"]),
        ("evil@ours.example", &["|/bin/sh"]),
    ]);
    let ask = |text: &str| {
        let address: Address = text.parse().unwrap();
        word(&with_book(&map, 100, |book| expand(book, &address)))
    };
    assert_eq!(ask("info@ours.example"), "dora anna carl");
    assert_eq!(ask("info@second.example"), "anna carl bert");
    assert_eq!(ask("new@second.example"), "bert carl");
    assert_eq!(ask("new@ours.example"), "!dangling");
    assert_eq!(ask("evil@ours.example"), "!program");
}

#[test]
fn depth_and_number_are_bounded() {
    let deep: Vec<(String, Vec<String>)> = (0..10)
        .map(|i| (format!("deep{i}@ours.example"), vec![format!("deep{}@ours.example", i + 1)]))
        .chain([("deep10@ours.example".to_owned(), vec!["bert@ours.example".to_owned()])])
        .collect();
    let wide: Vec<String> = (0..300).map(|i| format!("x{i}@elsewhere.example")).collect();
    // Each level doubles: 2^40 steps if nobody counted them.
    let bomb: Vec<(String, Vec<String>)> = (0..40)
        .map(|i| {
            let next = format!("bomb{}@ours.example", i + 1);
            let again = format!("bomb{}+x@ours.example", i + 1);
            (format!("bomb{i}@ours.example"), vec![next, again])
        })
        .collect();
    let wide = vec![("wide@ours.example".to_owned(), wide)];
    let all: Vec<_> = deep.into_iter().chain(wide).chain(bomb).collect();
    let stored = all.iter().map(|(name, goals)| (name.clone(), goals.as_slice()));
    let map = AliasMap::new(stored, ("", &[]), ("", &[]));
    let domains = domains();
    let ask = |text: &str, depth_max| {
        let book = Book {
            aliases: &map,
            account: &account,
            domains: &domains,
            kind: &kind,
            depth_max,
            ends_max: 100,
        };
        expand(&book, &text.parse().unwrap())
    };
    // The first note, which a trace row always has room for, names the limit.
    let limit = |expansion: &Expansion| expansion.notes.first().cloned().unwrap_or_default();
    let deep = ask("deep0@ours.example", 10);
    assert_eq!(word(&deep), "!too_large");
    assert_eq!(limit(&deep), "aliases lead deeper than limits.alias_depth_max = 10");
    assert_eq!(word(&ask("deep1@ours.example", 10)), "bert");
    let wide = ask("wide@ours.example", 10);
    assert!(word(&wide).ends_with("!too_large"));
    assert!(wide.outside.len() <= 101);
    assert_eq!(limit(&wide), "more ends than limits.alias_fanout_max = 100");
    let bomb = ask("bomb0@ours.example", 60);
    assert!(word(&bomb).contains("!too_large"));
    assert!(limit(&bomb).ends_with("limits.alias_fanout_max = 100"), "{:?}", bomb.notes);
}

#[test]
fn the_review_tells_every_alias() {
    let map = map(&[("new@second.example", &["bert@ours.example", "nobody@ours.example"])]);
    let reviews = with_book(&map, 100, review);
    let line = |name: &str| {
        let names: Vec<&str> = reviews.iter().map(|r| r.name.as_str()).collect();
        let found = reviews.iter().find(|r| r.name == name);
        let found = found.unwrap_or_else(|| panic!("{name} is none of {names:?}"));
        let ends: Vec<String> = found.ends.iter().map(ToString::to_string).collect();
        let flags: Vec<&str> = found.flags.iter().map(|flag| flag.word()).collect();
        format!("{} | {} | {}", found.origin, ends.join(" "), flags.join(" "))
    };
    assert_eq!(line("a"), "aliases:8 |  | loop");
    assert_eq!(line("away"), "aliases:5 | emil@elsewhere.example | outside");
    assert_eq!(line("off"), "aliases:15 | gone@ours.example | disabled");
    assert_eq!(line("prog"), "aliases:12 | bert@ours.example | program");
    assert_eq!(line("new@second.example"), "store | bert@ours.example | dangling");
    assert_eq!(line("@third.example"), "v:5 | bert@ours.example | ");
    assert_eq!(line("anna@second.example"), "v:3 |  | ");
    assert_eq!(reviews.len(), 24 + 6 + 1);
}

#[test]
fn show_takes_a_name_without_a_domain() {
    let map = map(&[]);
    let ask = |name: &str| with_book(&map, 100, |book| show(book, name)).map(|e| word(&e));
    assert_eq!(ask("info").as_deref(), Some("anna carl bert"));
    assert_eq!(ask("sales@second.example").as_deref(), Some("carl"));
    assert_eq!(ask("emil@elsewhere.example").as_deref(), Some(">emil@elsewhere.example !outside"));
    assert_eq!(ask(""), None);
}

#[test]
fn every_step_is_told_where_it_is_asked_for() {
    let map = map(&[("all@ours.example", &["list", "nobody", "far@elsewhere.example"])]);
    let shown = with_book(&map, 100, |book| super::show(book, "all@ours.example")).unwrap();
    let expected = [
        "all@ours.example (store) leads to",
        "  list (aliases:24) leads to",
        "    anna (aliases:3) leads to",
        "      anna@ours.example",
        "      carl@ours.example",
        "  dangling: nobody is called nobody",
        "  outside: far@elsewhere.example is elsewhere",
    ];
    assert_eq!(shown.steps, expected);
    let address = "all@ours.example".parse().unwrap();
    let silent = with_book(&map, 100, |book| super::expand(book, &address));
    assert_eq!(silent.steps, Vec::<String>::new(), "a session does not ask");
    assert_eq!(silent.notes, shown.notes);
}
