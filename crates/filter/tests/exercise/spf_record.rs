//! Any records of SPF: they are read or an error says why not, and a check among them ends.
//!
//! Shared by the replay of the corpus and the fuzz target `spf_record`. Each line is a record.

use crate::answering::{Lines, block_on};
use filter::authentication::spf::macros::MacroString;
use filter::authentication::spf::record::{Record, is_record};
use filter::authentication::spf::{self, Client, EXPLANATION_MAX, Identity, QUESTIONS_MAX, Scope};
use mail::{Domain, Timestamp};
use std::time::{Duration, Instant};

pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.split('\n') {
        if Record::parse(line).is_ok() {
            assert!(is_record(line) && line.is_ascii(), "{line:?}");
        }
        let _ = MacroString::explanation(line);
    }
    let dns = Lines::new(&text);
    let receiver = Domain::parse("mx.example.org").unwrap();
    let ip = [192, 0, 2, 1].into();
    let client = Client { ip, helo: "h\r\n é", receiver: &receiver, now: Timestamp(0) };
    let identity = Identity::new(Scope::MailFrom, "a+b.c", "example.org");
    let deadline = Instant::now() + Duration::from_secs(60);
    let outcome = block_on(spf::check(&dns, &client, &identity, deadline));
    assert!(dns.asked() <= QUESTIONS_MAX);
    assert_eq!(outcome.facts.len(), dns.asked());
    if let Some(told) = outcome.explanation {
        assert!(told.len() <= EXPLANATION_MAX && told.bytes().all(|b| (0x20..0x7f).contains(&b)));
    }
}
