#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use super::{Report, Session, all, packed};
use crate::delivery::Seen;
use crate::sts::InForce;
use crate::testing::{House, house};
use flate2::read::GzDecoder;
use mail::{Address, Domain, Timestamp, TlsDemand};
use net::{Clock, Tlsa};
use policy::trust::Trust;
use serde_json::{Value, json};
use smtp::sts::Policy;
use std::io::Read;
use store::{SpoolFilter, TlsDay};

const NOW: Timestamp = Timestamp(1_795_545_915_000);
const DAY: i64 = 86_400_000;
const POLICY: &str = "version: STSv1\nmode: enforce\nmx: *.far.example\nmax_age: 86400\n";

fn seen(trust: Trust, result: &'static str, detail: &str) -> Seen {
    let (host, detail) = ("a.far.example".to_owned(), detail.to_owned());
    Seen { host, address: "192.0.2.1".parse().unwrap(), trust, result, detail }
}

fn count(house: &House, domain: &str, sts: bool, demand: TlsDemand, all: Vec<Seen>) {
    let domain = Domain::parse(domain).unwrap();
    let mut session = Session::of(&house.queue, Some(&domain), demand);
    if sts {
        let policy = Policy::parse(POLICY).unwrap();
        session.lay(InForce { policy, text: POLICY.to_owned() });
    }
    session.all().extend(all);
}

/// Yesterday's sessions with three domains.
async fn counted(zone: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let yesterday = Clock::at(NOW.plus_millis(-DAY));
    let house = house(folder, zone, "", yesterday).await;
    let usual = TlsDemand::Usual;
    let record = Tlsa::parse("3 1 1 00ff").unwrap();
    let dane = || Trust::Dane { records: vec![record.clone()], names: Vec::new() };
    for _ in 0..3 {
        count(&house, "far.example", true, usual, vec![seen(Trust::Verified, "", "")]);
    }
    let expired = || seen(Trust::Verified, "certificate-expired", "the certificate has expired");
    count(&house, "far.example", true, usual, vec![expired(), expired()]);
    count(&house, "far.example", false, usual, vec![seen(dane(), "", "")]);
    count(
        &house,
        "plain.example",
        false,
        usual,
        vec![seen(Trust::Anybody, "starttls-not-supported", "")],
    );
    // What a sender waives is not counted: reports travel so.
    count(&house, "plain.example", false, TlsDemand::Waived, vec![expired()]);
    // What is counted rides a later commit: all are made before the store closes.
    house.again(zone, "", Clock::at(NOW)).await
}

#[tokio::test]
async fn what_was_seen_is_told_as_the_standard_has_it() {
    let house = counted("").await;
    let day = TlsDay::of(NOW).before();
    let (far, ours) = (Domain::parse("far.example").unwrap(), "mx.ours.example".parse().unwrap());
    let counts = house.queue.store.tls_counts(day, day, Some(&far)).await.unwrap();
    let report = Report { hostname: &ours, domain: &far, day, counts: &counts };
    let json = report.json();
    assert_eq!(
        json["date-range"],
        json!({
            "start-datetime": "2026-11-23T00:00:00.000Z",
            "end-datetime": "2026-11-23T23:59:59.000Z",
        })
    );
    assert_eq!(json["organization-name"], "mx.ours.example");
    assert_eq!(json["report-id"], "20780.far.example@mx.ours.example");
    let sts = json!({
        "policy": {
            "policy-type": "sts",
            "policy-string": [
                "version: STSv1", "mode: enforce", "mx: *.far.example", "max_age: 86400",
            ],
            "policy-domain": "far.example",
            "mx-host": ["*.far.example"],
        },
        "summary": {
            "total-successful-session-count": 3, "total-failure-session-count": 2,
        },
        "failure-details": [{
            "result-type": "certificate-expired",
            "failed-session-count": 2,
            "receiving-mx-hostname": "a.far.example",
            "receiving-ip": "192.0.2.1",
            "additional-information": "the certificate has expired",
        }],
    });
    let tlsa = json!({
        "policy": {
            "policy-type": "tlsa",
            "policy-string": ["3 1 1 00ff"],
            "policy-domain": "far.example",
            "mx-host": ["a.far.example"],
        },
        "summary": {
            "total-successful-session-count": 1, "total-failure-session-count": 0,
        },
        "failure-details": [],
    });
    assert_eq!(json["policies"], json!([sts, tlsa]));
    let packed = packed(&json).unwrap();
    let mut text = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json);
    let to = Address::parse("reports@far.example").unwrap();
    let message = String::from_utf8(report.message(&to, NOW, &packed).unwrap()).unwrap();
    for part in [
        "TLS-Report-Domain: far.example\r\n",
        "TLS-Report-Submitter: mx.ours.example\r\n",
        "TLS-Required: No\r\n",
        "report-type=\"tlsrpt\"",
        "application/tlsrpt+gzip",
        "mx.ours.example!far.example!1795392000!1795478399.json.gz",
    ] {
        let flat = message.replace("\r\n\t", "");
        assert!(flat.contains(part), "{part} is missing: {message}");
    }
    house.queue.store.close().await;
}

#[tokio::test]
async fn a_report_is_sent_once_to_who_asks_for_it() {
    let zone = "_smtp._tls.far.example. TXT \"v=TLSRPTv1; rua=mailto:reports@far.example\"\n";
    let house = counted(zone).await;
    let day = TlsDay::of(NOW).before();
    let store = &house.queue.store;
    for _ in 0..2 {
        all(&house.queue, day).await.unwrap();
        let waiting = store.spool_list(0, &SpoolFilter::default(), 10).await.unwrap();
        let [copy] = waiting.as_slice() else { panic!("{waiting:?}") };
        assert_eq!(copy.recipient.to_string(), "reports@far.example");
        assert_eq!(copy.sender.to_string(), "<>");
    }
    assert_eq!(store.tls_unreported(day, 10).await.unwrap(), []);
    let due = store.spool_due((Timestamp(0), 0), NOW.plus_millis(DAY)).await.unwrap();
    let due: Vec<_> = due.iter().map(|due| (due.id, due.fence)).collect();
    let leases = store.lease(&due, NOW.plus_millis(2 * DAY)).await.unwrap();
    assert_eq!(leases.first().unwrap().needs.tls_demand, TlsDemand::Waived);
    house.queue.store.close().await;
}
