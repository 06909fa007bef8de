#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{DnsRecords, Purpose, Site, Standing, check, named_doors, plan};
use config::Settings;
use filter::authentication::dkim::{KeyKind, SigningKey};
use mail::{Domain, Timestamp};
use net::ZoneResolver;
use std::path::Path;
use std::sync::LazyLock;

/// Keys take a while to make.
static KEYS: LazyLock<[String; 2]> = LazyLock::new(|| {
    [KeyKind::Rsa, KeyKind::Ed25519]
        .map(|kind| SigningKey::generate(kind).unwrap().record().unwrap())
});

fn settings(more: &str) -> Settings {
    let text = format!("[server]\nhostname = \"mail.example.org\"\n{more}");
    Settings::from_str(&text, Path::new("gatepost.toml")).unwrap()
}

/// What is planned for example.org, with two keys.
fn planned(more: &str) -> DnsRecords {
    let settings = settings(more);
    let domain = Domain::parse("example.org").unwrap();
    let doors = named_doors(&settings);
    let site = Site { settings: &settings, keys: &[], key_digest: Some([7; 32]), doors: &doors };
    let mut plan = plan(&domain, &site);
    for (record, name) in KEYS.iter().zip(["a-rsa", "a-ed"]) {
        let name = format!("{name}._domainkey.example.org");
        plan.records.push(super::DnsRecord::txt(Purpose::Dkim, &name, record));
    }
    plan
}

/// The plan as a zone file, with what the administrator adds.
fn zone(plan: &DnsRecords) -> String {
    let line = |r: &super::DnsRecord| format!("{}. {} {}\n", r.name, r.kind, r.value);
    let lines: String = plan.records.iter().map(line).collect();
    "$DNSSEC secure\n".to_owned()
        + &lines
        + "mail.example.org. A 192.0.2.1\nmail.example.org. AAAA 2001:db8::1\n\
             1.2.0.192.in-addr.arpa. PTR mail.example.org.\n\
             1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. \
             PTR mail.example.org.\n"
}

/// Everything that is not right about a zone, in the order of the checks, and whether it fails.
fn wrong(plan: &DnsRecords, zone: &str) -> (Vec<(Purpose, Standing)>, bool) {
    let zone = ZoneResolver::parse(zone, Path::new("zone")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let checks = runtime.block_on(check(plan, &[], &zone, Timestamp(1_795_545_915_042)));
    let fails = checks.iter().any(super::RecordCheck::fails);
    for check in &checks {
        assert_eq!(check.problem.is_empty(), check.standing == Standing::Right, "{check:?}");
    }
    let wrong = checks.iter().filter(|check| check.standing != Standing::Right);
    (wrong.map(|check| (check.purpose, check.standing)).collect(), fails)
}

#[track_caller]
fn finds(from: &str, to: &str, expected: &[(Purpose, Standing)], fails: bool) {
    let plan = planned("");
    let zone = zone(&plan);
    assert!(zone.contains(from), "{from} is not in {zone}");
    let found = wrong(&plan, &zone.replace(from, to));
    assert_eq!(found, (expected.to_vec(), fails), "{from:?} became {to:?}");
}

#[test]
fn what_is_planned_is_right_once_it_is_published() {
    let plan = planned("");
    assert_eq!(wrong(&plan, &zone(&plan)), (Vec::new(), false));
    let services: Vec<&str> =
        plan.records.iter().filter(|r| r.kind == "SRV").map(|r| r.value.as_str()).collect();
    assert_eq!(services, ["0 1 995 mail.example.org."], "the doors of the defaults");
}

#[test]
fn the_effect_counts_not_the_letter() {
    finds("10 mail.example.org.", "5 mail.example.org.", &[], false);
    finds("v=spf1 mx -all", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", &[], false);
    finds("p=quarantine", "p=reject; adkim=s", &[], false);
    finds("v=STSv1; id=", "v=STSv1; id=x", &[], false);
    finds("mailto:postmaster@example.org", "mailto:dmarc@elsewhere.example", &[], false);
    finds("v=DKIM1; k=ed25519;", "v=DKIM1; t=s; k=ed25519;", &[], false);
    finds("SRV 0 1 995", "SRV 20 5 995", &[], false);
    // A policy of the domain above, where this one has none.
    finds(
        "_dmarc.example.org. TXT \"v=DMARC1",
        "x.example.org. TXT \"v=DMARC1",
        &[(Purpose::Dmarc, Standing::Missing)],
        true,
    );
    finds("_dmarc.example.org. TXT \"v=DMARC1", "_dmarc.org. TXT \"v=DMARC1; psd=y", &[], false);
}

#[test]
fn what_is_wrong_is_told() {
    use Purpose::{Address, Dkim, Dmarc, MtaSts, Mx, Reverse, Service, Spf, TlsReports, Tlsa};
    use Standing::{Differs, Missing};
    finds("MX 10 mail.example.org.", "MX 0 .", &[(Mx, Differs), (Spf, Differs)], true);
    finds("v=spf1 mx -all", "v=spf1 a:other.example -all", &[(Spf, Differs)], true);
    finds("v=spf1 mx -all", "v=spf1 mx mx:%{z} -all", &[(Spf, Differs)], true);
    finds("v=spf1 mx -all", "hello", &[(Spf, Missing)], true);
    finds("\"v=spf1 mx", "\"v=spf1 -all\"\nexample.org. TXT \"v=spf1 mx", &[(Spf, Differs)], true);
    finds("k=ed25519; p=", "k=ed25519; p=AAAA", &[(Dkim, Differs)], true);
    finds("v=DKIM1; k=ed25519; p=", "v=DKIM1; k=ed25519; p=;x=", &[(Dkim, Differs)], true);
    finds("a-rsa._domainkey", "z-rsa._domainkey", &[(Dkim, Missing)], true);
    let twice = "a-ed._domainkey.example.org. TXT x\na-ed._domainkey.example.org. TXT";
    finds("a-ed._domainkey.example.org. TXT", twice, &[(Dkim, Differs)], true);
    let dmarc = "p=quarantine; rua=mailto:postmaster@example.org";
    finds(dmarc, "p=often", &[(Dmarc, Differs)], true);
    finds("_smtp._tls", "_smtp._tls2", &[(TlsReports, Missing)], true);
    finds("v=TLSRPTv1; rua=", "v=TLSRPTv1; x=", &[(TlsReports, Differs)], true);
    finds("SRV 0 1 995", "SRV 0 1 110", &[(Service, Differs)], true);
    finds("SRV 0 1 995 mail.example.org.", "SRV 0 0 0 .", &[(Service, Differs)], true);
    // Needs more than the DNS, so it may be left out, but must not be wrong.
    finds("_25._tcp", "_26._tcp", &[(Tlsa, Missing)], false);
    finds("3 1 1 07", "3 1 1 08", &[(Tlsa, Differs)], true);
    finds("_mta-sts", "_mta-stz", &[(MtaSts, Missing)], false);
    finds("v=STSv1; id=", "v=STSv1; x=", &[(MtaSts, Differs)], true);
    finds("v=STSv1; id=", "v=STSv1; id=a-", &[(MtaSts, Differs)], true);
    finds("v=STSv1; id=", "v=STSv1, id=", &[(MtaSts, Differs)], true);
    finds("v=TLSRPTv1; rua=mailto:", "v=TLSRPTv1; rua=", &[(TlsReports, Differs)], true);
    finds("PTR mail.example.org.\n1", "PTR host.isp.example.\n1", &[(Reverse, Differs)], true);
    finds(
        "mail.example.org. A 192.0.2.1\nmail.example.org. AAAA 2001:db8::1",
        "mail.example.org. A 10.0.0.1",
        &[(Address, Differs), (Reverse, Missing)],
        true,
    );
}

#[test]
fn a_key_that_nothing_proves_is_told_of() {
    let plan = planned("");
    for (proof, told) in [("secure", false), ("insecure", true)] {
        let zone = zone(&plan).replace("$DNSSEC secure", &format!("$DNSSEC {proof}"));
        let zone = ZoneResolver::parse(&zone, Path::new("zone")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let checks = runtime.block_on(check(&plan, &[], &zone, Timestamp(1_795_545_915_042)));
        let tlsa = checks.iter().find(|check| check.purpose == Purpose::Tlsa).unwrap();
        assert_eq!((tlsa.standing, tlsa.problem.contains("DNSSEC")), (Standing::Right, told));
        assert!(checks.iter().all(|check| !check.fails()), "it does no harm");
    }
}

#[test]
fn nothing_published_is_all_missing() {
    let (found, fails) = wrong(&planned(""), "example.net. NS ns.example.net.\n");
    assert!(fails && found.len() == 10, "{found:?}");
    assert!(found.iter().all(|(_, standing)| *standing == Standing::Missing), "{found:?}");
}

#[test]
fn a_smarthost_is_asked_for_by_name() {
    let plan = planned("[send]\nsmarthost = \"relay.isp.example:587\"\n");
    let zone = zone(&plan);
    assert!(zone.contains("v=spf1 mx a:relay.isp.example -all"), "{zone}");
    // Our own addresses do not count then.
    let others = zone.replace("v=spf1 mx a:relay.isp.example", "v=spf1 include:_spf.isp.example");
    let others = others + "_spf.isp.example. TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n";
    assert_eq!(wrong(&plan, &others), (Vec::new(), false));
    let broken = zone.replace("v=spf1 mx", "v=spf1 mmx");
    assert_eq!(wrong(&plan, &broken), (vec![(Purpose::Spf, Standing::Differs)], true));
}

#[test]
fn long_texts_are_cut_for_the_zone() {
    let plan = planned("");
    let rsa = plan.records.iter().find(|record| record.name.starts_with("a-rsa")).unwrap();
    let strings: Vec<&str> = rsa.value.split("\" \"").collect();
    assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 256), "{strings:?}");
    assert_eq!(rsa.value.replace("\" \"", "").trim_matches('"'), rsa.text.as_deref().unwrap());
}
