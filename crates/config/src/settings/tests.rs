#![expect(clippy::unwrap_used, reason = "tests")]

use super::Settings;
use crate::subject::Match;
use proptest::prelude::*;
use std::path::Path;

const HOST: &str = "[server]\nhostname = \"mx.example.org\"\n";

fn read(text: &str) -> Result<Settings, Vec<String>> {
    let show = |problems: Vec<crate::Problem>| problems.iter().map(ToString::to_string).collect();
    Settings::from_str(text, Path::new("/etc/gatepost/gatepost.toml")).map_err(show)
}

/// What is said about a file that begins with the host name in lines 1 and 2.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = read(&format!("{HOST}{text}")).unwrap_err();
    let found: Vec<_> =
        found.iter().map(|line| line.replace("/etc/gatepost/gatepost.toml:", "")).collect();
    assert_eq!(found, expected, "for {text}");
}

#[test]
fn a_host_name_is_enough() {
    let settings = read(HOST).unwrap();
    assert_eq!(settings.server.hostname.as_str(), "mx.example.org");
    assert_eq!(settings.server.user, "gatepost");
    assert_eq!(settings.limits.message_size_max, 36_700_160);
    assert_eq!(settings.limits.connections_per_address, 30);
    assert_eq!(settings.limits.recipients_max, 1_000);
    assert_eq!(settings.limits.idle_timeout_secs, 300);
    assert_eq!(settings.limits.errors_max, 20);
    assert_eq!(settings.limits.hops_max, 30);
    assert_eq!(settings.login.failure_delay_secs, 5);
    assert_eq!(settings.login.failures_per_connection_max, 3);
    assert_eq!(settings.login.hashes_at_once_max, 2);
    assert_eq!(settings.admin_socket(), Path::new("/var/lib/gatepost/admin.sock"));
    assert_eq!(settings.folder, Path::new("/etc/gatepost"));
    // No network is trusted, loopback included.
    assert!(settings.relay.networks.is_empty());
    assert!(settings.listen.submission.is_empty() && settings.listen.submissions.is_empty());
    assert!(!settings.repairs_bare_lf("127.0.0.1".parse().unwrap()));
}

#[test]
fn every_default_lies_in_its_range() {
    for section in Settings::describe() {
        for key in section.keys {
            let Some((low, high)) = key.range else { continue };
            let default: u64 = key.default.parse().unwrap();
            assert!((low..=high).contains(&default), "{}.{}", section.name, key.name);
        }
    }
}

#[test]
fn every_default_can_be_written() {
    let mut text = HOST.to_owned();
    for section in Settings::describe().iter().filter(|section| section.name != "server") {
        text.push_str(&format!("[{}]\n", section.name));
        for key in section.keys.iter().filter(|key| !key.default.is_empty()) {
            text.push_str(&format!("{} = {}\n", key.name, key.default));
        }
    }
    let (written, bare) = (read(&text).unwrap(), read(HOST).unwrap());
    let values = |settings: Settings| {
        format!("{settings:?}").split(", places: ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(values(written), values(bare));
}

#[test]
fn all_that_can_be_set() {
    let settings = read(
        r#"
        [server]
        hostname = "MX.Example.org."
        log_format = "json"
        [listen]
        smtp = ["127.0.0.1:0", "[::1]:2525"]
        [tls]
        certificate = "tls/cert.pem"
        key = "/srv/key.pem"
        [storage]
        database = "postgres://gatepost:secret@127.0.0.1/gatepost"
        [relay]
        networks = ["192.0.2.0/24", "2001:db8::7"]
        domains = ["example.net"]
        [[smtp.networks]]
        net = "198.51.100.0/24"
        bare_lf = "repair"
        [[subject.rules]]
        pattern = "ILOVEYOU"
        [[subject.rules]]
        name = "prize"
        match = "regex"
        pattern = "you (have )?won"
        reply = "554 5.7.1 No prizes here"
        expires = 2027-01-01
        "#,
    )
    .unwrap();
    assert_eq!(settings.server.hostname.as_str(), "mx.example.org");
    assert_eq!(settings.tls.certificate.as_deref(), Some(Path::new("/etc/gatepost/tls/cert.pem")));
    assert_eq!(settings.tls.key.as_deref(), Some(Path::new("/srv/key.pem")));
    assert!(settings.storage.database.is_some());
    assert!(!format!("{settings:?}").contains("secret"));
    assert!(settings.repairs_bare_lf("198.51.100.9".parse().unwrap()));
    assert!(!settings.repairs_bare_lf("198.51.101.9".parse().unwrap()));
    let [plain, prize] = settings.subject.rules.as_slice() else { panic!("two rules") };
    assert_eq!((plain.name.as_str(), plain.kind, &plain.reply), ("rule 1", Match::Text, &None));
    assert_eq!(prize.name, "prize");
    let reply = prize.reply.clone().unwrap();
    assert_eq!((reply.code, reply.enhanced, reply.text.as_str()), {
        (554, Some((5, 7, 1)), "No prizes here")
    });
    assert_eq!(prize.expires.unwrap().rfc3339(), "2027-01-01T00:00:00.000Z");
}

#[test]
fn what_is_unknown_is_told_with_its_neighbour() {
    check(
        "[limits]\nidle_timeout = 5\n",
        &["4:1: error: there is no setting `idle_timeout` here (did you mean \
             `idle_timeout_secs`?)"],
    );
    check("[limit]\n", &["3:2: error: there is no setting `limit` here (did you mean `limits`?)"]);
    check("[storage]\n  zzz = 1\n", &["4:3: error: there is no setting `zzz` here"]);
    check("[server.x]\n", &["3:9: error: there is no setting `x` here"]);
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    check(
        "[limits]\nerrors_max = \"20\"\nhops_max = 2\nrecipients_max = -1\n",
        &[
            "4:14: error: expected a number, found a text",
            "5:12: error: `hops_max` must be from 5 to 1000, not 2",
            "6:18: error: expected a number that is not negative",
        ],
    );
    check(
        "[listen]\nsmtp = [\"127.0.0.1\"]\npop3 = \"127.0.0.1:110\"\n",
        &[
            "4:9: error: `127.0.0.1` is not an address with a port, like 192.0.2.1:25 or [::]:25: \
         invalid socket address syntax",
            "5:8: error: expected a list of addresses with ports, found a text",
        ],
    );
    check(
        "[relay]\nnetworks = [\"192.0.2.0/24\", \"10.0.0.300\"]\n",
        &["4:29: error: `10.0.0.300` is not a network, like 192.0.2.0/24 or 2001:db8::/32: \
         invalid IP address syntax"],
    );
    check(
        "[relay]\nnetworks = [\"0.0.0.0/0\"]\n",
        &["3:1: error: `0.0.0.0/0` is too wide: it would make an open relay"],
    );
    check(
        "[tls]\ncertificate = \"a\"\n",
        &["3:1: error: `certificate` and `key` go together: one of them is missing"],
    );
    check(
        "[limits]\nconnections_max = 10\n",
        &["3:1: error: `connections_per_address` is greater than `connections_max`"],
    );
    check("relay = 1\n", &["3:1: error: there is no setting `relay` here"]);
    check(
        "[[smtp.networks]]\nnet = \"::/0\"\nbare_lf = \"repair\"\n",
        &["3:1: error: `::/0` is too wide: bare LF is never repaired for strangers"],
    );
    check(
        "[[smtp.networks]]\nnet = \"192.0.2.0/24\"\nbare_lf = \"repare\"\n",
        &["5:11: error: `repare` is none of \"refuse\", \"repair\" (did you mean `repair`?)"],
    );
    check(
        "[[subject.rules]]\nmatch = \"regex\"\npattern = \"a(b\"\n",
        &["5:11: error: unclosed group"],
    );
    check(
        "[[subject.rules]]\nmatch = \"regex\"\npattern = \"a*\"\n",
        &["5:11: error: the expression matches the empty subject, so it matches all"],
    );
    check(
        "[[subject.rules]]\nmatch = \"regex\"\npattern = \"(a{1000}){1000}\"\n",
        &["5:11: error: the expression is too large"],
    );
    check("[[subject.rules]]\n", &["3:1: error: `pattern` is missing"]);
    check(
        "[[subject.rules]]\npattern = \"x\"\nreply = \"250 fine\"\n",
        &["5:9: error: `250 fine` is not a reply, like 553 5.7.1 text: \
         it must begin with a code from 400 to 599"],
    );
    check(
        "[[subject.rules]]\npattern = \"x\"\nexpires = \"soon\"\n",
        &["5:11: error: `soon` is not a time like 2026-12-31T00:00:00Z"],
    );
}

#[test]
fn without_a_host_name_there_is_no_server() {
    let place = "/etc/gatepost/gatepost.toml";
    assert_eq!(
        read("").unwrap_err(),
        [format!("{place}:1:1: error: `server.hostname` is missing")]
    );
    assert_eq!(
        read("\n[server]\nuser = \"x\"\n").unwrap_err(),
        [format!("{place}:2:1: error: `hostname` is missing")]
    );
    assert_eq!(
        read("[server]\nhostname = \"a b\"\n").unwrap_err(),
        [format!(
            "{place}:2:12: error: `a b` is not a domain: \
             the domain has a character that no domain may have"
        )]
    );
}

#[test]
fn syntax_errors_have_their_place() {
    let found = read("[server]\nhostname = \"mx\nuser = 3\n").unwrap_err();
    assert!(found.first().unwrap().starts_with("/etc/gatepost/gatepost.toml:2:"), "{found:?}");
}

#[test]
fn an_overlay_wins_setting_by_setting() {
    let base = "[server]\nhostname = \"mx.example.org\"\n[limits]\nerrors_max = 7\nhops_max = 9\n";
    let (base_path, over_path) = (Path::new("/a/base.toml"), Path::new("/b/over.toml"));
    let overlay = |text: &str| Settings::with_overlay((base, base_path), (text, over_path));
    let settings = overlay(
        "[limits]\nerrors_max = 8\n[access]\nfile = \"access\"\n[[smtp.networks]]\nnet \
         = \"10.1.2.3\"\n",
    )
    .unwrap();
    assert_eq!((settings.limits.errors_max, settings.limits.hops_max), (8, 9));
    assert_eq!(settings.access.file.as_deref(), Some(Path::new("/b/access")));
    assert_eq!(settings.folder, Path::new("/a"));
    let problems = overlay("[limits]\nhops_max = 1\nerror_max = 3\n").unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "/b/over.toml:2:12: error: `hops_max` must be from 5 to 1000, not 1",
            "/b/over.toml:3:1: error: there is no setting `error_max` here (did you mean \
             `errors_max`?)",
        ]
    );
    assert!(overlay("").is_ok());
}

#[test]
fn doors_that_shut_each_other_out_are_told() {
    check(
        "[listen]\npop3 = [\"127.0.0.1:0\", \"0.0.0.0:25\"]\n",
        &["4:24: error: `pop3` at 0.0.0.0:25: `smtp` is open at 0.0.0.0:25 already"],
    );
    check(
        "[listen]\nsubmission = [\"127.0.0.1:25\", \"[::1]:25\"]\n",
        &[
            "4:15: error: `submission` at 127.0.0.1:25: `smtp` is open at 0.0.0.0:25 already",
            "4:31: error: `submission` at [::1]:25: `smtp` is open at [::]:25 already",
        ],
    );
    check(
        "[listen]\nsmtp = [\"127.0.0.1:995\"]\n",
        &["3:1: error: `pop3s` at 0.0.0.0:995: `smtp` is open at 127.0.0.1:995 already"],
    );
    check(
        "[listen]\nsmtp = [\"192.0.2.1:25\", \"192.0.2.1:25\"]\n",
        &["4:25: error: `smtp` at 192.0.2.1:25: `smtp` is open at 192.0.2.1:25 already"],
    );
    for fine in [
        "smtp = [\"192.0.2.1:25\", \"192.0.2.2:25\", \"[::]:25\"]",
        "pop3 = [\"0.0.0.0:0\"]\npop3s = [\"0.0.0.0:0\"]",
        "pop3 = [\"0.0.0.0:110\", \"[::]:110\"]",
    ] {
        assert!(read(&format!("{HOST}[listen]\n{fine}\n")).is_ok(), "{fine}");
    }
}

#[test]
fn a_user_has_a_name() {
    let found = read("[server]\nhostname = \"mx.example.org\"\nuser = \" \"\n").unwrap_err();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert!(found.contains(":3:8: error: `user` is empty"), "{found}");
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn never_panics_on_what_looks_like_settings(
        text in "(\\[\\[?(server|listen|limits|smtp.networks|subject.rules)\\]\\]?\n|(hostname|\
         smtp|net|pattern|match|errors_max) = (\"[a-z0-9.:/]{0,6}\"|[0-9-]{1,20}|\\[.{0,5}\\]|\
          \\{\\}|true|1.5|2027-01-01)\n){0,8}"
    ) {
        let _ = read(&text);
    }
}

#[test]
fn doors_within_a_site_are_for_named_networks() {
    check(
        "[listen]\nlmtp = [\"127.0.0.1:24\"]\n",
        &["4:8: error: nobody may use this door: name networks under `[lmtp] networks`"],
    );
    check(
        "[lmtp]\nnetworks = [\"0.0.0.0/0\"]\n[proxy]\nnetworks = [\"::/0\"]\n",
        &[
            "3:1: error: `0.0.0.0/0` is too wide: LMTP is not for strangers",
            "5:1: error: `::/0` is too wide: anybody in it could say to be anybody",
        ],
    );
    let fine = "[listen]\nlmtp = [\"127.0.0.1:24\"]\nlmtp_socket = \"lmtp.sock\"\n\
                [lmtp]\nnetworks = [\"127.0.0.1/32\"]\n";
    assert!(read(&format!("{HOST}{fine}")).is_ok());
}

#[test]
fn what_was_overlaid_is_written_as_one_file() {
    let base = "[server]\nhostname = \"a.example\"\n[storage]\ndata = \"data\"\n\
                [access]\nfile = \"access\"\n";
    let over = "[storage]\ndata = \"/else/where\"\ndatabase = \"postgres://u:p@h/d\"\n\
                [limits]\nrecipients_max = 200\n[aliases]\nfile = \"al\\\"iases\"\n\
                [listen]\nsmtp = [\"127.0.0.1:25\", \"[::1]:25\"]\n\
                [[subject.rules]]\npattern = 'a\\b'\nreply = \"553 no\"\nexpires = 2030-01-01\n\
                [[smtp.networks]]\nnet = \"192.0.2.0/24\"\nbare_lf = \"repair\"\n";
    let two = ((base, Path::new("/base/a.toml")), (over, Path::new("/over/b.toml")));
    let text = Settings::overlaid(two.0, two.1).unwrap();
    let one = Settings::from_str(text.expose(), Path::new("/third/c.toml")).unwrap();
    let both = Settings::with_overlay(two.0, two.1).unwrap();
    let database = |s: &Settings| s.storage.database.clone().map(|url| url.expose().clone());
    assert_eq!(database(&one).as_deref(), Some("postgres://u:p@h/d"));
    assert_eq!(one.access.file.as_deref(), Some(Path::new("/base/access")));
    for (one, both) in [
        (format!("{:?}", one.storage), format!("{:?}", both.storage)),
        (format!("{:?}", one.limits), format!("{:?}", both.limits)),
        (format!("{:?}", one.aliases), format!("{:?}", both.aliases)),
        (format!("{:?}", one.listen), format!("{:?}", both.listen)),
        (format!("{:?}", one.subject), format!("{:?}", both.subject)),
        (format!("{:?}", one.smtp), format!("{:?}", both.smtp)),
        (format!("{:?}", one.server), format!("{:?}", both.server)),
    ] {
        assert_eq!(one, both);
    }
}
