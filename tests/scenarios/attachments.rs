//! What is dangerous in a message is taken out, the rest arrives as it was, and nothing is lost.

use crate::server::{Server, run, text};
use serde_json::{Value, json};

/// A Windows program, as far as every filter and the system look.
pub(crate) fn program() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x80;
    bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
    bytes[0x84..0x86].copy_from_slice(&[0x4C, 0x01]);
    bytes
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
    lines.join("\r\n")
}

pub(crate) fn attached(name: &str, content: &[u8]) -> String {
    format!(
        "From: Carol <carol@elsewhere.example>\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n\
         X-Odd:   kept  \r\n\tas it is\r\n\
         Content-Type: multipart/mixed;  boundary=\"x y\"\r\n\r\nThis is MIME.\r\n--x y\r\n\
         Content-Type: text/plain;charset=US-ASCII\r\n\r\nhello  \r\n--x y\r\n\
         Content-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--x y--\r\n",
        base64(content)
    )
}

/// Sends a message as a stranger does; the answer to it.
fn send(server: &Server, message: &str) -> String {
    let (anna, _) = server.user(0);
    server.smtp().send_message(&anna, message)
}

/// What Anna finds in her mailbox.
pub(crate) fn mailbox(server: &Server) -> Vec<Value> {
    let (user, password) = server.user(0);
    let port = server.port("pop3s").to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/attachments.py");
    let output = run("python3", &[script, &port, &user, &password]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

fn held(server: &Server) -> Vec<Value> {
    let listed = server.admin(&["quarantine", "list"]);
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

fn is_clean(server: &Server) {
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn a_program_is_taken_out_and_the_rest_arrives_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let sent = attached("setup.exe", &program());
    assert!(send(&server, &sent).starts_with("250 "));
    let [message] = mailbox(&server).try_into().unwrap();
    let raw = message["raw"].as_str().unwrap();
    let place = sent.find("Content-Type: application/octet-stream").unwrap();
    let end = sent.find("\r\n--x y--").unwrap();
    let (_, after) = raw.split_once("X-Odd:").unwrap();
    let (_, before) = sent[..place].split_once("X-Odd:").unwrap();
    assert!(after.starts_with(before) && after.ends_with(&sent[end..]), "{raw}");
    let parts = message["parts"].as_array().unwrap();
    let [words, note] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(words["content"], json!("hello  "));
    let note = note["content"].as_str().unwrap();
    for fact in ["setup.exe", "1024", "SHA-256", "quarantine"] {
        assert!(note.contains(fact), "{fact} is not in {note}");
    }
    assert_eq!(message["defects"], json!([]));
    is_clean(&server);

    // The whole of it comes by release, beside the cleaned one.
    let rows = held(&server);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let done = server.admin(&["quarantine", "release", &row["id"].to_string()]);
    assert_eq!(done["result"], json!("done"), "{done}");
    let messages = mailbox(&server);
    assert_eq!(messages.len(), 2);
    let parts = messages[1]["parts"].as_array().unwrap();
    assert_eq!(parts[1]["name"], json!("setup.exe"));
    let content: Vec<u8> = parts[1]["content"].as_str().unwrap().chars().map(|c| c as u8).collect();
    assert_eq!(content, program());
    assert!(messages[1]["raw"].as_str().unwrap().ends_with(&sent));
    is_clean(&server);
}

/// What mutt shows a reader of a message.
fn in_mutt(folder: &std::path::Path, message: &Value) -> String {
    let file = folder.join("message.eml");
    let raw: Vec<u8> = message["raw"].as_str().unwrap().chars().map(|c| c as u8).collect();
    std::fs::write(&file, raw).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/mutt.py");
    text(&run("python3", &[script, &file.to_string_lossy()]))
}

#[test]
fn a_cleaned_message_opens_in_mutt() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[texts]\nlanguage = \"de\"\n[[attachment.rules]]\nfile = [\"*.doubt\"]\n\
                    action = \"warn\"\n";
    let server = Server::with_settings(folder.path(), settings);
    assert!(send(&server, &attached("setup.exe", &program())).starts_with("250 "));
    assert!(send(&server, &attached("notes.doubt", b"notes")).starts_with("250 "));
    assert!(send(&server, &ambiguous("notes.txt", b"some notes\r\n")).starts_with("250 "));
    let [removed, warned, anew] = mailbox(&server).try_into().unwrap();
    for (message, facts) in [
        (&removed, ["Subject: setup.exe", "hello", "SHA-256", "Quarantäne"]),
        (&warned, ["Subject: notes.doubt", "hello", "notes.doubt", "warnt"]),
        (&anew, ["Subject: notes.txt", "hello", "some notes", "notes.txt"]),
    ] {
        let shown = in_mutt(folder.path(), message);
        assert!(facts.iter().all(|fact| shown.contains(fact)), "{facts:?}: {shown}");
    }
}

#[test]
fn a_program_in_a_text_is_taken_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let block = "begin 644 setup.exe\r\n#0V%T\r\n`\r\nend\r\n";
    let sent = format!("Subject: uu\r\n\r\nbefore\r\n{block}after\r\n");
    assert!(send(&server, &sent).starts_with("250 "));
    let [message] = mailbox(&server).try_into().unwrap();
    let raw = message["raw"].as_str().unwrap();
    assert!(raw.contains("\r\n\r\nbefore\r\n") && raw.ends_with("\r\nafter\r\n"), "{raw}");
    assert!(!raw.contains("begin 644") && raw.contains("setup.exe"), "{raw}");
}

/// Two types, of which programs take the first or the last.
fn ambiguous(name: &str, content: &[u8]) -> String {
    let sent = attached(name, content);
    let odd = "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n";
    sent.replacen("MIME-Version: 1.0\r\n", odd, 1)
}

#[test]
fn what_has_several_readings_is_written_anew_or_held() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    assert!(send(&server, &ambiguous("notes.txt", b"some harmless notes\r\n")).starts_with("250 "));
    let [message] = mailbox(&server).try_into().unwrap();
    let parts = message["parts"].as_array().unwrap();
    let notes = |part: &&Value| part["content"] == json!("some harmless notes\r\n");
    assert!(parts.iter().any(|part| notes(&part)), "{message}");
    assert_eq!(message["defects"], json!([]));

    assert!(send(&server, &ambiguous("setup.exe", &program())).starts_with("250 "));
    assert_eq!(mailbox(&server).len(), 1, "what is dangerous in some reading is held whole");
    let rows = held(&server);
    assert_eq!(rows.len(), 1, "{rows:?}");
    is_clean(&server);
}

#[test]
fn rules_of_the_administrator_stand_before_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "[[attachment.rules]]\nclass = [\"program\"]\nsender = [\"elsewhere.example\"]\n\
                 action = \"allow\"\n[[attachment.rules]]\nfile = [\"*.ttf\"]\naction = \"refuse\"\n\
                 [[attachment.rules]]\nfile = [\"*.odd\"]\naction = \"rename\"\n\
                 [[attachment.rules]]\nfile = [\"*.doubt\"]\naction = \"warn\"\n";
    let server = Server::with_settings(folder.path(), rules);
    assert!(send(&server, &attached("setup.exe", &program())).starts_with("250 "));
    assert!(send(&server, &attached("font.ttf", b"x")).starts_with("550 5.7.1 "));
    assert!(send(&server, &attached("a.odd", b"odd")).starts_with("250 "));
    assert!(send(&server, &attached("a.doubt", b"doubt")).starts_with("250 "));
    let messages = mailbox(&server);
    let names: Vec<Vec<&str>> = messages
        .iter()
        .map(|m| {
            let parts = m["parts"].as_array().unwrap();
            parts.iter().filter_map(|p| p["name"].as_str()).filter(|n| !n.is_empty()).collect()
        })
        .collect();
    assert_eq!(names, [vec!["setup.exe"], vec!["a.odd.danger"], vec!["a.doubt"]]);
    let warning = messages[2]["parts"][0]["content"].as_str().unwrap();
    assert!(warning.contains("a.doubt"), "{warning}");
    assert!(held(&server).is_empty());
}

#[test]
fn without_the_filter_everything_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(folder.path(), "[attachment]\nfilter = \"off\"\n");
    let sent = attached("setup.exe", &program());
    assert!(send(&server, &sent).starts_with("250 "));
    let [message] = mailbox(&server).try_into().unwrap();
    assert!(message["raw"].as_str().unwrap().ends_with(&sent));
}
