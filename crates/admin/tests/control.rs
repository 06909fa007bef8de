//! An administrator at a real socket, over a real SQLite store.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod house;

use admin::{Error, Paging, Request, Response, TraceAbout};
use filter::intake::Outcome;
use house::House;
use mail::{Address, Event, Reason, SessionId, Timestamp};
use store::StsPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn account(address: &str) -> Request {
    let address = Address::parse(address).unwrap();
    Request::AccountAdd { address, password: None, hash: None, quota: None, admin: false }
}

fn anna() -> Address {
    Address::parse("anna@example.org").unwrap()
}

#[tokio::test]
async fn accounts_come_and_go() {
    let mut house = House::open().await;
    let refused = house.ask(account("anna@example.org")).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused:?}: the domain is not ours yet");
    let domain = mail::Domain::parse("example.org").unwrap();
    house.done(Request::DomainAdd { domain: domain.clone() }).await;
    let made = house.done(account("anna@example.org")).await;
    assert_eq!(made.len(), 23, "a made password is shown once");
    assert!(matches!(house.ask(account("ANNA@example.org")).await, Err(Error::Exists(_))));
    let directory = house.store.directory();
    let hash = directory.account_by_key("anna@example.org").unwrap().password_hash.clone();
    assert!(matches!(policy::password::verify(&hash, &made), policy::password::Verdict::Good));

    let said = house.done(Request::AccountDisable { address: anna(), disabled: true }).await;
    assert!(said.contains("open sessions ended: 2"), "{said}");
    let id = directory.account_by_key("anna@example.org").unwrap().id;
    assert_eq!(*house.ended.lock().unwrap(), [(id, None)]);
    let Response::Accounts(page) =
        house.ask(Request::AccountList(Paging::default())).await.unwrap()
    else {
        panic!()
    };
    assert!(page.rows[0].disabled);

    let still = house.ask(Request::DomainRemove { domain: domain.clone() }).await;
    assert!(matches!(still, Err(Error::Refused(_))), "{still:?}: it still has an account");
    house.done(Request::AccountRemove { address: anna() }).await;
    house.done(Request::DomainRemove { domain }).await;
    let Response::Domains(page) = house.ask(Request::DomainList(Paging::default())).await.unwrap()
    else {
        panic!()
    };
    assert!(page.rows.is_empty());
    house.close().await;
}

#[tokio::test]
async fn who_gets_postmasters_mail_is_told() {
    let mut house = House::open().await;
    let domain = |name: &str| mail::Domain::parse(name).unwrap();
    let said = house.done(Request::DomainAdd { domain: domain("example.org") }).await;
    assert!(said.contains("WARNING: nobody gets the mail of postmaster@example.org"), "{said}");
    let address = Address::parse("boss@example.org").unwrap();
    let add = Request::AccountAdd {
        address: address.clone(),
        password: None,
        hash: None,
        quota: None,
        admin: true,
    };
    house.done(add).await;
    house.done(account("anna@example.org")).await;
    let said = house.done(Request::DomainAdd { domain: domain("example.net") }).await;
    assert!(said.contains("postmaster's goes to boss@example.org"), "{said}");
    let name = Address::parse("abuse@example.net").unwrap();
    let goals = vec!["anna@example.org".to_owned()];
    house.done(Request::AliasAdd { name, goals }).await;
    let listed = house.ask(Request::DomainList(Paging::default())).await.unwrap();
    let Response::Domains(page) = listed else { panic!() };
    assert_eq!(page.rows[0].postmaster, ["boss@example.org"]);
    assert_eq!(page.rows[0].abuse, ["anna@example.org"]);

    let said = house.done(Request::AccountDisable { address: address.clone(), disabled: true });
    let said = said.await;
    assert!(
        said.contains("abuse@example.org, postmaster@example.net, postmaster@example.org"),
        "{said}"
    );
    let disabled = false;
    house.done(Request::AccountDisable { address: address.clone(), disabled }).await;
    let said = house.done(Request::AccountRemove { address: anna() }).await;
    assert!(!said.contains("WARNING"), "the administrator still gets it: {said}");
    let said = house.done(Request::AccountRemove { address }).await;
    assert!(said.contains("WARNING") && said.contains("postmaster@example.org"), "{said}");
    house.close().await;
}

#[tokio::test]
async fn passwords_are_given_made_or_imported() {
    let mut house = House::with_anna().await;
    let short = Some("short".to_owned());
    let refused = house.ask(Request::AccountPassword { address: anna(), password: short }).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    let given = Some("correct horse".to_owned());
    house.done(Request::AccountPassword { address: anna(), password: given }).await;
    let opened_by: Vec<_> = house.ended.lock().unwrap().iter().map(|ended| ended.1).collect();
    assert_eq!(opened_by, [Some(mail::Credential::Main)], "app passwords are others");
    for (hash, fine) in [
        (
            "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
            true,
        ),
        ("plain words", false),
    ] {
        let address = Address::parse("ben@example.org").unwrap();
        let hash = Some(hash.to_owned());
        let add =
            Request::AccountAdd { address, password: None, hash, quota: Some(1), admin: true };
        assert_eq!(house.ask(add).await.is_ok(), fine);
    }
    for quota in [0, -1] {
        let address = Address::parse("full@example.org").unwrap();
        let (password, hash) = (None, None);
        let quota = Some(quota);
        let add = Request::AccountAdd { address, password, hash, quota, admin: false };
        assert!(matches!(house.ask(add).await, Err(Error::Invalid(_))), "it were always full");
    }
    house.close().await;
}

#[tokio::test]
async fn a_subject_rule_refuses_counts_and_ends() {
    let mut house = House::with_anna().await;
    let add = |pattern: &str, kind: &str| Request::SubjectAdd {
        kind: kind.to_owned(),
        pattern: pattern.to_owned(),
        reply: None,
        expires: None,
    };
    for wrong in [add("(", "regex"), add("\u{200b}", "text"), add("x", "glob")] {
        assert!(matches!(house.ask(wrong).await, Err(Error::Invalid(_))));
    }
    house.done(add("your document", "text")).await;
    let message = "From: c@client.example\r\nSubject: Re: =?utf-8?q?Your_Document?=\r\n\r\nx\r\n";
    let Outcome::Refused(refusal) = house.receive(message).await else { panic!() };
    assert_eq!(refusal.reason, Reason::SubjectProhibited);

    let test = Request::SubjectTest { subject: "Fwd: RE: Details".to_owned() };
    let Response::SubjectTest { normalised, rule } = house.ask(test).await.unwrap() else {
        panic!()
    };
    assert_eq!(normalised, "fwd: re: details");
    assert_eq!(rule.unwrap().pattern, "Re: Details", "the rule of the settings file");

    let page = house.subjects_once_counted().await;
    let ids: Vec<_> = page.rows.iter().map(|rule| rule.id.is_some()).collect();
    assert_eq!(ids, [false, true], "the settings' rule, then the store's");
    assert_eq!(page.rows[0].hits, None, "nobody counts for a file");
    assert_eq!(page.rows[1].hits, Some(1), "the refused message is counted");
    let id = page.rows[1].id.unwrap();
    house.done(Request::SubjectRemove { id }).await;
    assert!(matches!(house.receive(message).await, Outcome::Accepted(_)));
    house.close().await;
}

#[tokio::test]
async fn mail_is_listed_read_moved_and_traced() {
    let mut house = House::with_anna().await;
    let big = "x".repeat(70).repeat(6_000);
    let message = format!(
        "From: Carl <c@client.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n{big}\r\n"
    );
    let Outcome::Accepted(id) = house.receive(&message).await else { panic!() };
    assert!(matches!(house.receive("Subject: two\r\n\r\nx\r\n").await, Outcome::Accepted(_)));

    let show = |cursor| Request::MailboxShow {
        address: anna(),
        mailbox: "inbox".to_owned(),
        paging: Paging { limit: 1, cursor },
    };
    let Response::Entries(first) = house.ask(show(None)).await.unwrap() else { panic!() };
    assert_eq!(first.rows[0].subject, "Grüße");
    assert_eq!(first.rows[0].from, "c@client.example");
    let Response::Entries(second) = house.ask(show(first.next.clone())).await.unwrap() else {
        panic!()
    };
    assert_eq!((second.rows[0].subject.as_str(), second.next), ("two", None));

    let entry = &first.rows[0];
    assert_eq!(entry.message, id, "the trace is asked by it");
    let mut shown = Vec::new();
    while (shown.len() as u64) < entry.size {
        let offset = shown.len() as u64;
        let mailbox = "INBOX".to_owned();
        let read = Request::MessageRead { address: anna(), mailbox, uid: entry.uid, offset };
        let Response::Window { bytes, size } = house.ask(read).await.unwrap() else { panic!() };
        assert_eq!(size, entry.size);
        use base64::Engine;
        shown.extend(base64::engine::general_purpose::STANDARD.decode(bytes).unwrap());
    }
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.starts_with("Return-Path: <carl@client.example>\r\nReceived: from client"));
    assert!(shown.ends_with(&message));

    let shift = |entries| Request::MailboxMove {
        address: anna(),
        from: "INBOX".to_owned(),
        to: "Junk".to_owned(),
        entries,
    };
    let missing = house.ask(shift(vec![entry.id, mail::EntryId(99_999_999)])).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    let said = house.done(shift(vec![])).await;
    assert!(said.contains("moved 2"), "nothing was moved before: {said}");

    let about = TraceAbout::Message(id);
    let trace = Request::Trace { about, paging: Paging::default() };
    let Response::Trace(rows) = house.ask(trace).await.unwrap() else { panic!() };
    let told = |event| rows.rows.iter().any(|row| row.event == event);
    assert!(told(Event::Message) && told(Event::Delivered), "{:?}", rows.rows);
    let trace = |about, limit| Request::Trace { about, paging: Paging { limit, cursor: None } };
    for unknown in [
        TraceAbout::Message(mail::MessageId(99_999_999)),
        TraceAbout::Session(SessionId(99_999_999)),
    ] {
        let refused = house.ask(trace(unknown, 100)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    let Response::Trace(newest) = house.ask(trace(TraceAbout::Everything, 1)).await.unwrap() else {
        panic!()
    };
    assert!(newest.rows[0].detail.starts_with("moved entries=2"), "{:?}", newest.rows);
    assert!(newest.next.is_some() && newest.counted.is_empty());
    let Response::Fsck(fsck) = house.ask(Request::Fsck).await.unwrap() else { panic!() };
    assert_eq!(fsck.problems, Vec::<String>::new());
    house.close().await;
}

#[tokio::test]
async fn aliases_and_access_entries_are_checked_before_they_are_kept() {
    let mut house = House::with_anna().await;
    let alias = |name: &str, goals: &[&str]| Request::AliasAdd {
        name: Address::parse(name).unwrap(),
        goals: goals.iter().map(|goal| (*goal).to_owned()).collect(),
    };
    for wrong in [
        alias("x@elsewhere.example", &["anna@example.org"]),
        alias("x@example.org", &[]),
        alias("x@example.org", &["|/bin/sh"]),
    ] {
        assert!(matches!(house.ask(wrong).await, Err(Error::Invalid(_))));
    }
    house.done(alias("info@example.org", &["anna@example.org"])).await;
    let said = house.done(alias("lost@example.org", &["nobody@example.org"])).await;
    assert!(said.contains("dangling"), "{said}");
    let review = house.ask(Request::AliasReview(Paging::default())).await.unwrap();
    let Response::AliasReview(page) = review else { panic!() };
    assert!(page.rows.iter().any(|row| row.flags == ["dangling"]));
    let shown = house.ask(Request::AliasShow { name: "info@example.org".to_owned() }).await;
    let Response::AliasReview(page) = shown.unwrap() else { panic!() };
    assert_eq!(page.rows[0].ends, ["anna@example.org"]);
    assert_eq!(page.rows[0].notes, ["info@example.org (store) leads to", "  anna@example.org"]);

    let access = |key: &str, value: &str| Request::AccessAdd {
        tag: "from".to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
        reason: "test".to_owned(),
        expires: None,
    };
    assert!(matches!(house.ask(access("a b", "REJECT")).await, Err(Error::Invalid(_))));
    house.done(access("spammer.example", "REJECT")).await;
    let test =
        Request::AccessTest { tag: "From".to_owned(), value: "x@mail.spammer.example".to_owned() };
    let Response::AccessTest(Some(entry)) = house.ask(test).await.unwrap() else { panic!() };
    assert_eq!((entry.value.as_str(), entry.origin.as_str()), ("REJECT", "store"));
    house.done(Request::AccessRemove { id: entry.id.unwrap() }).await;
    house.close().await;
}

#[tokio::test]
async fn the_protocol_survives_what_is_no_request() {
    let mut house = House::open().await;
    let mut raw = tokio::net::UnixStream::connect(&house.socket).await.unwrap();
    raw.write_all(b"{\"do\":\"fly\"}\n{\"do\":\"status\"}\n").await.unwrap();
    raw.shutdown().await.unwrap();
    let mut text = String::new();
    raw.read_to_string(&mut text).await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("{\"error\":{\"error\":\"invalid\""), "{text}");
    assert!(lines[1].contains("\"result\":\"status\""), "{text}");

    let mut raw = tokio::net::UnixStream::connect(&house.socket).await.unwrap();
    let flood = vec![b'x'; 2 << 20];
    // The server stops reading at its limit and closes.
    let _ = raw.write_all(&flood).await;
    let mut rest = Vec::new();
    let _ = raw.read_to_end(&mut rest).await;
    assert!(rest.is_empty());

    let refused = house.ask(Request::Reload).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(text) if text.contains("line 3")));
    house.close().await;
}

#[tokio::test]
async fn the_status_says_what_an_administrator_watches() {
    let mut house = House::with_anna().await;
    let response = house.ask(Request::Status).await.unwrap();
    // As programs read it: these names are promised.
    let status = serde_json::to_value(&response).unwrap()["value"].clone();
    assert_eq!(status["running"], true, "{status}");
    assert_eq!(status["engine"], "sqlite");
    assert!(status["uptime_secs"].as_u64().unwrap() >= 5);
    let second = serde_json::json!({ "door": "smtp", "address": "0.0.0.0:25", "sessions": 1 });
    assert_eq!(status["doors"][1], second);
    let sessions = serde_json::json!({ "open": 7, "max": 1_200, "per_address_max": 30 });
    assert_eq!(status["sessions"], sessions);
    assert_eq!(status["certificate_days_left"], 10);
    assert!(status["certificate_ends"].is_i64());
    assert_eq!(status["log"][0]["level"], "warn");
    assert_eq!(status["log"][0]["text"], "odd");
    assert!(status["log"][0]["at"].is_i64());
    let commits = &status["commits"];
    assert!(commits["writes"].as_u64().unwrap() >= commits["commits"].as_u64().unwrap());
    assert_eq!((&commits["failures"], &commits["last_failure"]), (&0.into(), &().into()));
    assert!(status["disk"]["free"].as_u64().unwrap() > 0);
    assert!(status["disk"]["min"].as_u64().unwrap() >= 1 << 30, "the default floor");
    assert!(status["disk"]["ok"].is_boolean());
    house.close().await;
}

#[tokio::test]
async fn where_mail_would_go_is_shown() {
    let mut house = House::open().await;
    let domain = mail::Domain::parse("example.org").unwrap();
    house.done(Request::DomainAdd { domain }).await;
    let text = "version: STSv1\r\nmode: enforce\r\nmx: b.far.example\r\nmax_age: 86400\r\n";
    let policy = StsPolicy {
        id: "1".to_owned(),
        policy: text.to_owned(),
        asked_at: Timestamp(0),
        renew_at: Timestamp(0),
        expires_at: Timestamp(i64::MAX / 2),
    };
    let far = mail::Domain::parse("far.example").unwrap();
    house.store.keep_sts_policy(&far, &policy, Timestamp(0)).await.unwrap();
    for (named, expected) in [
        ("Far.Example", "the domain's MX: 198.51.100.1:25 none, 198.51.100.2:25 dane (enforce)"),
        ("x@far.example", "the domain's MX: 198.51.100.1:25 none, 198.51.100.2:25 dane (enforce)"),
        ("[198.51.100.7]", "the address itself: 198.51.100.7:25 none ()"),
        ("null.example", "the domain's MX: null_mx for good"),
        ("none.example", "the domain's MX: no_such_domain for good"),
        ("[127.0.0.1]", "the address itself: route_to_self for good"),
    ] {
        let asked = Request::QueueRoute { destination: named.to_owned() };
        let Response::QueueRoute(route) = house.ask(asked).await.unwrap() else { panic!() };
        let servers = route.servers.iter().map(|one| format!("{} {}", one.address, one.trust));
        let found = match route.reason.as_str() {
            "" => format!("{} ({})", servers.collect::<Vec<_>>().join(", "), route.policy),
            why if route.is_temporary => format!("{why} for now"),
            why => format!("{why} for good"),
        };
        assert_eq!(format!("{}: {found}", route.basis), expected, "{named}");
    }
    for named in ["example.org", "anna@example.org", "far..example", ""] {
        let asked = Request::QueueRoute { destination: named.to_owned() };
        let refused = house.ask(asked).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{named}: {refused:?}");
    }
    house.close().await;
}
