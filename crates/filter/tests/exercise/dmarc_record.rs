//! Any records of DMARC: they are read or are none, and a check among them ends.
//!
//! Shared by the replay of the corpus and the fuzz target `dmarc_record`. Each line is a record.

use crate::answering::{Lines, block_on};
use filter::authentication::dmarc::record::{Policy, REPORT_ADDRESSES_MAX, Record};
use filter::authentication::dmarc::{self, DkimPass, DmarcResult, QUESTIONS_MAX};
use mail::Domain;
use std::time::{Duration, Instant};

pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for record in text.split('\n').filter_map(Record::parse) {
        assert!(record.aggregate_reports.len() <= REPORT_ADDRESSES_MAX);
        assert!(record.failure_reports.len() <= REPORT_ADDRESSES_MAX);
        assert!(!record.failure_options.is_empty());
    }
    let domain = |name: &str| Domain::parse(name).unwrap();
    let signers = ["example.org", "x.mail.example.org", "example.net", "a.b.c.d.e.f.g.h.example"];
    for author in ["example.org", "mail.example.org", "mail.example.com", "a.b.c.d.e.f.g.example"] {
        for signer in signers {
            let dns = Lines::new(&text);
            let dkim = [DkimPass { domain: domain(signer), selector: "s".to_owned() }];
            let spf = domain("bounce.example.com");
            let deadline = Instant::now() + Duration::from_secs(60);
            let author = domain(author);
            let outcome = block_on(dmarc::check(&dns, &author, Some(&spf), &dkim, deadline));
            assert!(dns.asked() <= QUESTIONS_MAX);
            if outcome.result != DmarcResult::Fail {
                assert_eq!(outcome.disposition, Policy::None);
            }
            let aligned = outcome.spf_aligned || !outcome.dkim_aligned.is_empty();
            assert_eq!(outcome.result == DmarcResult::Pass, aligned, "{outcome:?}");
            assert!(!aligned || outcome.found.is_some(), "a pass without a record");
        }
    }
}
