//! Who is told that mail is held: the table of the manual, with senders that are forged in every
//! way, and not one message to somebody who never wrote.

use crate::server::{Server, run, text};
use serde_json::{Value, json};
use std::path::Path;

/// Our own domain's user, as others would forge it.
const ANNA: &str = "anna@gatepost.example";

/// Who signs, and whether the signature still fits.
#[derive(Clone, Copy, PartialEq)]
enum Seal {
    None,
    Good(&'static str),
    Broken(&'static str),
}

use Seal::{Broken, Good, None as Unsigned};

/// One message of a stranger: what it is, the envelope's sender, its fields and its seal; how many
/// messages leave for elsewhere because of it.
type Case = (&'static str, &'static str, &'static str, Seal, usize);

/// The table. Where it says 1, the one is for the envelope's sender.
const CASES: &[Case] = &[
    ("nobody says who may send", "a@nospf.example", "From: a@nospf.example", Unsigned, 0),
    ("SPF doubts", "b@soft.example", "From: b@soft.example", Unsigned, 0),
    ("SPF fails", "c@fail.example", "From: c@fail.example", Unsigned, 0),
    ("SPF fails, DMARC refuses", "d@strict.example", "From: d@strict.example", Unsigned, 0),
    ("proven, but From is another's", "e@good.example", "From: e@nospf.example", Unsigned, 0),
    ("From of a known domain alone", "f@nospf.example", "From: f@good.example", Unsigned, 0),
    ("From names another of it", "g@good.example", "From: boss@good.example", Unsigned, 0),
    ("From is of a domain above", "h@sub.good.example", "From: h@good.example", Unsigned, 0),
    ("From names two", "i@good.example", "From: i@good.example, j@good.example", Unsigned, 0),
    (
        "From stands twice",
        "k@good.example",
        "From: k@good.example\r\nFrom: x@x.example",
        Unsigned,
        0,
    ),
    ("there is no From", "l@good.example", "X-From: l@good.example", Unsigned, 0),
    ("the signature is broken", "m@key.example", "From: m@key.example", Broken("key.example"), 0),
    ("another signs", "n@nospf.example", "From: n@nospf.example", Good("key.example"), 0),
    (
        "replayed in another's name",
        "o@key.example",
        "From: boss@key.example",
        Good("key.example"),
        0,
    ),
    ("the null path", "", "From: p@good.example", Unsigned, 0),
    ("a list", "q@good.example", "From: q@good.example\r\nList-Id: <l.good.example>", Unsigned, 0),
    (
        "a newsletter",
        "r@good.example",
        "From: r@good.example\r\nList-Unsubscribe: <x:y>",
        Unsigned,
        0,
    ),
    ("bulk", "s@good.example", "From: s@good.example\r\nPrecedence: bulk", Unsigned, 0),
    (
        "a program answered",
        "t@good.example",
        "From: t@good.example\r\nAuto-Submitted: auto-replied",
        Unsigned,
        0,
    ),
    (
        "a report",
        "u@good.example",
        "From: u@good.example\r\nContent-Type: multipart/report; boundary=b",
        Unsigned,
        0,
    ),
    ("a list's owner", "owner-l@good.example", "From: owner-l@good.example", Unsigned, 0),
    ("nobody reads it", "no-reply@good.example", "From: no-reply@good.example", Unsigned, 0),
    ("one of ours is forged", ANNA, "From: anna@gatepost.example", Unsigned, 0),
    ("ours, in the envelope alone", ANNA, "From: v@nospf.example", Unsigned, 0),
    ("nobody of ours", "nobody@gatepost.example", "From: nobody@gatepost.example", Unsigned, 0),
    // Those who wrote are told; once a day, however they write themselves.
    ("proven by SPF", "dora@good.example", "From: Dora <dora@good.example>", Unsigned, 1),
    ("the same day", "dora@good.example", "From: dora@good.example", Unsigned, 0),
    ("in capitals", "Dora@GOOD.example", "From: dora@good.example", Unsigned, 0),
    ("proven by a signature", "emil@key.example", "From: emil@key.example", Good("key.example"), 1),
    ("a domain below", "w@sub.good.example", "From: w@sub.good.example", Unsigned, 1),
    (
        "a person says so",
        "z@good.example",
        "From: z@good.example\r\nAuto-Submitted: no\r\nPrecedence: first-class",
        Unsigned,
        1,
    ),
];

/// A zone with all whom the table knows; the key's record is made on the way.
pub(crate) fn zone(folder: &Path) -> std::path::PathBuf {
    let record = sealed(folder, Unsigned, "").0;
    let (first, second) = record.split_at(200);
    let records = format!(
        "example. NS ns.example.\n\
         gatepost.example. TXT \"v=spf1 ip4:192.0.2.25 -all\"\n\
         good.example. TXT \"v=spf1 ip4:127.0.0.1 -all\"\n\
         _dmarc.good.example. TXT \"v=DMARC1; p=none\"\n\
         sub.good.example. TXT \"v=spf1 ip4:127.0.0.1 -all\"\n\
         soft.example. TXT \"v=spf1 ~all\"\n\
         fail.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n\
         strict.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n\
         _dmarc.strict.example. TXT \"v=DMARC1; p=reject\"\n\
         s._domainkey.key.example. TXT \"{first}\" \"{second}\"\n"
    );
    let zone = folder.join("zone");
    std::fs::write(&zone, records).unwrap();
    zone
}

/// The record of the key, and a message with its signature.
fn sealed(folder: &Path, seal: Seal, message: &str) -> (String, String) {
    let key = folder.join("key.pem");
    let domain = match seal {
        Unsigned => "",
        Good(domain) | Broken(domain) => domain,
    };
    let args = ["-c", include_str!("notices.py"), &key.to_string_lossy(), domain, message];
    let output = run("/usr/bin/python3", &args);
    let said: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let of = |name: &str| said[name].as_str().unwrap().to_owned();
    let message = of("message");
    let message =
        if matches!(seal, Broken(_)) { message.replace("hello", "hollo") } else { message };
    (of("record"), message)
}

/// Sends a message of a stranger; the last answer.
pub(crate) fn send(server: &Server, from: &str, to: &str, message: &str) -> String {
    let mut talk = server.smtp();
    talk.say("EHLO mx.client.example");
    for command in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
        let reply = talk.say(&command);
        if !reply.starts_with(['2', '3']) {
            return reply;
        }
    }
    talk.say(&format!("{message}."))
}

/// Whom mail of ours waits for that goes elsewhere.
fn queued(server: &Server) -> Vec<String> {
    let listed = server.admin(&["queue", "list", "--limit", "1000"]);
    let rows = listed["value"]["rows"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("{listed}"));
    rows.iter().map(|row| row["recipient"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn held(server: &Server, args: &[&str]) -> Vec<Value> {
    let listed = server.admin(&[&["quarantine", "list"], args].concat());
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

#[test]
fn nobody_hears_of_mail_that_he_did_not_send() {
    let folder = tempfile::tempdir().unwrap();
    let zone = zone(folder.path());
    // Nobody listens there: what would leave stays where it can be counted.
    let settings = "[send]\nsmarthost = \"127.0.0.1:1\"\n";
    let server = Server::with_zone(folder.path(), settings, &zone);
    let before = queued(&server).len();
    server.admin(&["access", "add", "Connect:127.0.0.1", "QUARANTINE:look"]);
    let (anna, _) = server.user(0);
    let inbox = server.messages();
    let mut told = 0;
    let mut accepted = 0;
    for (name, from, fields, seal, expected) in CASES {
        let message = format!("{fields}\r\nSubject: {name}\r\n\r\nhello\r\n");
        let (_, message) = sealed(folder.path(), *seal, &message);
        let reply = send(&server, from, &anna, &message);
        accepted += usize::from(reply.starts_with("250 "));
        let all = queued(&server);
        assert_eq!(all.len(), before + told + expected, "{name}: {reply}: {all:?}");
        if *expected == 1 {
            assert!(all.iter().any(|to| to == from), "{name}: {all:?}");
        }
        told += expected;
    }
    let forged = CASES.iter().filter(|case| case.4 == 0).count();
    assert!(forged >= 20, "{forged} alone are forged");
    // Most of it was taken and held, so that there was something to tell.
    assert!(held(&server, &["--limit", "100"]).len() == accepted && accepted >= 24, "{accepted}");
    assert_eq!(server.messages(), inbox, "somebody of ours was told of what others forged");
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn who_names_a_virus_or_comes_unproven_from_our_networks_hears_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let zone = zone(folder.path());
    let settings = "[send]\nsmarthost = \"127.0.0.1:1\"\n";
    let server = Server::with_zone(folder.path(), settings, &zone);
    let before = queued(&server).len();
    let (anna, _) = server.user(0);
    let virus = attached("dora@good.example", "eicar.com", EICAR);
    assert!(send(&server, "dora@good.example", &anna, &virus).starts_with("250 "));
    let rows = held(&server, &[]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["reason"], json!("virus_found"), "{rows:?}");
    assert_eq!(queued(&server).len(), before);
    // The same without the virus: she hears that a part was taken out.
    let program = attached("dora@good.example", "setup.exe", "hello");
    assert!(send(&server, "dora@good.example", &anna, &program).starts_with("250 "));
    assert_eq!(held(&server, &[]).len(), 2);
    assert_eq!(queued(&server).len(), before + 1);
    drop(server);

    // A machine of a relay network may name any sender: that proves nothing.
    let other = tempfile::tempdir().unwrap();
    let settings = format!("{settings}[relay]\nnetworks = [\"127.0.0.1/32\"]\n");
    let server = Server::with_zone(other.path(), &settings, &zone);
    let before = queued(&server).len();
    server.admin(&["access", "add", "From:good.example", "QUARANTINE:look"]);
    let message = "From: dora@good.example\r\nSubject: x\r\n\r\nhello\r\n";
    assert!(send(&server, "dora@good.example", &anna, message).starts_with("250 "));
    assert_eq!(held(&server, &[]).len(), 1);
    assert_eq!(queued(&server).len(), before);
}

/// The test file that every scanner names, in two pieces so that none names this one.
const EICAR: &str =
    concat!(r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*");

pub(crate) fn attached(from: &str, name: &str, content: &str) -> String {
    format!(
        "From: {from}\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         hello\r\n--b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{content}\r\n--b--\r\n"
    )
}
