use super::{
    BUILT_IN, Digest, DigestEntry, Removed, RequestEntry, Requests, SenderTold, TEXTS, Text, Texts,
    one_line,
};

const LINK: &str = "https://mx.example.org/release/1-0";

fn removed() -> Removed {
    Removed {
        name: "invoice {{ size }}.exe".to_owned(),
        media_type: "application/pdf".to_owned(),
        kind: "pe".to_owned(),
        size: 1_234,
        sha256: "ab".repeat(32),
        why: "A program: it runs when it is opened.".to_owned(),
        inside: String::new(),
        rule: "magic pe".to_owned(),
        message: "4711".to_owned(),
        hostname: "mx.example.org".to_owned(),
        ask: "release@mx.example.org".to_owned(),
        token: format!("m4711-{}", "0".repeat(32)),
        link: LINK.to_owned(),
    }
}

fn digest() -> Digest {
    let entry = |id: i64| DigestEntry {
        id,
        at: "Wed, 25 Nov 2026 10:00:00 +0000".to_owned(),
        until: "Fri, 25 Dec 2026 10:00:00 +0000".to_owned(),
        sender: "carol@elsewhere.example".to_owned(),
        recipient: "anna@example.org".to_owned(),
        subject: format!("subject {id}"),
        why: "A scanner found a virus.".to_owned(),
        rule: "attachment virus".to_owned(),
        parts: vec!["setup.exe".to_owned()],
        token: format!("{id}-{}", "0".repeat(32)),
        link: LINK.to_owned(),
    };
    Digest {
        hostname: "mx.example.org".to_owned(),
        recipient: "anna@example.org".to_owned(),
        reply_to: "release@mx.example.org".to_owned(),
        days: 30,
        more: 7,
        entries: vec![entry(1), entry(2)],
    }
}

fn has_all(text: &str, facts: &[&str]) {
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} is not in {text}");
    }
    assert!(text.lines().all(|line| line.len() < 120), "{text}");
    assert!(!text.contains("\n\n\n") && !text.contains("\r\n\r\n\r\n"), "{text}");
}

#[test]
fn every_text_of_every_language_says_what_it_has_to() {
    for (language, built_in) in BUILT_IN {
        assert_eq!(built_in.len(), TEXTS.len());
        let texts = Texts::new(language, None);
        let sum = "ab".repeat(32);
        let token = format!("[m4711-{}]", "0".repeat(32));
        let facts = ["invoice {{ size }}.exe", "1234", "magic pe", "4711", &sum, &token];
        has_all(&texts.removed(&removed()), &facts);
        let text = texts.warning(&[removed(), removed()]);
        assert_eq!(text.matches("invoice").count(), 2, "{text}");
        let (subject, text) = texts.words(Text::DigestRecipient, &digest());
        assert!(subject.contains("mx.example.org"), "{subject}");
        let token = format!("[2-{}]", "0".repeat(32));
        has_all(&text, &["subject 1", "subject 2", &token, "release@mx.example.org", " 7 "]);
        let (_, text) = texts.words(Text::DigestAdministrator, &digest());
        has_all(&text, &["subject 1", "anna@example.org", "setup.exe", "gatepost quarantine"]);
        let request = |id| RequestEntry {
            id,
            who: "anna@example.org".to_owned(),
            sender: "carol@elsewhere.example".to_owned(),
            why: "A scanner found a virus.".to_owned(),
            at: "Wed, 25 Nov 2026 10:00:00 +0000".to_owned(),
        };
        let hostname = || "mx.example.org".to_owned();
        let one = Requests { hostname: hostname(), more: 0, entries: vec![request(99)] };
        let (subject, text) = texts.words(Text::Request, &one);
        assert!(subject.contains("anna@example.org"), "{subject}");
        let entries = vec![request(7), request(8)];
        let many = Requests { hostname: hostname(), more: 3, entries };
        let (subject, all) = texts.words(Text::Request, &many);
        assert!(subject.starts_with('5'), "{subject}");
        has_all(&all, &[" 7\r\n", " 8\r\n", " 3 ", "--requested"]);
        has_all(&text, &["gatepost quarantine release 99", "carol@elsewhere.example"]);
        let told = SenderTold {
            hostname: "mx.example.org".to_owned(),
            subject: "the invoice".to_owned(),
            recipients: vec!["anna@example.org".to_owned()],
            why: "Nobody could look inside a part: it is encrypted or damaged.".to_owned(),
            parts: vec!["a.exe".to_owned()],
            message: "4711".to_owned(),
        };
        let (_, text) = texts.words(Text::Sender, &told);
        has_all(&text, &["the invoice", "anna@example.org", "a.exe", "4711"]);
    }
}

#[test]
fn a_folder_of_own_texts_has_precedence() {
    let folder = tempfile::tempdir().map(|folder| folder.keep()).unwrap_or_default();
    let _ = std::fs::write(folder.join("removed.txt"), "gone: {{ name }}\n");
    let _ = std::fs::write(folder.join("warning.txt"), "{% broken");
    let texts = Texts::new("en", Some(&folder));
    assert_eq!(texts.removed(&removed()), "gone: invoice {{ size }}.exe");
    assert!(texts.warning(&[removed()]).contains("warns"));
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn what_a_stranger_wrote_stays_in_its_line() {
    for (text, expected) in [
        ("plain", "plain"),
        ("two\r\nlines", "two\u{fffd}\u{fffd}lines"),
        ("gpj.\u{202e}exe", "gpj.\u{fffd}exe"),
    ] {
        assert_eq!(one_line(text), expected);
    }
    assert_eq!(one_line(&"ä".repeat(1_000)).chars().count(), 120);
}
