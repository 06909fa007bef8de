#![expect(clippy::unwrap_used, reason = "tests")]

use super::load_maps;
use crate::Settings;
use std::path::Path;

fn settings(folder: &Path) -> Settings {
    let text = "[server]\nhostname = \"mx.example.org\"\n[access]\nfile = \"access\"\n\
        [aliases]\nfile = \"aliases\"\nvirtusertable_file = \"virtusertable\"\n\
        [relay]\ndomains_file = \"relay-domains\"\n[local]\nhosts_file = \"local-host-names\"\n";
    Settings::from_str(text, &folder.join("gatepost.toml")).unwrap()
}

#[test]
fn all_files_together() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    write("access", b"# f\xfcr uns\nspammer.example REJECT\n123.456.678.901 REJECT\n");
    write("aliases", b"staff: :include:staff\n");
    write("staff", b"joe\n");
    write("virtusertable", b"@old.example %1@example.org\n");
    write("relay-domains", b"example.net\n");
    write("local-host-names", b"example.org\n");
    let (maps, warnings) = load_maps(&settings(folder.path())).unwrap();
    assert_eq!(maps.access.len(), 1);
    assert_eq!(maps.aliases.first().unwrap().goals.len(), 1);
    assert_eq!(maps.virtual_users.len(), 1);
    assert_eq!(maps.relay.len(), 1);
    assert_eq!(maps.hosts.len(), 1);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn one_error_refuses_all() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access"), "spammer.example REJCT\n").unwrap();
    let problems = load_maps(&settings(folder.path())).unwrap_err();
    let problems: Vec<_> = problems
        .iter()
        .map(|p| p.to_string().replace(&*folder.path().to_string_lossy(), "DIR"))
        .collect();
    let missing = |line: usize, column: usize, name: &str| {
        format!(
            "DIR/gatepost.toml:{line}:{column}: error: DIR/{name} cannot be read: No such file or \
             directory (os error 2)"
        )
    };
    assert_eq!(
        problems,
        [
            "DIR/access:1:17: error: there is no value `REJCT` (did you mean `REJECT`?)".to_owned(),
            missing(6, 8, "aliases"),
            missing(7, 22, "virtusertable"),
            missing(9, 16, "relay-domains"),
            missing(11, 14, "local-host-names"),
        ]
    );
}
