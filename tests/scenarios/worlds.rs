//! Mail between servers on machines of their own: our Gatepost, a Postfix, a second Gatepost, and
//! the users' machine, each a network namespace, with name servers that sign and check.
//!
//! Needs root. Everything is inside the namespaces, which are gone after the test, also when it
//! fails.

mod certificate;
mod gatepost;
mod names;
mod net;
mod postfix;

use crate::server::text;
use certificate::{Authority, Certificate};
use gatepost::Gatepost;
use names::Names;
use net::{Host, Net};
use postfix::{Plan, Postfix};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const OURS: &str = "ours.example";
/// Domains with TLSA records at their server, and such whose servers a policy names.
const FAR: [&str; 2] = ["dane.far.example", "sts.far.example"];
const NEAR: [&str; 2] = ["dane.near.example", "sts.near.example"];
/// Domains of Postfix that say something wrong of it: by TLSA records, by a policy, by signatures.
const WRONG: [&str; 3] = ["wrong.far.example", "strict.far.example", "proven.bogus"];
const MACHINES: [(&str, &str); 5] = [
    ("ours", "192.0.2.25"),
    ("users", "192.0.2.7"),
    ("names", "198.51.100.53"),
    ("far", "198.51.100.25"),
    ("near", "198.51.100.26"),
];

/// A process that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program whose output goes to a file.
fn start(mut command: Command, log: &Path) -> Running {
    let log = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    Running(command.spawn().unwrap())
}

/// The same, whose standard output is heard instead.
fn start_heard(mut command: Command, log: &Path) -> Running {
    let log = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    Running(command.spawn().unwrap())
}

/// All of it. What is listed first ends first.
struct World {
    ours: Gatepost,
    near: Gatepost,
    far: Postfix,
    _others: Vec<Running>,
    net: Net,
    authority: Authority,
    password: String,
    _folder: tempfile::TempDir,
}

impl World {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = folder.path();
        let net = Net::make(&MACHINES);
        let authority = Authority::make(path);
        let certify = |domains: &[&str]| {
            let mx = domains.iter().map(|domain| format!("mx.{domain}"));
            let sts = domains.iter().map(|domain| format!("mta-sts.{domain}"));
            let names: Vec<String> = mx.chain(sts).collect();
            authority.certify(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let far_proof = certify(&[&FAR[..], &WRONG].concat());
        let near_proof = certify(&NEAR);
        let ours_proof = authority.certify(&[&format!("mail.{OURS}")]);

        let settings = |word: &str, proof: &Certificate| site(net.host(word).ip, proof);
        // The addresses of these worlds are private to everybody else.
        let private = [net.host("far").ip, net.host("near").ip].map(|ip| format!("\"{ip}:443\""));
        let ours_settings = settings("ours", &ours_proof)
            + &format!("authorities = \"{}\"\n", authority.file().display())
            + &format!("[fetch]\nprivate = [{}]\n", private.join(", "));
        let mut ours = Gatepost::init(path, net.host("ours"), OURS, &ours_settings);
        let mut near =
            Gatepost::init(path, net.host("near"), NEAR[0], &settings("near", &near_proof));
        near.plain(&["domain", "add", NEAR[1]]);
        for domain in NEAR {
            near.plain(&["account", "add", &format!("dora@{domain}")]);
        }
        let said = ours.admin(&["account", "add", &format!("anna@{OURS}")]);
        let password = said["value"]["password"].as_str().unwrap_or_else(|| panic!("{said}"));
        let password = password.to_owned();

        let names = publish(path, &net, &ours, &far_proof, &near_proof);
        let mut others = names.serve(&net, &["ours", "users", "far", "near"]);
        let [_, strict, _] = WRONG;
        let right = |domain: &str| (domain.to_owned(), format!("mx.{domain}"));
        let wrong = (strict.to_owned(), "mx.another.example".to_owned());
        let far_policies = [right(FAR[1]), wrong];
        others.push(policies(path, net.host("far"), &far_proof, &far_policies));
        others.push(policies(path, net.host("near"), &near_proof, &[right(NEAR[1])]));
        let plan = Plan {
            host: net.host("far"),
            name: "mx.dane.far.example",
            domains: &[&FAR[..], &WRONG].concat(),
            certificate: &far_proof.certificate,
            key: &far_proof.key,
        };
        let far = Postfix::start(path, &plan);
        near.serve();
        ours.serve();
        let active = |value: &serde_json::Value| {
            let rows = value["rows"].as_array();
            rows.is_some_and(|rows| rows.iter().all(|row| row["state"] == "active"))
        };
        ours.until(&["domain", "dkim", "list", OURS], active);
        Self { ours, near, far, _others: others, net, authority, password, _folder: folder }
    }

    /// Sends a message as a user does.
    fn send(&self, to: &[&str]) {
        let anna = format!("anna@{OURS}");
        let message = format!(
            "From: Anna <{anna}>\r\nTo: {}\r\nSubject: Minutes  of today\r\n\r\n.dots\r\n end \r\n",
            to.join(", ")
        );
        let (server, authority) =
            (format!("mail.{OURS}"), self.authority.file().display().to_string());
        let mut args = vec!["-c", include_str!("worlds/submit.py"), &server, &authority];
        args.extend([anna.as_str(), &self.password, &message]);
        args.extend(to);
        let output = self.net.host("users").run("python3", &args);
        assert_eq!(text(&output).trim(), "sent", "{}", self.ours.log());
    }

    /// What dkimpy says of a message's signatures, on the machine `far`.
    fn verified(&self, message: &str) -> serde_json::Value {
        let mut command = self.net.host("far").command("/usr/bin/python3");
        command.args(["-c", include_str!("worlds/verify.py")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)))
    }
}

/// The settings of a Gatepost behind those of `init`.
fn site(ip: &str, proof: &Certificate) -> String {
    let (certificate, key) = (proof.certificate.display(), proof.key.display());
    format!(
        "[listen]\nsmtp = [\"{ip}:25\"]\nsubmission = [\"{ip}:587\"]\npop3s = []\n\
         [tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
    )
}

/// The web server of the domains of a host, with the server that each domain names.
fn policies(
    folder: &Path,
    host: &Host,
    proof: &Certificate,
    policies: &[(String, String)],
) -> Running {
    let policies: HashMap<_, _> = policies.iter().cloned().collect();
    let mut command = host.command("python3");
    command.args(["-c", include_str!("worlds/policies.py"), host.ip]);
    command.args([&proof.certificate, &proof.key]);
    command.arg(serde_json::to_string(&policies).unwrap());
    let mut running = start_heard(command, &folder.join(format!("{}-policies.log", host.ip)));
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    running
}

/// What the domains say of themselves: ours what it is told to, the others what they need.
fn publish(
    folder: &Path,
    net: &Net,
    ours: &Gatepost,
    far_proof: &Certificate,
    near_proof: &Certificate,
) -> Names {
    let mut names = Names::new(folder, net.host("names").ip);
    let printed = ours.plain(&["domain", "dns", OURS]);
    names.add("example", &format!("{printed}\nmail.{OURS}. A {}", net.host("ours").ip));
    names.add("2.0.192.in-addr.arpa", &format!("25.2.0.192.in-addr.arpa. PTR mail.{OURS}."));
    let server = |domain: &str, word: &str| {
        let ip = net.host(word).ip;
        format!("{domain}. MX 10 mx.{domain}.\nmx.{domain}. A {ip}\n")
    };
    let tlsa = |domain: &str, said: &str| format!("_25._tcp.mx.{domain}. TLSA {said}\n");
    let policy = |domain: &str, word: &str| {
        let ip = net.host(word).ip;
        format!("_mta-sts.{domain}. TXT \"v=STSv1; id=1\"\nmta-sts.{domain}. A {ip}\n")
    };
    for ([dane, sts], word, proof) in [(FAR, "far", far_proof), (NEAR, "near", near_proof)] {
        let proven = server(dane, word) + &tlsa(dane, &proof.tlsa());
        names.add("example", &(proven + &server(sts, word) + &policy(sts, word)));
    }
    let [wrong, strict, bogus] = WRONG;
    let nobody = format!("3 1 1 {}", "00".repeat(32));
    names.add("example", &(server(wrong, "far") + &tlsa(wrong, &nobody)));
    names.add("example", &(server(strict, "far") + &policy(strict, "far")));
    names.add("bogus", &(server(bogus, "far") + &tlsa(bogus, &far_proof.tlsa())));
    names
}

#[test]
fn what_a_user_sends_arrives_signed_at_other_servers() {
    let world = World::make();
    let to = [FAR, NEAR].concat().iter().map(|domain| format!("dora@{domain}")).collect::<Vec<_>>();
    world.send(&to.iter().map(String::as_str).collect::<Vec<_>>());
    for to in &to {
        let row = world.ours.told(to, "relayed");
        assert_eq!(row["reason"], "remote_accepted", "{row}");
    }
    for domain in FAR {
        let message = world.far.arrived(domain);
        let head = message.split("\n\n").next().unwrap();
        assert!(head.contains("from mail.ours.example (mail.ours.example [192.0.2.25])"), "{head}");
        assert!(head.contains("(using TLSv1.3 with cipher"), "{head}");
        assert!(!head.contains("192.0.2.7"), "the user's own address is told: {head}");
        assert_eq!(world.verified(&message), serde_json::json!([true, true]), "{message}");
        let spoiled = message.replace("Minutes", "Hours");
        assert_eq!(world.verified(&spoiled), serde_json::json!([false, false]));
    }
    for domain in NEAR {
        let dora = format!("dora@{domain}");
        world.near.told(&dora, "delivered");
        let inbox = world.near.inbox(&dora);
        let [message] = inbox.as_slice() else { panic!("{inbox:?}") };
        let unfolded = message.replace("\r\n ", " ").replace("\r\n\t", " ");
        let results = unfolded.lines().find(|line| line.starts_with("Authentication-Results:"));
        let results = results.unwrap_or_else(|| panic!("{message}"));
        for result in ["spf=pass", "dkim=pass", "dmarc=pass", "iprev=pass"] {
            assert!(results.contains(result), "{result}: {results}");
        }
        assert_eq!(results.matches("dkim=pass").count(), 2, "{results}");
    }
    for server in [&world.ours, &world.near] {
        let fsck = server.admin(&["fsck"]);
        assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
    }
}

/// The ground that DANE and MTA-STS stand on: the resolvers believe what the zone signed, nothing
/// else; policies are where a domain says, at a server with its name.
#[test]
fn what_is_signed_is_proven_and_what_is_signed_by_another_is_nothing() {
    let world = World::make();
    let ask =
        |name: &str| world.net.host("ours").must("drill", &["-D", name, "TLSA", "@127.0.0.1"]);
    let proven = ask("_25._tcp.mx.dane.far.example");
    assert!(proven.contains("NOERROR") && proven.contains(" ad "), "{proven}");
    let bogus = ask("_25._tcp.mx.proven.bogus");
    assert!(bogus.contains("SERVFAIL") && !bogus.contains(" ad "), "{bogus}");
    let authority = world.authority.file().display().to_string();
    let fetch = "import ssl, sys, urllib.request as r\n\
                 context = ssl.create_default_context(cafile=sys.argv[1])\n\
                 print(r.urlopen(sys.argv[2], context=context, timeout=30).read().decode())\n";
    for domain in [FAR[1], NEAR[1]] {
        let url = format!("https://mta-sts.{domain}/.well-known/mta-sts.txt");
        let policy = world.net.host("ours").must("python3", &["-c", fetch, &authority, &url]);
        assert!(policy.contains(&format!("mode: enforce\r\nmx: mx.{domain}\r\n")), "{policy}");
    }
    world.send(&["dora@proven.bogus"]);
    let row = world.ours.told("dora@proven.bogus", "deferred");
    assert_eq!(row["reason"], "dns_failed", "{row}");
    assert_eq!(world.far.took("proven.bogus"), Vec::<String>::new());
}

/// What a domain proves of its servers by DNSSEC, or names by a policy, holds: mail goes to them,
/// to nobody else, and never in the clear.
#[test]
fn mail_goes_under_dane_and_under_mta_sts_or_not_at_all() {
    let world = World::make();
    let sound = [(FAR, "far"), (NEAR, "near")];
    let domains = sound.iter().flat_map(|(domains, _)| domains);
    let to: Vec<String> = domains.chain(&WRONG).map(|domain| format!("dora@{domain}")).collect();
    world.send(&to.iter().map(String::as_str).collect::<Vec<_>>());
    for ([dane, sts], _) in sound {
        for (domain, kind) in [(dane, "tlsa"), (sts, "sts")] {
            world.ours.told(&format!("dora@{domain}"), "relayed");
            let good = |value: &Value| {
                let rows = value["rows"].as_array().or(value.as_array());
                rows.is_some_and(|rows| {
                    rows.iter().any(|row| row["policy"] == kind && row["result"] == "")
                })
            };
            world.ours.until(&["queue", "tls", domain], good);
        }
    }
    let [wrong, strict, bogus] = WRONG;
    for (domain, reason) in
        [(wrong, "remote_untrusted"), (strict, "remote_untrusted"), (bogus, "dns_failed")]
    {
        let row = world.ours.told(&format!("dora@{domain}"), "deferred");
        assert_eq!(row["reason"], reason, "{row}");
        assert_eq!(world.far.took(domain), Vec::<String>::new(), "{domain}");
    }
}

#[test]
fn nothing_is_left_of_a_test_that_panics() {
    let ours = format!("gatepost-{}-", std::process::id());
    let left = || {
        let list = text(&crate::server::run("ip", &["netns", "list"]));
        let named = |line: &str| line.starts_with(&ours) && line.contains("-alone");
        list.lines().any(named)
    };
    let panicked = std::panic::catch_unwind(|| {
        let _net = Net::make(&[("alone", "192.0.2.9")]);
        assert!(left(), "there is no such namespace");
        panic!("this one is wanted");
    });
    let said = panicked.unwrap_err();
    let said = said.downcast_ref::<&str>().copied().unwrap_or("something else");
    assert_eq!(said, "this one is wanted", "see above");
    assert!(!left());
}
