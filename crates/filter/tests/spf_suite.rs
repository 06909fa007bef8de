//! The test suites of the SPF project, all of them, as Debian's python3-spf ships them.
//!
//! Every case of `rfc7208-tests.yml` and of `rfc4408-tests.yml`, any of the results that a case
//! allows; where RFC 7208 decided what its forerunner left open, only that. A test that finds no
//! suite fails: `cargo xtask setup` installs it.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use filter::authentication::spf::{self, Client, Identity, Outcome, QUESTIONS_MAX, Scope};
use mail::{Domain, Timestamp};
use net::dns::Answer;
use net::{DnsError, Kind, Name, Record, Resolver};
use serde_json::Value;
use std::collections::HashMap;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// YAML as one JSON document, by the library that the suites were written with.
const TO_JSON: &str = "\
import gzip, json, os, sys, yaml
path = sys.argv[1]
path = path if os.path.exists(path) else path + '.gz'
text = (gzip.open if path.endswith('.gz') else open)(path, 'rb').read()
json.dump(list(yaml.safe_load_all(text)), sys.stdout)
";

/// Cases of the older suite that RFC 7208 decided where RFC 4408 let choose: the case, what must be
/// now, and why. None contradicts the older suite, so none is left out.
const DECIDED: &[(&str, &str, &str)] = &[
    ("txtonly", "fail", "records of type SPF are gone (RFC 7208 §3.1), TXT counts"),
    ("spfonly", "none", "records of type SPF are gone (RFC 7208 §3.1)"),
    ("spftimeout", "fail", "records of type SPF are never asked for"),
    ("txttimeout", "temperror", "only TXT is asked for, and it does not answer"),
    ("nospftxttimeout", "temperror", "only TXT is asked for, and it does not answer"),
    ("spfoverride", "fail", "records of type SPF override nothing"),
    ("multitxt1", "permerror", "two TXT records, whatever a record of type SPF says"),
    ("multispf2", "pass", "one TXT record, however many of type SPF"),
    ("exists-dnserr", "temperror", "a DNS error is no answer to exists (RFC 7208 §5)"),
    ("cidr6-0-ip4", "neutral", "IPv4 inside IPv6 is IPv4 (RFC 7208 §5)"),
    ("cidr6-ip4", "neutral", "IPv4 inside IPv6 is IPv4 (RFC 7208 §5)"),
    ("mx-limit", "permerror", "more than ten mail servers are an error (RFC 7208 §4.6.4)"),
];

/// The zone of one scenario. Records of type SPF (99) stand for TXT records where a name has none,
/// as the suite's own driver has it; a `TIMEOUT` answers whatever is not there before it.
struct Zone {
    names: HashMap<String, Vec<Value>>,
    asked: Mutex<usize>,
}

impl Zone {
    fn new(data: &Value) -> Self {
        let names = data.as_object().expect("names").iter();
        let names = names.map(|(name, records)| {
            (name.to_lowercase(), records.as_array().expect("records").clone())
        });
        Self { names: names.collect(), asked: Mutex::new(0) }
    }

    fn look(&self, name: &str, kind: Kind, aliases: usize) -> Result<Vec<Record>, DnsError> {
        let records = self.names.get(name).ok_or(DnsError::NoSuchName)?;
        let has_txt = records.iter().any(|record| record.get("TXT").is_some());
        let of_kind = |record: &&Value| {
            let stands_for_txt = kind == Kind::Txt && !has_txt;
            let value = record.get(kind.word());
            value.or_else(|| record.get("SPF").filter(|_| stands_for_txt)).is_some()
        };
        let values = records
            .iter()
            .filter(of_kind)
            .filter_map(|record| record.as_object().and_then(|record| record.values().next()));
        let found: Vec<Record> =
            values.filter(|value| **value != "NONE").map(|value| read(kind, value)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if records.iter().any(|record| record == "TIMEOUT") {
            return Err(DnsError::TimedOut);
        }
        match records.iter().find_map(|record| record.get("CNAME")) {
            None => Err(DnsError::NoRecords),
            Some(_) if aliases > 8 => Err(DnsError::Failed("too many aliases".to_owned())),
            Some(alias) => {
                let alias = alias.as_str().expect("a name").to_lowercase();
                self.look(alias.trim_end_matches('.'), kind, aliases + 1)
            }
        }
    }
}

fn read(kind: Kind, value: &Value) -> Record {
    let text = || match value {
        Value::Array(strings) => strings.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().expect("a text").to_owned(),
    };
    match kind {
        Kind::Ipv4 => Record::Ipv4(text().parse().expect("an address")),
        Kind::Ipv6 => Record::Ipv6(text().parse().expect("an address")),
        Kind::Txt => Record::Txt(text()),
        Kind::Ptr => Record::Ptr(Name::parse(&text()).expect("a name")),
        Kind::Mx => {
            let preference = value[0].as_u64().expect("a number").try_into().expect("small");
            Record::Mx(preference, Name::parse(value[1].as_str().expect("a name")))
        }
        Kind::Srv | Kind::Tlsa => panic!("SPF asks for no {}", kind.word()),
    }
}

impl Resolver for Zone {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        *self.asked.lock().expect("not poisoned") += 1;
        Box::pin(std::future::ready(self.look(name.as_str(), kind, 0)))
    }
}

fn suite(name: &str) -> Vec<Value> {
    let path = format!("/usr/share/doc/python3-spf/{name}");
    // Debian's own, which finds Debian's modules; another one may stand before it in PATH.
    let python = "/usr/bin/python3";
    let output = Command::new(python).args(["-c", TO_JSON, &path]).output().expect("python3");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\nno suite: run `cargo xtask setup`");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn ask(zone: &Zone, case: &Value) -> Outcome {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let receiver = Domain::parse("mx.example.org").expect("a domain");
    let helo = text("helo");
    let ip = text("host").parse().expect("an address");
    let client = Client { ip, helo, receiver: &receiver, now: Timestamp(1_795_545_915_000) };
    let identity = match text("mailfrom").rsplit_once('@') {
        Some((local, domain)) => Identity::new(Scope::MailFrom, local, domain),
        None => Identity::new(Scope::MailFrom, "", helo),
    };
    spf::check(zone, &client, &identity, Instant::now() + Duration::from_secs(20)).await
}

/// What is wrong with the outcome of one case.
fn fault(case: &Value, outcome: &Outcome, asked: usize) -> Option<String> {
    let expected = match &case["result"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    if !expected.iter().any(|word| word == outcome.result.word()) {
        return Some(format!("{expected:?}, not {outcome:#?}"));
    }
    let explained = outcome.explanation.as_deref().unwrap_or("DEFAULT");
    if let Some(text) = case["explanation"].as_str().filter(|text| *text != explained) {
        return Some(format!("the explanation is {text:?}, not {explained:?}"));
    }
    if asked > QUESTIONS_MAX || outcome.facts.len() != asked {
        return Some(format!("{asked} questions, {} facts", outcome.facts.len()));
    }
    None
}

async fn run(file: &str, decided: &[(&str, &str, &str)], expected: usize) {
    let mut faults = Vec::new();
    let mut cases = 0;
    let mut stricter = 0;
    for scenario in suite(file) {
        for (name, case) in scenario["tests"].as_object().expect("tests") {
            cases += 1;
            let zone = Zone::new(&scenario["zonedata"]);
            let outcome = ask(&zone, case).await;
            let asked = *zone.asked.lock().expect("not poisoned");
            faults.extend(fault(case, &outcome, asked).map(|fault| format!("{name}: {fault}")));
            if let Some((_, now, why)) = decided.iter().find(|(decided, _, _)| decided == name) {
                stricter += 1;
                assert_eq!(outcome.result.word(), *now, "{name}: {why}");
            }
        }
    }
    assert!(faults.is_empty(), "{} of {cases}:\n{}", faults.len(), faults.join("\n"));
    assert_eq!((cases, stricter), (expected, decided.len()), "the suite is the one that was meant");
}

#[tokio::test]
async fn everything_that_rfc_7208_says() {
    run("rfc7208-tests.yml", &[], 203).await;
}

#[tokio::test]
async fn everything_that_rfc_4408_said() {
    run("rfc4408-tests.yml", DECIDED, 191).await;
}
