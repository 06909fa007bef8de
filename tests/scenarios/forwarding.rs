//! Mail that aliases forward: who stands as its sender, what vouches for it, where bounces go.

use crate::sending::{Sink, row, told};
use crate::server::{Server, run, text};
use crate::signing::{DOMAIN, keys, publish};
use crate::talk::Talk;
use std::path::{Path, PathBuf};

/// Whose mail SPF vouches for, and whose nobody does.
const KNOWN: &str = "dora@good.example";
const FORGED: &str = "dora@elsewhere.example";

struct Site {
    sink: Sink,
    server: Server,
    zone: PathBuf,
    _folder: tempfile::TempDir,
}

fn site() -> Site {
    site_with("")
}

/// A server that sends all to the sink, with keys that sign.
fn site_with(more: &str) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let settings = format!("[send]\nsmarthost = \"127.0.0.1:{}\"\n{more}", sink.port);
    let zone = publish_all(folder.path(), &settings);
    let server = Server::with_zone(folder.path(), &settings, &zone);
    keys(&server, "active");
    let (anna, _) = server.user(0);
    for (name, goals) in [
        ("away", vec!["fred@far.example"]),
        ("both", vec![anna.as_str(), "gina@far.example"]),
        ("broken", vec!["nobody@far.example"]),
    ] {
        server.admin(&[&["alias", "add", &format!("{name}@{DOMAIN}")], goals.as_slice()].concat());
    }
    Site { sink, server, zone, _folder: folder }
}

pub(crate) fn publish_all(folder: &Path, settings: &str) -> PathBuf {
    let empty = folder.join("empty");
    std::fs::write(&empty, "example. NS ns.example.\n").unwrap();
    let server = Server::with_zone(folder, settings, &empty);
    keys(&server, "published");
    let zone = publish(&server, folder);
    let own = std::fs::read_to_string(&zone).unwrap();
    let more = "good.example. TXT \"v=spf1 ip4:127.0.0.1 -all\"\n\
                doubtful.example. TXT \"v=spf1 -all\"\n\
                _dmarc.doubtful.example. TXT \"v=DMARC1; p=quarantine\"\n";
    std::fs::write(&zone, own + more).unwrap();
    zone
}

fn say(talk: &mut Talk, from: &str, to: &str, message: &str) -> String {
    for command in ["EHLO client.example", &format!("MAIL FROM:<{from}>")] {
        talk.say(command);
    }
    for command in [&format!("RCPT TO:<{to}>"), "DATA"] {
        let reply = talk.say(command);
        if !reply.starts_with(['2', '3']) {
            return reply;
        }
    }
    talk.say(&format!("{message}."))
}

impl Site {
    /// Sends a message from another server; the first refusal, or the answer to the data.
    fn send(&self, from: &str, to: &str, header: &str) -> String {
        let mut talk = self.server.smtp();
        say(&mut talk, from, to, &format!("{header}\r\nhello\r\n"))
    }

    fn forward(&self, from: &str, to: &str) -> String {
        let author = if from.is_empty() { "mailer-daemon@good.example" } else { from };
        let header = format!("From: {author}\r\nTo: {to}\r\nSubject: Minutes\r\n");
        let reply = self.send(from, to, &header);
        assert!(reply.starts_with("250 "), "{reply}");
        let goal = if to.starts_with("away") { "fred" } else { "gina" };
        told(&self.server, &format!("{goal}@far.example"), "relayed");
        self.sink.sender(goal).trim_matches(['<', '>']).to_owned()
    }

    fn arrived(&self, name: &str) -> String {
        let took = self.sink.took();
        let message = took.iter().find(|(recipient, _)| recipient == name);
        message.unwrap_or_else(|| panic!("nothing for {name}")).1.clone()
    }

    fn is_whole(&self) {
        let fsck = self.server.admin(&["fsck"]);
        assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
    }
}

#[test]
fn what_is_forwarded_is_sealed_and_its_bounce_finds_its_way() {
    let site = site();
    let stands = site.forward(KNOWN, &format!("away@{DOMAIN}"));
    let (local, domain) = stands.split_once('@').unwrap();
    assert!(local.starts_with("SRS0=") && local.ends_with("=good.example=dora"), "{stands}");
    assert_eq!(domain, DOMAIN);
    let message = site.arrived("fred");
    assert!(message.contains("ARC-Seal: i=1;"), "{message}");
    assert!(message.contains("smtp.mailfrom=dora@good.example"), "{message}");
    let zone = site.zone.to_string_lossy();
    let script = include_str!("forwarding.py");
    let verify = |message: &str| text(&run("/usr/bin/python3", &["-c", script, &zone, message]));
    assert!(verify(&message).starts_with("pass 1 "), "{}\n{message}", verify(&message));
    assert!(verify(&message.replace("hello", "hollo")).starts_with("fail"), "{message}");

    // The bounce, in lower case as some servers write it.
    let reply = site.send("", &stands.to_lowercase(), "Subject: Undeliverable\r\n");
    assert!(reply.starts_with("250 "), "{reply}");
    let rows = told(&site.server, KNOWN, "relayed");
    assert_eq!(row(&rows, "relayed")["sender"], "<>", "{rows:?}");
    assert_eq!(site.sink.sender("dora"), "<>");
    assert!(site.arrived("dora").contains("Subject: Undeliverable"));
    site.is_whole();
}

#[test]
fn nobody_sends_by_the_address_for_bounces() {
    let site = site();
    let stands = site.forward(KNOWN, &format!("away@{DOMAIN}"));
    // With a sender, with a change, with another name behind it.
    let other = stands.replace("=dora@", "=emil@");
    for (from, to) in [(KNOWN, &stands), ("", &other), ("", &stands.replace("SRS0=", "SRS0=A"))] {
        let reply = site.send(from, to, "Subject: x\r\n");
        assert!(reply.starts_with("550 5.1.1 "), "{from} to {to}: {reply}");
    }
    let trace = site.server.admin(&["trace", &other]).to_string();
    assert!(trace.contains("forward_address_unfit"), "{trace}");
    assert_eq!(site.sink.took().len(), 1);
}

#[test]
fn a_forged_sender_hears_of_nothing() {
    let site = site();
    let stands = site.forward(FORGED, &format!("both@{DOMAIN}"));
    assert!(stands.starts_with("SRS0=") && stands.ends_with(&format!("@{DOMAIN}")), "{stands}");
    // The copy here has the sender as it was.
    assert_eq!(site.server.messages(), 1);
    let reply = site.send("", &stands, "Subject: Undeliverable\r\n");
    assert!(reply.starts_with("250 "), "{reply}");
    let trace = site.server.admin(&["trace", &stands]).to_string();
    assert!(trace.contains("forward_bounce_dropped"), "{trace}");
    // Nor does it when the next server refuses at once.
    let header = format!("From: {FORGED}\r\nSubject: x\r\n");
    let reply = site.send(FORGED, &format!("broken@{DOMAIN}"), &header);
    assert!(reply.starts_with("250 "), "{reply}");
    told(&site.server, "nobody@far.example", "failed");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(site.sink.took().len(), 1, "somebody was told");
    site.is_whole();
}

#[test]
fn a_forward_that_fails_is_told_to_who_sent_it() {
    let site = site();
    let header = format!("From: {KNOWN}\r\nSubject: x\r\n");
    let reply = site.send(KNOWN, &format!("broken@{DOMAIN}"), &header);
    assert!(reply.starts_with("250 "), "{reply}");
    told(&site.server, KNOWN, "relayed");
    let notice = site.arrived("dora");
    assert!(notice.contains("could not be delivered"), "{notice}");
    assert!(notice.contains(&format!("To: <{KNOWN}>")), "{notice}");
    assert_eq!(site.sink.sender("dora"), "<>");
    site.is_whole();
}

#[test]
fn what_is_doubtful_is_not_forwarded() {
    let site = site();
    let header = "From: x@doubtful.example\r\nSubject: x\r\n";
    let reply = site.send("x@doubtful.example", &format!("away@{DOMAIN}"), header);
    assert!(reply.starts_with("550 "), "{reply}");
    // Who has a mailbox here too gets it there, in Junk.
    let reply = site.send("x@doubtful.example", &format!("both@{DOMAIN}"), header);
    assert!(reply.starts_with("250 "), "{reply}");
    let list = site.server.admin(&["queue", "list"]);
    assert_eq!(list["value"]["rows"], serde_json::json!([]), "{list}");
    assert_eq!(site.server.messages(), 0);
    assert!(site.sink.took().is_empty());
    site.is_whole();
}

#[test]
fn null_senders_and_our_own_stay_as_they_are() {
    let site = site();
    assert_eq!(site.forward("", &format!("away@{DOMAIN}")), "");
    let (ben, _) = site.server.user(1);
    let message = format!("From: {ben}\r\nSubject: x\r\n\r\nx\r\n");
    let to = format!("both@{DOMAIN}");
    assert_eq!(crate::sending::submit(&site.server, 1, &[&to], &message).trim(), "sent");
    told(&site.server, "gina@far.example", "relayed");
    assert_eq!(site.sink.sender("gina"), format!("<{ben}>"));
    assert!(site.arrived("gina").contains("DKIM-Signature:"));
}

/// A way that leads back here ends by the number of servers that the message has passed.
#[test]
fn a_ring_of_forwards_ends() {
    let site = site();
    let to = format!("away@{DOMAIN}");
    let mut hops = 0;
    let mut message = format!("From: {KNOWN}\r\nSubject: round\r\n\r\nx\r\n");
    let reply = loop {
        let reply = say(&mut site.server.smtp(), KNOWN, &to, &message);
        if !reply.starts_with("250 ") || hops > 40 {
            break reply;
        }
        hops += 1;
        let begun = std::time::Instant::now();
        while site.sink.senders().lines().count() < hops {
            assert!(begun.elapsed().as_secs() < 30, "round {hops} never ends");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let took = site.sink.took().into_iter().map(|(_, message)| message);
        message = took.max_by_key(|message| message.matches("Received:").count()).unwrap();
    };
    assert!(reply.starts_with("554 5.4.6 "), "{hops}: {reply}");
    assert_eq!(hops, 31, "limits.hops_max");
    assert!(message.contains("ARC-Seal: i=31;"), "{message}");
}

/// What is forwarded and what is only sent on may go to one domain: each copy has its own sender.
#[test]
fn copies_for_one_domain_keep_their_senders() {
    let site = site_with("[relay]\nnetworks = [\"127.0.0.0/8\"]\n");
    let mut talk = site.server.smtp();
    let away = format!("away@{DOMAIN}");
    let said = ["EHLO client.example".to_owned(), format!("MAIL FROM:<{KNOWN}>")].into_iter();
    let to = [away.as_str(), "hugo@far.example"].map(|to| format!("RCPT TO:<{to}>"));
    for command in said.chain(to).chain(["DATA".to_owned()]) {
        let reply = talk.say(&command);
        assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
    }
    let reply = talk.say(&format!("From: {KNOWN}\r\nSubject: Minutes\r\n\r\nhello\r\n."));
    assert!(reply.starts_with("250"), "{reply}");
    for to in ["fred@far.example", "hugo@far.example"] {
        told(&site.server, to, "relayed");
    }
    assert!(site.sink.sender("fred").starts_with("<SRS0="), "{}", site.sink.senders());
    assert_eq!(site.sink.sender("hugo"), format!("<{KNOWN}>"));
}
