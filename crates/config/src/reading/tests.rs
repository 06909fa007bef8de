#![expect(clippy::unwrap_used, reason = "tests")]

use super::{FILE_MAX, Reading, has_password, load};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const HOST: &str = "[server]\nhostname = \"mx.example.org\"\n";

/// What is said of a settings file with this text, and the other files beside it.
fn problems(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, text).unwrap();
    let name = format!("{}/", folder.path().display());
    let problems = Reading::new(&path).problems;
    problems.iter().map(|problem| problem.to_string().replace(&name, "")).collect()
}

#[test]
fn faults_of_settings_and_maps_are_told_at_once_and_in_order() {
    let text = "[access]\nfile = \"access\"\n[server]\nhostnam = \"mx.example.org\"\n\
        [relay]\ndomains_file = \"nowhere\"\nnetworks = [\"10.0.0.1/8\"]\n\
        [limits]\nhops_max = 1\nzzz = 1\nerrors_max = \"x\"\n";
    assert_eq!(
        problems(text, &[("access", "a.example REJCT\n\n[192.0.2.9] REJECT\nb.example X\n")]),
        [
            "gatepost.toml:3:1: error: `hostname` is missing",
            "gatepost.toml:4:1: error: there is no setting `hostnam` here (did you mean \
             `hostname`?)",
            "gatepost.toml:6:16: error: nowhere cannot be read: No such file or directory (os \
             error 2)",
            "gatepost.toml:7:13: warning: `10.0.0.1/8` has bits behind its prefix; it means \
             `10.0.0.0/8`",
            "gatepost.toml:9:12: error: `hops_max` must be from 5 to 1000, not 1",
            "gatepost.toml:10:1: error: there is no setting `zzz` here",
            "gatepost.toml:11:14: error: expected a number, found a text",
            "access:1:11: error: there is no value `REJCT` (did you mean `REJECT`?)",
            "access:3:1: warning: `[192.0.2.9]` is taken for the client `192.0.2.9` too: for \
             sendmail brackets are for the host of a mail address alone (write \
             `Connect:192.0.2.9` for the client, `From:[192.0.2.9]` for senders)",
            "access:4:11: error: there is no value `X`",
        ]
    );
}

#[test]
fn warnings_let_the_files_be_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, format!("{HOST}[relay]\nnetworks = [\"10.0.0.1/8\"]\n")).unwrap();
    let (settings, _, warnings) = Reading::new(&path).finish().unwrap();
    assert_eq!(settings.relay.networks, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(warnings.len(), 1);
    assert!(load(&path).is_ok());
}

#[test]
fn a_password_needs_a_closed_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let check = |url: &str, mode: u32, is_fine: bool| {
        std::fs::write(&path, format!("{HOST}[storage]\ndatabase = \"{url}\"\n")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let found = load(&path).map(|_| ());
        assert_eq!(found.is_ok(), is_fine, "{url} {mode:o}: {found:?}");
        if let Err(problems) = found {
            let text = problems.first().unwrap().to_string();
            assert!(text.contains(":4:12: error: ") && text.contains("chmod 0640"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    };
    check("postgres://gatepost:hunter2@127.0.0.1/gatepost", 0o644, false);
    check("postgres://gatepost:hunter2@127.0.0.1/gatepost", 0o640, true);
    check("postgres://gatepost@127.0.0.1/gatepost", 0o644, true);
    for (send, is_fine) in [
        (
            "[send]\nsmarthost = \"a.example\"\nsmarthost_user = \"u\"\nsmarthost_password = \"p\"\n",
            false,
        ),
        (
            "[[send.routes]]\ndomain = \"b.example\"\nto = \"a.example\"\nuser = \"u\"\npassword = \"p\"\n",
            false,
        ),
        ("[[send.routes]]\ndomain = \"b.example\"\nto = \"a.example\"\n", true),
    ] {
        std::fs::write(&path, format!("{HOST}{send}")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(load(&path).is_ok(), is_fine, "{send}");
    }
}

#[test]
fn a_log_in_is_whole_and_has_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let wrong = "the user and the password of a log-in go together, and neither is empty";
    let alone = "`smarthost_user` needs a `smarthost`";
    for (send, expected) in [
        ("smarthost = \"a.example\"\nsmarthost_user = \"u\"\n", wrong),
        ("smarthost = \"a.example\"\nsmarthost_password = \"p\"\n", wrong),
        ("smarthost = \"a.example\"\nsmarthost_user = \"\"\nsmarthost_password = \"p\"\n", wrong),
        ("smarthost_user = \"u\"\nsmarthost_password = \"p\"\n", alone),
        ("[[send.routes]]\ndomain = \"b.example\"\nto = \"a.example\"\nuser = \"u\"\n", wrong),
    ] {
        std::fs::write(&path, format!("{HOST}[send]\n{send}")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(load(&path).unwrap_err().first().unwrap().message, expected, "{send}");
    }
}

#[test]
fn passwords_in_addresses() {
    for (url, expected) in [
        ("postgres://a:secret@db/mail", true),
        ("postgres://a:se@cret@db:5432/mail", true),
        ("postgres://a@db/mail?password=secret", true),
        ("postgres://a@db/mail?sslmode=disable&password=secret", true),
        ("host=db user=a password=secret", true),
        ("host=db user=a  password = secret", true),
        ("postgres://a@db:5432/mail", false),
        ("postgres://a:@db/mail", false),
        ("postgres://db:5432/a@b", false),
        ("host=/run/postgresql dbname=mail", false),
    ] {
        assert_eq!(has_password(url), expected, "{url}");
    }
}

#[test]
fn files_are_read_with_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let say = |path: &Path| load(path).unwrap_err().first().unwrap().message.clone();
    assert_eq!(say(&path), "cannot be read: No such file or directory (os error 2)");
    assert_eq!(say(folder.path()), "is not a file");
    std::fs::write(&path, b"# caf\xe9\n").unwrap();
    assert_eq!(say(&path), "is not UTF-8 here");
    std::fs::write(&path, "#".repeat(FILE_MAX + 1)).unwrap();
    assert_eq!(say(&path), "is larger than 4194304 bytes");
    std::fs::write(&path, HOST).unwrap();
    assert!(load(&path).is_ok());
}
