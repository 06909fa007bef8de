#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Entry, parse_entry, parse_file};
use proptest::prelude::*;
use std::path::Path;

/// An entry in short: `From example.org REJECT`.
fn show(entry: &Entry) -> String {
    use super::{Action, Key};
    let key = match &entry.key {
        Key::Address(address) => format!("<{address}>"),
        Key::User(user) => format!("{user}@"),
        Key::Domain(domain) => domain.to_string(),
        Key::Net(net) => net.to_string(),
    };
    let action = match &entry.action {
        Action::Error(reply) => {
            let status = reply.enhanced.map(|(c, s, d)| format!(" {c}.{s}.{d}"));
            format!("{}{} {}", reply.code, status.unwrap_or_default(), reply.text)
        }
        other => format!("{other:?}"),
    };
    format!("{:?} {key} {action}", entry.tag)
}

#[track_caller]
fn check(line: &str, expected: &str) {
    let (key, value) = line.split_once(' ').unwrap();
    let found = match parse_entry(key, value) {
        Ok(entry) => show(&entry),
        Err(why) => format!("no: {why}"),
    };
    assert_eq!(found, expected, "for {line}");
}

#[test]
fn keys() {
    check("johndoe@spammer.com REJECT", "Any <johndoe@spammer.com> Reject");
    check("From:Spammer@AOL.com reject", "From <Spammer@aol.com> Reject");
    check("FREE.STEALTH.MAILER@ REJECT", "Any free.stealth.mailer@ Reject");
    check("Cyberspammer.COM REJECT", "Any cyberspammer.com Reject");
    check("Connect:dialup.example.net DISCARD", "Connect dialup.example.net Discard");
    check("xyz REJECT", "Any xyz Reject");
    check("To:friend.example RELAY", "To friend.example Relay");
    check("128.32 RELAY", "Any 128.32.0.0/16 Relay");
    check("10 RELAY", "Any 10.0.0.0/8 Relay");
    check("192.168.212 OK", "Any 192.168.212.0/24 Ok");
    check("Connect:192.0.2.7 OK", "Connect 192.0.2.7/32 Ok");
    check("connect:192.0.2.0/25 OK", "Connect 192.0.2.0/25 Ok");
    check("From:[127.0.0.3] OK", "From 127.0.0.3/32 Ok");
    check("IPv6:2002:c0a8:02c7 RELAY", "Any 2002:c0a8:2c7::/48 Relay");
    check("IPv6:2002:c0a8:51d2::23f4 REJECT", "Any 2002:c0a8:51d2::23f4/128 Reject");
    check("Connect:ipv6:2001:db8::/32 OK", "Connect 2001:db8::/32 Ok");
    check("To:[IPv6:2001:db8::7] OK", "To 2001:db8::7/128 Ok");
    check("Connect:IPv6:1:2:3:4:5:6:7:8 OK", "Connect 1:2:3:4:5:6:7:8/128 Ok");
    check("From:[192.0.2.1] REJECT", "From 192.0.2.1/32 Reject");
    check("bücher.example REJECT", "Any xn--bcher-kva.example Reject");
}

#[test]
fn values() {
    check("a.example ERROR:5.7.1:550 Go away", "Any a.example 550 5.7.1 Go away");
    check("a.example ERROR:550 Go away", "Any a.example 550 Go away");
    check("a.example ERROR:\"550 We don't accept mail\"", "Any a.example 550 We don't accept mail");
    check("a.example ERROR:5.7.1:\"550 No\"", "Any a.example 550 5.7.1 No");
    check("a.example error:4.7.1:451 Later", "Any a.example 451 4.7.1 Later");
    check("a.example ERROR:550 5.7.1 No", "Any a.example 550 5.7.1 No");
    check("a.example 554 5.7.1 No", "Any a.example 554 5.7.1 No");
    check("a.example 450 Later", "Any a.example 450 Later");
    check("a.example \"550 Quoted\"", "Any a.example 550 Quoted");
    check("From:a.example QUARANTINE:look", "From a.example Quarantine(\"look\")");
    check("10.1 quarantine:\"by us\"", "Any 10.1.0.0/16 Quarantine(\"by us\")");
    check(
        "To:a.example QUARANTINE:look",
        "no: only what a sender or a client sends can be held; the entry has no effect (for one \
         recipient write `REJECT` or `DISCARD`)",
    );
    check("a.example 550", "Any a.example 550 Access denied");
    check("a.example 550 5.7.1", "Any a.example 550 5.7.1 Access denied");
}

#[test]
fn what_is_refused() {
    let never = |text: &str, why: &str| {
        check(&format!("{text} REJECT"), &format!("no: `{text}` can never match: {why}"));
    };
    never("123.456.678.901", "`456` is greater than 255");
    never("192.0.2.", "`192.0.2.` has an empty part: no address begins so");
    never("192.0.2.1.5", "an IPv4 address has four parts, not 5");
    never("192.000.2.1", "`000` has a leading zero: addresses have none");
    never("192.0.2.0/33", "the prefix length must be from 0 to 32");
    never("2001:db8::1", "an IPv6 address needs its tag: `IPv6:2001:db8::1`");
    never("2001:db8", "an IPv6 address needs its tag: `IPv6:2001:db8`");
    never("IPv6:2001:xyz", "`xyz` is no group of an IPv6 address");
    never("IPv6:1:2:3:4:5:6:7:8:9", "an IPv6 address has eight groups, not 9");
    never("IPv6:::ffff:192.0.2.1", "such clients are known by IPv4: write `192.0.2.1`");
    check(
        "IPv6:2001:db8:: REJECT",
        "no: this is one single address; for the network write `IPv6:2001:db8`",
    );
    check(
        "192.0.2.7/24 OK",
        "no: `192.0.2.7/24` has bits behind its prefix; it means `192.0.2.0/24`",
    );
    check(
        "@spammer.example REJECT",
        "no: `@spammer.example` can never match (write `spammer.example`)",
    );
    check(
        ".spammer.example REJECT",
        "no: `.spammer.example` can never match (write `spammer.example`: it covers everything \
         below it)",
    );
    check(
        "Connect:a@b.example REJECT",
        "no: `Connect:a@b.example` can never match: a client is no mail address (for senders \
         write `From:a@b.example`)",
    );
    check(
        "From:192.0.2 REJECT",
        "no: `192.0.2` can never match: no address of a mail is a network (for clients write \
         `Connect:192.0.2`)",
    );
    check(
        "From:boss@example.org RELAY",
        "no: anybody can write any sender: RELAY for one means no more than OK",
    );
    check("Form:a.example REJECT", "no: there is no tag `Form:` (did you mean `From:`?)");
    check(
        "GreetPause:a.example 5000",
        "no: the tag `GreetPause:` is not supported; the entry has no effect",
    );
    check("a.example REJCT", "no: there is no value `REJCT` (did you mean `REJECT`?)");
    check("a.example SKIP", "no: the value `SKIP` is not supported; the entry has no effect");
    check("a.example QUARANTINE:", "no: a reason of 1 to 200 bytes has to follow");
    check(
        "a.example REJECT # old",
        "no: the value is all of `REJECT # old`: a comment has a line of its own",
    );
    check("a.example ERROR:5.7.1:450 No", "no: the enhanced code and 450 are of different classes");
    check("a.example ERROR:250 Fine", "no: `250` is no code from 400 to 599");
    check("a.example 999 No", "no: `999` is no code from 400 to 599");
    check("a.example 550 Grüße", "no: the text of the reply may only have printable ASCII");
    check(
        "a..b REJECT",
        "no: `a..b`: a label of the domain is empty, too long, or begins or ends with a hyphen",
    );
}

#[test]
fn a_real_file() {
    let text = "\u{feff}# access\r\n\
        Connect:localhost\t\tRELAY\r\n\
        123.456.678.901 REJECT\r\n\
        192.0.2\tREJECT\r\n\
        \r\n\
        cyberspammer.com\tERROR:\"550 We don't accept mail from spammers\"\r\n\
        CyberSpammer.com\tOK\r\n\
        192.0.2.0/24\tOK\r\n\
        Connect: 198.51.100.1 REJECT\r\n\
        \tindented.example REJECT\r\n\
        novalue.example\r\n\
        a.example   REJCT\r\n\
        Spam:a@a.example  FRIEND\r\n";
    let (entries, problems) = parse_file(Path::new("/etc/mail/access"), text);
    let entries: Vec<_> = entries.iter().map(|e| format!("{} {}", e.line, show(e))).collect();
    assert_eq!(
        entries,
        [
            "2 Connect localhost Ok",
            "4 Any 192.0.2.0/24 Reject",
            "6 Any cyberspammer.com 550 We don't accept mail from spammers",
        ]
    );
    let mut problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.sort_by_key(|p| p.split(':').nth(1).unwrap().parse::<usize>().unwrap());
    assert_eq!(
        problems,
        [
            "/etc/mail/access:2:20: warning: a client's name is what its owner's DNS says: \
             RELAY for one means no more than OK",
            "/etc/mail/access:3:1: warning: `123.456.678.901` can never match: `456` is greater \
             than 255",
            "/etc/mail/access:7:1: warning: `CyberSpammer.com` is there twice; \
             /etc/mail/access:6 came first and holds",
            "/etc/mail/access:8:1: warning: `192.0.2.0/24` is there twice; /etc/mail/access:4 \
             came first and holds",
            "/etc/mail/access:9:1: error: nothing stands behind `Connect:`: it can never match \
             (no white space between the tag and its key)",
            "/etc/mail/access:10:1: error: an entry may not begin with white space: sendmail \
             would skip this line",
            "/etc/mail/access:11:16: error: `novalue.example` has no value",
            "/etc/mail/access:12:13: error: there is no value `REJCT` (did you mean `REJECT`?)",
            "/etc/mail/access:13:1: warning: the tag `Spam:` is not supported; the entry has no \
             effect",
        ]
    );
}

#[test]
fn brackets_are_for_the_hosts_of_addresses() {
    let bracketed = |text: &str, bare: &str| {
        let why = format!(
            "no: `{text}` is taken for the client `{bare}` too: for sendmail brackets are for the \
             host of a mail address alone (write `Connect:{bare}` for the client, `From:{text}` \
             for senders)"
        );
        check(&format!("{text} REJECT"), &why);
        check(&format!("Connect:{text} REJECT"), &why);
    };
    bracketed("[192.0.2.9]", "192.0.2.9");
    bracketed("[IPv6:2001:db8::7]", "IPv6:2001:db8::7");
}

/// In a file the entry holds: it refuses more than sendmail would, never less.
#[test]
fn a_client_in_brackets_is_taken_with_a_warning() {
    let (entries, problems) = parse_file(Path::new("a"), "[192.0.2.9] REJECT\n");
    assert_eq!(entries.iter().map(show).collect::<Vec<_>>(), ["Any 192.0.2.9/32 Reject"]);
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert!(problem.starts_with("a:1:1: warning: `[192.0.2.9]` is taken for"), "{problem}");
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let text =
        String::from_utf8_lossy(b"# Gr\xfc\xdfe\nm\xfcller@a.example REJECT\na.example O\0K\n");
    let (entries, problems) = parse_file(Path::new("a"), &text);
    assert!(entries.is_empty());
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let expected =
        ["a:2:2: error: this is not UTF-8", "a:3:12: error: a control character stands here"];
    assert_eq!(problems, expected);
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = parse_file(Path::new("a"), &text);
    }

    #[test]
    fn never_panics_on_what_looks_like_entries(
        text in "((Connect:|From:|To:|IPv6:|\\[)?[0-9a-f:./@\\]]{0,12}[ \t]+(REJECT|ERROR:|\
         [0-9.:\" ]){1,4}\n){0,8}"
    ) {
        let (entries, _) = parse_file(Path::new("a"), &text);
        for entry in entries {
            prop_assert!(entry.line > 0 && !entry.text.is_empty());
        }
    }
}

#[test]
fn a_value_is_kept_as_it_was_written() {
    let (entries, _) = parse_file(Path::new("access"), "From:boss@example.org RELAY\n");
    let kept = entries.first().map(|entry| (entry.value.as_str(), &entry.action));
    assert_eq!(kept, Some(("RELAY", &super::Action::Ok)));
}
