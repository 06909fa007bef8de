//! What is held is told once, by digests; asked for by an answer; and released by the
//! administrator.

use crate::forwarding::publish_all;
use crate::notices::{attached, held, send, zone};
use crate::reports::collect;
use crate::sending::{self, Sink, submit};
use crate::server::{Server, run, text};
use crate::signing::keys;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const FORGED: &str = "dora@nospf.example";
const PROVEN: &str = "dora@good.example";
const RELEASE: &str = "release@mail.gatepost.example";

/// What a user finds in INBOX, decoded by Python's mail library.
pub(crate) fn inbox(server: &Server, user: usize) -> Vec<Value> {
    let (address, password) = server.user(user);
    let port = server.port("pop3s").to_string();
    let output = run("python3", &["-c", include_str!("requests.py"), &port, &address, &password]);
    let read: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    read.as_array().unwrap().clone()
}

/// The same, once so many messages have these words in their Message-ID.
pub(crate) fn told(server: &Server, user: usize, kind: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let mut all = inbox(server, user);
        all.retain(|mail| mail["id"].as_str().unwrap().contains(kind));
        if all.len() >= count {
            assert_eq!(all.len(), count, "{all:?}");
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{kind}: {} of {count}", all.len());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Every token in a text, with its brackets.
fn tokens(mail: &Value) -> Vec<String> {
    let words = mail["text"].as_str().unwrap();
    let pieces = words.split('[').skip(1).filter_map(|piece| piece.split_once(']'));
    let is_token = |token: &&str| token.len() > 33 && token.contains('-');
    pieces.map(|(token, _)| token).filter(is_token).map(|token| format!("[{token}]")).collect()
}

fn is_ours(mail: &Value) {
    assert_eq!(mail["path"], json!("<>"), "{mail}");
    assert!(mail["auto"].as_str().unwrap().starts_with("auto-"), "{mail}");
    assert_eq!(mail["ascii"], json!(true), "{mail}");
    assert!(mail["longest"].as_u64().unwrap() <= 998, "{mail}");
}

fn from(sender: &str, fields: &str, words: &str) -> String {
    format!("From: {sender}\r\n{fields}Subject: Re: held\r\n\r\n{words}\r\n")
}

pub(crate) fn requested(server: &Server) -> usize {
    held(server, &["--requested"]).len()
}

/// The administrator's mail as it came, once there is word of a request.
fn administrator(server: &Server, folder: &Path) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let out = folder.join(format!("admin-{}", begun.elapsed().as_nanos()));
        let address = server.facts["admin"]["address"].as_str().unwrap();
        server.admin(&["mailbox", "export", address, "INBOX", &out.to_string_lossy()]);
        let mut mails = Vec::new();
        collect(&out, &mut mails);
        if mails.iter().any(|mail| mail.contains(".request@")) {
            return mails;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing of a request: {mails:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Each of the requests that count for nothing says in the trace why.
fn all_were_ignored(server: &Server) {
    let trace = server.admin(&["trace", RELEASE, "--limit", "100"]).to_string();
    for why in ["automatic", "no_token", "sender_not_proven", "null_sender", "too_large"] {
        assert!(trace.contains(&format!("request=ignored why={why}")), "{why}: {trace}");
    }
}

/// Has messages held for these recipients, with these subjects and what looks like a token.
fn hold(server: &Server, messages: &[(&str, &str)]) {
    for (to, subject) in messages {
        let message = format!(
            "From: x@held.example\r\nSubject: {subject} [9-{}]\r\n\r\nhello\r\n",
            "0".repeat(32)
        );
        let reply = send(server, "x@held.example", to, &message);
        assert!(reply.starts_with("250 "), "{to}: {reply}");
    }
    assert_eq!(held(server, &[]).len(), messages.len());
}

#[test]
fn each_hears_once_and_asks_by_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let zone = zone(folder.path());
    let settings = "[send]\nsmarthost = \"127.0.0.1:1\"\n[quarantine]\ndigest_hours = 1\n\
                    [texts]\nlanguage = \"de\"\n";
    let at = |hour: u32| format!("2026-12-01T{hour:02}:00:00Z");
    let server = Server::with_zone_at(folder.path(), settings, &zone, &at(8));
    let ((anna, _), (ben, _)) = (server.user(0), server.user(1));
    let team = "team@gatepost.example";
    server.admin(&["alias", "add", team, &anna, &ben]);
    server.admin(&["access", "add", "From:held.example", "QUARANTINE:look"]);
    hold(&server, &[(&anna, "first"), (&ben, "for Ben"), (&anna, "second"), (team, "Größe")]);
    drop(server);

    // An hour later the digests are due, at once for all.
    let server = Server::with_zone_at(folder.path(), settings, &zone, &at(10));
    let digest = told(&server, 0, ".digest@", 1).remove(0);
    is_ours(&digest);
    assert_eq!(digest["reply"], json!(RELEASE), "{digest}");
    let words = digest["text"].as_str().unwrap();
    for fact in ["first", "second", "Größe", team, "hält Nachrichten"] {
        assert!(words.contains(fact), "{fact}: {words}");
    }
    assert!(!words.contains("for Ben"), "{words}");
    let mine: Vec<String> =
        tokens(&digest).into_iter().filter(|token| !token.contains("0000000000")).collect();
    assert_eq!(mine.len(), 3, "{words}");
    let bens = told(&server, 1, ".digest@", 1).remove(0);
    assert_eq!(bens["text"].as_str().unwrap().matches("x@held.example").count(), 2, "{bens}");
    drop(server);

    // Everybody knows now: nothing more is told, and what is answered counts if it may.
    let server = Server::with_zone_at(folder.path(), settings, &zone, &at(12));
    let (one, of_ben) = (&mine[0], tokens(&bens).remove(0));
    let log_in = |user: usize, fields: &str, words: &str| {
        let (address, _) = server.user(user);
        let said = submit(&server, user, &[RELEASE], &from(&address, fields, words));
        assert_eq!(said.trim(), "sent");
    };
    log_in(0, "Auto-Submitted: auto-replied\r\n", one);
    log_in(0, "", &of_ben);
    log_in(0, "", "nothing");
    for sender in [FORGED, PROVEN, &anna, ""] {
        let author = if sender.is_empty() { PROVEN } else { sender };
        let reply = send(&server, sender, RELEASE, &from(author, "", one));
        assert!(reply.starts_with("250 ") || sender == anna, "{sender}: {reply}");
    }
    let large = format!("{one}\r\n{}", "x\r\n".repeat(100_000));
    assert!(send(&server, PROVEN, RELEASE, &from(PROVEN, "", &large)).starts_with("250 "));
    assert_eq!(requested(&server), 0);
    all_were_ignored(&server);
    log_in(0, "", &format!("> Anfrage: {one}"));
    assert_eq!(requested(&server), 1);
    log_in(0, "", one);
    // Of an alias each whom it leads to may ask.
    log_in(1, "", &tokens(&bens).pop().unwrap());
    let rows = held(&server, &["--requested"]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    let asked = rows.iter().find(|row| row["recipient"] == json!(anna)).unwrap();
    for user in 0..2 {
        told(&server, user, ".digest@", 1);
    }
    // The administrator heard of all that is held in one message, and of the requests.
    let mails = administrator(&server, folder.path());
    let of = |kind: &str| mails.iter().filter(|mail| mail.contains(kind)).count();
    assert_eq!(of(".held@"), 1, "{mails:?}");
    assert!((1..=2).contains(&of(".request@")), "{mails:?}");
    assert!(mails.iter().all(|mail| !mail.contains(&one[1..one.len() - 1])), "{mails:?}");

    let released = server.admin(&["quarantine", "release", &asked["id"].to_string()]);
    assert_eq!(released["result"], json!("done"), "{released}");
    let subjects: Vec<String> =
        inbox(&server, 0).iter().map(|m| m["subject"].to_string()).collect();
    assert!(subjects.iter().any(|subject| subject.contains("first")), "{subjects:?}");
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn parts_are_asked_for_by_the_line_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let settings = format!("[send]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port);
    let zone = publish_all(folder.path(), &settings);
    let server = Server::with_zone(folder.path(), &settings, &zone);
    keys(&server, "active");
    let (anna, _) = server.user(0);
    let (ben, _) = server.user(1);
    let far = "gina@good.example";
    server.admin(&["alias", "add", "away@gatepost.example", far]);
    server.admin(&["alias", "add", "both@gatepost.example", &anna, far]);
    let message = attached(PROVEN, "setup.exe", "hello");
    let message = message.replacen("Subject:", "Message-ID: <4711@good.example>\r\nSubject:", 1);
    assert!(send(&server, PROVEN, "both@gatepost.example", &message).starts_with("250 "));

    // Each has the cleaned message with the line; the sender has word of it, signed.
    sending::told(&server, far, "relayed");
    sending::told(&server, PROVEN, "relayed");
    let took = sink.took();
    let of = |name: &str| &took.iter().find(|(to, _)| to == name).unwrap().1;
    let notice = of("dora");
    for fact in ["DKIM-Signature:", "Auto-Submitted: auto-replied", "setup.exe"] {
        assert!(notice.contains(fact), "{fact}: {notice}");
    }
    assert!(notice.contains("In-Reply-To: <4711@good.example>"), "{notice}");
    assert_eq!(sink.sender("dora"), "<>");
    let (_, line) = of("gina").split_once("    [m").unwrap();
    let token = format!("[m{}]", line.split_once(']').unwrap().0);
    // Its line is broken where quoted-printable breaks lines.
    let unbroken = of("gina").replace("=\r\n", "").replace("=\n", "");
    assert!(unbroken.contains(RELEASE), "{unbroken}");

    let rows = held(&server, &[]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    // Only who got it may ask, each for his own.
    send(&server, "dora@elsewhere.example", RELEASE, &from(far, "", &token));
    send(&server, PROVEN, RELEASE, &from(PROVEN, "", &token));
    assert_eq!(submit(&server, 1, &[RELEASE], &from(&ben, "", &token)).trim(), "sent");
    assert_eq!(requested(&server), 0);
    assert!(send(&server, far, RELEASE, &from(far, "", &token)).starts_with("250 "));
    let asked = held(&server, &["--requested"]);
    assert_eq!((asked.len(), &asked[0]["recipient"]), (1, &json!(far)), "{asked:?}");
    assert_eq!(submit(&server, 0, &[RELEASE], &from(&anna, "", &token)).trim(), "sent");
    assert_eq!(requested(&server), 2);
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn our_own_users_hear_that_what_they_send_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(folder.path(), "[texts]\nlanguage = \"de\"\n");
    let (anna, _) = server.user(0);
    server.admin(&["access", "add", &format!("From:{anna}"), "QUARANTINE:look"]);
    let id = "<1@anna.example>";
    for subject in ["erste Größe", "zweite"] {
        let message = format!(
            "From: {anna}\r\nMessage-ID: {id}\r\nSubject: {subject}\r\nPrecedence: bulk\r\n\r\nx\r\n"
        );
        assert_eq!(submit(&server, 0, &["dora@far.example"], &message).trim(), "sent");
    }
    assert_eq!(held(&server, &[]).len(), 2);
    let told = told(&server, 0, ".held@", 2);
    for notice in &told {
        is_ours(notice);
        assert_eq!(notice["answers"], json!(id), "{notice}");
        assert!(notice["text"].as_str().unwrap().contains("dora@far.example"), "{notice}");
    }
    assert!(told[0]["subject"].as_str().unwrap().contains("Größe"), "{told:?}");
    let queue = server.admin(&["queue", "list"]);
    assert_eq!(queue["value"]["rows"], json!([]), "{queue}");
}
