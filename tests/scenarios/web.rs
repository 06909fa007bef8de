//! The release page: a link shows what is held, its button asks for it, once; and nothing that a
//! stranger wrote, or another site sends, does anything.

use crate::attachments::{attached, mailbox, program};
use crate::notices::{held, send, zone};
use crate::requests::{inbox, requested, told};
use crate::server::{Server, run, text};
use serde_json::{Value, json};

const HOST: &str = "mail.gatepost.example";
/// A subject that would do something if it were taken for HTML.
const HOSTILE: &str = "<script>document.title='taken'</script>\"'><img src=x onerror=\
                       document.title='taken'>";
const NOTHING: &str = "Nothing is held under this link";

/// Answers to requests over one connection.
fn ask(server: &Server, requests: &[Value]) -> Vec<Value> {
    let port = server.port("https").to_string();
    let asked = Value::from(requests).to_string();
    let output = run("python3", &["-c", include_str!("pages.py"), &port, &asked]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

fn get(path: &str) -> Value {
    json!({ "method": "GET", "path": path })
}

fn post(path: &str, fields: &str, more: &[(&str, &str)]) -> Value {
    let mut headers = json!({ "Content-Type": "application/x-www-form-urlencoded" });
    for (name, value) in more {
        headers[*name] = json!(value);
    }
    json!({ "method": "POST", "path": path, "body": fields, "headers": headers })
}

fn status(answer: &Value) -> u64 {
    answer["status"].as_u64().unwrap()
}

/// The one link in a text, and its path.
fn link(server: &Server, words: &str) -> (String, String) {
    let base = format!("https://{HOST}:{}", server.port("https"));
    let found: Vec<&str> = words.split_whitespace().filter(|it| it.starts_with(&base)).collect();
    let [link] = found.as_slice() else { panic!("{base}: {words}") };
    ((*link).to_owned(), link[base.len()..].to_owned())
}

/// The mark of the form in a page.
fn mark(page: &Value) -> String {
    let body = page["body"].as_str().unwrap();
    let (_, rest) = body.split_once("name=\"mark\" value=\"").unwrap_or_else(|| panic!("{body}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn is_strict(answer: &Value) {
    let headers = &answer["headers"];
    let policy = headers["content-security-policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(headers[name], json!(value), "{name}");
    }
    assert_eq!(headers["set-cookie"], Value::Null);
    let body = answer["body"].as_str().unwrap();
    for odd in ["<script", "<style", "style=", " onclick", "javascript:"] {
        assert!(!body.contains(odd), "{odd}: {body}");
    }
}

/// Nothing is done without the mark, from elsewhere, to another path, or by another method.
fn only_its_own_form_counts(server: &Server, path: &str, mark: &str) {
    let own = format!("https://{HOST}:{}", server.port("https"));
    let fields = format!("mark={mark}");
    let other = format!("{}x", &path[..path.len() - 1]);
    let refused = [
        (post(path, "", &[("Origin", &own)]), 403),
        (post(path, "mark=1-0", &[]), 403),
        (post(path, &fields, &[("Origin", "https://evil.example")]), 403),
        (post(path, &fields, &[("Origin", "null")]), 403),
        (post(path, &fields, &[("Sec-Fetch-Site", "cross-site")]), 403),
        (post(&other, &fields, &[]), 403),
        (post("/style.css", &fields, &[]), 405),
        (json!({ "method": "PUT", "path": path }), 405),
    ];
    for (request, expected) in refused {
        let answer = ask(server, std::slice::from_ref(&request)).remove(0);
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        is_strict(&answer);
    }
}

/// What a person sees, and that another site's page does nothing.
fn in_a_browser(link: &str, mark: &str) {
    let script = include_str!("browser.py");
    let output = run("python3", &["-c", script, HOST, link, mark]);
    let seen: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(seen["foreign"]["heading"], json!("Not done"), "{seen}");
    let page = &seen["page"];
    assert_eq!(page["heading"], json!("Held for you"), "{seen}");
    assert_eq!(page["title"], json!(format!("Held for you - {HOST}")), "{seen}");
    assert!(page["text"].as_str().unwrap().contains(HOSTILE), "{page}");
    assert_eq!((&page["scripts"], &page["display"]), (&json!(0), &json!("grid")), "{page}");
    assert_eq!(seen["asked"]["heading"], json!("Asked for"), "{seen}");
    assert_eq!(seen["again"]["heading"], json!(NOTHING), "{seen}");
    let log = seen["log"].to_string();
    assert!(!log.contains("Content Security Policy"), "{log}");
}

#[test]
fn a_digest_leads_to_a_page_whose_button_asks_once() {
    let folder = tempfile::tempdir().unwrap();
    let zone = zone(folder.path());
    let settings = "[listen]\nhttps = [\"127.0.0.1:0\"]\n[quarantine]\ndigest_hours = 1\n";
    let at = |hour: u32| format!("2026-12-01T{hour:02}:00:00Z");
    let server = Server::with_zone_at(folder.path(), settings, &zone, &at(8));
    let (anna, _) = server.user(0);
    server.admin(&["access", "add", "From:held.example", "QUARANTINE:look"]);
    let sender = "\"<b>x\\\"'</b>\"@held.example";
    let message = format!("From: {sender}\r\nSubject: {HOSTILE}\r\nDate: <i>\r\n\r\nsecret\r\n");
    assert!(send(&server, sender, &anna, &message).starts_with("250 "));
    drop(server);

    let server = Server::with_zone_at(folder.path(), settings, &zone, &at(10));
    let digest = told(&server, 0, ".digest@", 1).remove(0);
    let (link, path) = link(&server, digest["text"].as_str().unwrap());
    // Whatever follows links asks for nothing.
    let head = json!({ "method": "HEAD", "path": path });
    let shown = ask(&server, &[get(&path), head, get(&path), get("/style.css"), get("/")]);
    let statuses: Vec<u64> = shown.iter().map(status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 404], "{shown:?}");
    shown.iter().for_each(is_strict);
    let page = shown[0]["body"].as_str().unwrap();
    for fact in [&*anna, "&#60;script&#62;document.title=&#39;taken&#39;", "&#60;b&#62;x"] {
        assert!(page.contains(fact), "{fact}: {page}");
    }
    assert!(!page.contains("secret"), "{page}");
    assert_eq!(shown[1]["body"], json!(""));
    let mark = mark(&shown[0]);
    only_its_own_form_counts(&server, &path, &mark);
    assert_eq!(requested(&server), 0);

    in_a_browser(&link, &mark);

    // It was good once; the administrator releases, as by mail.
    let rows = held(&server, &["--requested"]);
    assert_eq!((rows.len(), &rows[0]["requested_by"]), (1, &json!(anna)), "{rows:?}");
    let used = ask(&server, &[get(&path), post(&path, &format!("mark={mark}"), &[])]);
    assert_eq!(used.iter().map(status).collect::<Vec<_>>(), [404, 404], "{used:?}");
    let trace = server.admin(&["trace", &rows[0]["message"].to_string()]);
    let row = trace["value"]["rows"].as_array().unwrap().iter().find(|row| row["door"] == "https");
    let row = row.unwrap_or_else(|| panic!("{trace}"));
    assert_eq!((&row["peer"], &row["rule"]), (&json!("127.0.0.1"), &json!("recipient")), "{row}");
    let released = server.admin(&["quarantine", "release", &rows[0]["id"].to_string()]);
    assert_eq!(released["result"], json!("done"), "{released}");
    let refusals = server.admin(&["trace", "--limit", "200"]).to_string();
    for reason in ["foreign_form", "unknown_link", "form=site", "form=mark"] {
        assert!(refusals.contains(reason), "{reason}: {refusals}");
    }
    let mails = inbox(&server, 0);
    assert!(mails.iter().any(|mail| mail["subject"] == json!(HOSTILE)), "{mails:?}");
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn who_asks_for_parts_of_a_message_to_several_says_who_he_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[listen]\nhttps = [\"127.0.0.1:0\"]\n[texts]\nlanguage = \"de\"\n";
    let server = Server::with_settings(folder.path(), settings);
    let ((anna, _), (ben, _)) = (server.user(0), server.user(1));
    let mut talk = server.smtp();
    for command in ["EHLO client.example", "MAIL FROM:<carol@elsewhere.example>"] {
        assert!(talk.say(command).starts_with("250"));
    }
    for to in [&anna, &ben] {
        assert!(talk.say(&format!("RCPT TO:<{to}>")).starts_with("250 "));
    }
    assert!(talk.say("DATA").starts_with("354 "));
    talk.send(attached("set'<up>&.exe", &program()).as_bytes());
    assert!(talk.say(".").starts_with("250 "));

    let mails = mailbox(&server);
    let (_, path) = link(&server, mails[0]["parts"][1]["content"].as_str().unwrap());
    let page = ask(&server, &[get(&path)]).remove(0);
    assert_eq!(status(&page), 200, "{page}");
    is_strict(&page);
    let body = page["body"].as_str().unwrap();
    for fact in ["name=\"address\"", "set&#39;&#60;up&#62;&#38;.exe", "Um Freigabe bitten", "1024"]
    {
        assert!(body.contains(fact), "{fact}: {body}");
    }
    assert!(!body.contains(&anna) && !body.contains(&ben), "{body}");
    let with = |address: &str| {
        let address = address.replace('@', "%40");
        post(&path, &format!("mark={}&address={address}", mark(&page)), &[])
    };
    // Whether an address is one of the recipients is not told.
    let wrong = ask(&server, &[with("carol@elsewhere.example"), with(""), with("x")]);
    assert_eq!(requested(&server), 0);
    let right = ask(&server, &[with(&ben.to_uppercase()), with(&ben)]);
    let rows = held(&server, &["--requested"]);
    assert_eq!((rows.len(), &rows[0]["recipient"]), (1, &json!(ben)), "{rows:?}");
    let answers: Vec<_> = wrong.iter().chain(&right).collect();
    assert!(answers.iter().all(|answer| status(answer) == 200), "{answers:?}");
    assert!(answers.iter().all(|answer| answer["body"] == answers[0]["body"]), "{answers:?}");
    // The other one's is still to be asked for, and still only by the other.
    ask(&server, &[with(&ben)]);
    assert_eq!(requested(&server), 1);
    ask(&server, &[with(&anna)]);
    assert_eq!(requested(&server), 2);
    assert_eq!(status(&ask(&server, &[get(&path)])[0]), 404);
}

#[test]
fn a_visitor_has_limits() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[listen]\nhttps = [\"127.0.0.1:0\"]\n";
    let server = Server::with_settings(folder.path(), settings);
    let long = "x".repeat(20_000);
    let head = json!({ "method": "GET", "path": "/", "headers": { "X-Long": long } });
    assert_eq!(status(&ask(&server, &[head])[0]), 431);
    let fields: Vec<Value> = (0..100).map(|n| json!([format!("X-{n}"), "x"])).collect();
    let many: serde_json::Map<String, Value> =
        fields.iter().map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone())).collect();
    let many = json!({ "method": "GET", "path": "/", "headers": many });
    assert_eq!(status(&ask(&server, &[many])[0]), 431);
    let path = format!("/release/1-{}", "0".repeat(32));
    for (request, expected) in [
        (post(&path, &long, &[]), 400),
        (post(&path, "a=%zz", &[]), 400),
        (json!({ "method": "POST", "path": path, "body": "{}" }), 400),
    ] {
        assert_eq!(status(&ask(&server, std::slice::from_ref(&request))[0]), expected, "{request}");
    }
    // A hundred requests over one connection; then it is closed.
    let requests: Vec<Value> = (0..101).map(|_| get("/style.css")).collect();
    let answers = ask(&server, &requests);
    let closed: Vec<bool> =
        answers.iter().map(|it| it["headers"]["connection"] == "close").collect();
    assert_eq!(closed.iter().position(|closed| *closed), Some(99));
    // Links that lead to nothing are answered alike, a while.
    let guesses: Vec<Value> = (0..40).map(|n| get(&format!("/release/{n}-{:032x}", n))).collect();
    let statuses: Vec<u64> = ask(&server, &guesses).iter().map(status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 29, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
    // Who does not finish a request is sent away, and TLS is not optional.
    let script = "import socket, ssl, sys, time\n\
                  address = ('127.0.0.1', int(sys.argv[1]))\n\
                  plain = socket.create_connection(address, timeout=60)\n\
                  plain.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n\
                  assert b'HTTP' not in plain.recv(100)\n\
                  slow = ssl._create_unverified_context().wrap_socket(\n\
                  \x20   socket.create_connection(address, timeout=60))\n\
                  slow.sendall(b'GET / HTTP/1.1\\r\\n')\n\
                  begun = time.monotonic()\n\
                  try:\n    rest = slow.recv(100)\n\
                  except OSError:\n    rest = b''\n\
                  print(int(time.monotonic() - begun), rest[:12])\n";
    let output = text(&run("python3", &["-c", script, &server.port("https").to_string()]));
    let seconds: u64 =
        output.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{output}"));
    assert!((25..45).contains(&seconds), "{output}");
}
