#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Goal, parse_file, parse_goals};
use proptest::prelude::*;
use std::path::Path;

/// Every alias in short, then the problems.
fn show(text: &str, folder: Option<&Path>) -> Vec<String> {
    let (entries, problems) = parse_file(Path::new("/etc/aliases"), text, folder);
    let mut all: Vec<_> = entries
        .iter()
        .map(|e| {
            let mut goals: Vec<_> = e.goals.iter().map(goal).collect();
            goals.extend(e.refused.iter().map(|r| format!("!{}", r.text)));
            format!("{} {}: {}", e.line, e.name, goals.join(", "))
        })
        .collect();
    all.extend(problems.iter().map(ToString::to_string));
    all
}

fn goal(goal: &Goal) -> String {
    match goal {
        Goal::Address(address) => format!("<{address}>"),
        Goal::Local(name) => name.clone(),
        Goal::Final(name) => format!("\\{name}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(show(text, None), expected, "for {text}");
}

#[test]
fn a_real_file() {
    let text = "\
# Basic system aliases -- these MUST be present.
MAILER-DAEMON:\tpostmaster
postmaster:\troot

# General redirections for pseudo accounts.
bin:\t\troot
ftp-adm:\tftp
Decode:\t\troot

staff: wnj, mosher,
\tsam,	\"Doe, John\"@example.org,
   Jane <jane@example.net> (our Jane, in Rome)
eric: \\eric, eric@elsewhere.example
long: a@b.example, \\
c@d.example
\"quoted name\": x
info@Example.org: sales
";
    check(
        text,
        &[
            "2 mailer-daemon: postmaster",
            "3 postmaster: root",
            "6 bin: root",
            "7 ftp-adm: ftp",
            "8 decode: root",
            "10 staff: wnj, mosher, sam, <\"Doe, John\"@example.org>, <jane@example.net>",
            "13 eric: \\eric, <eric@elsewhere.example>",
            "14 long: <a@b.example>, <c@d.example>",
            "16 quoted name: x",
            "17 info@example.org: sales",
        ],
    );
}

#[test]
fn programs_files_and_includes_are_refused_one_by_one() {
    let program = "is refused: a program is never run for a mail";
    let file = "is refused: mail is never written to a file";
    let text = "\
vacation: \\joe, \"|/usr/bin/vacation joe\"
list: |/usr/bin/list -x
\"|odd\": x
archive: /var/mail/archive, \"/var/mail/a b\"
nobody: /dev/null
members: :include:/etc/passwd, joe
gone: error:nouser No such user
";
    let found = show(text, None);
    let expected = [
        "1 vacation: \\joe, !\"|/usr/bin/vacation joe\"".to_owned(),
        "2 list: !|/usr/bin/list -x".to_owned(),
        "3 |odd: x".to_owned(),
        "4 archive: !/var/mail/archive, !\"/var/mail/a b\"".to_owned(),
        "5 nobody: !/dev/null".to_owned(),
        "6 members: joe, !:include:/etc/passwd".to_owned(),
        "7 gone: !error:nouser No such user".to_owned(),
        format!("/etc/aliases:1:17: warning: `\"|/usr/bin/vacation joe\"` {program}"),
        format!("/etc/aliases:2:7: warning: `|/usr/bin/list -x` {program}"),
        format!("/etc/aliases:4:10: warning: `/var/mail/archive` {file}"),
        format!("/etc/aliases:4:29: warning: `\"/var/mail/a b\"` {file}"),
        format!(
            "/etc/aliases:5:9: warning: `/dev/null` {file}; \
             to discard it, give the access map an entry `To:name@ DISCARD`"
        ),
        "/etc/aliases:6:10: warning: `:include:/etc/passwd` is refused: \
         files are included only by an aliases file"
            .to_owned(),
        "/etc/aliases:7:7: warning: `error:nouser No such user` is refused: sendmail's error: \
         goals are not supported; give the access map an entry `To:name@ ERROR:...`"
            .to_owned(),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong() {
    let error = |place: &str, what: &str| vec![format!("/etc/aliases:{place}: error: {what}")];
    let check = |text: &str, expected: Vec<String>| {
        let found: Vec<_> =
            show(text, None).into_iter().filter(|line| line.starts_with('/')).collect();
        assert_eq!(found, expected, "for {text}");
    };
    check("joe joe@a.example\n", error("1:1", "there is no colon behind the name of the alias"));
    check("  joe\n", error("1:1", "a continuation line without a line that it continues"));
    check("a: b\n# c\n  d\n", error("3:1", "a continuation line without a line that it continues"));
    check(": joe\n", error("1:1", "the alias has no name"));
    check("joe:\n", error("1:5", "`joe` leads nowhere"));
    check("joe: , ,\n", error("1:5", "`joe` leads nowhere"));
    check("joe: \"a\n", {
        let mut both = error("1:6", "the quotes in `\"a` do not end");
        both.extend(error("1:5", "`joe` leads nowhere"));
        both
    });
    check("joe: a (b\n", {
        let mut both = error("1:6", "the parentheses in `a (b` do not end");
        both.extend(error("1:5", "`joe` leads nowhere"));
        both
    });
    check(
        "joe: x, @b.c\n",
        error("1:9", "`@b.c` is no address: the local part is empty (at byte 0)"),
    );
    check("Joe: a\njoe: b\n", {
        vec![
            "/etc/aliases:2:1: warning: `joe` is there twice; /etc/aliases:1 came first and holds"
                .to_owned(),
        ]
    });
}

#[test]
fn goals_of_the_store() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse_goals(text) {
            Ok((goals, refused)) => {
                let refused = refused.iter().map(|r| format!("!{}", r.text));
                goals.iter().map(goal).chain(refused).collect::<Vec<_>>().join(" ")
            }
            Err(why) => why,
        };
        assert_eq!(found, expected, "for {text}");
    }
    check("joe, jane@example.org", "joe <jane@example.org>");
    check("|/bin/sh, joe", "joe !|/bin/sh");
    check("\\/archive, joe, Prog <|/bin/sh>", "joe !\\/archive !Prog <|/bin/sh>");
    check(":include:/etc/gatepost/list", "!:include:/etc/gatepost/list");
    check("a\nb", "goals are one line");
    check("  ", "there is no goal");
    check(
        "a b",
        "`a b` is no local name: the local part has a character that needs quotes, or a stray dot",
    );
}

#[test]
fn includes_stay_in_the_settings_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("settings");
    std::fs::create_dir_all(inside.join("lists")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(inside.join(name), text).unwrap();
    write("lists/staff", "# the staff\njoe\njane@example.org, jim\n:include:lists/more\n");
    write("lists/more", "last\n|/bin/sh\n");
    write("self", "a\n:include:self\n");
    std::fs::write(folder.path().join("secret"), "root:x\n").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), inside.join("link")).unwrap();
    let text = "staff: :include:lists/staff\nself: :include:self\nlink: x, :include:link\n\
        up: x, :include:../secret\nfolder: x, :include:lists\nnone: x, :include:none\n";
    let found = show(text, Some(&inside));
    let short: Vec<_> =
        found.iter().map(|line| line.replace(&*inside.to_string_lossy(), "DIR")).collect();
    let outside = "is refused: it lies outside the settings folder";
    assert_eq!(
        short,
        [
            "1 staff: joe, <jane@example.org>, jim, last, !|/bin/sh".to_owned(),
            "2 self: a, !:include:self".to_owned(),
            "3 link: x, !:include:link".to_owned(),
            "4 up: x, !:include:../secret".to_owned(),
            "5 folder: x, !:include:lists".to_owned(),
            "6 none: x, !:include:none".to_owned(),
            "DIR/lists/more:2:1: warning: `|/bin/sh` is refused: a program is never run for a mail"
                .to_owned(),
            "DIR/self:2:1: warning: `:include:self` is refused: it includes itself".to_owned(),
            format!("/etc/aliases:3:10: warning: `:include:link` {outside}"),
            format!("/etc/aliases:4:8: warning: `:include:../secret` {outside}"),
            "/etc/aliases:5:12: warning: `:include:lists` is refused: is not a file".to_owned(),
            "/etc/aliases:6:10: warning: `:include:none` is refused: \
             cannot be read: No such file or directory (os error 2)"
                .to_owned(),
        ]
    );
}

#[test]
fn an_include_that_doubles_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for level in 0..6 {
        let line = format!("a\n:include:{}\n", level + 1).repeat(20);
        std::fs::write(folder.path().join(level.to_string()), line).unwrap();
    }
    let (entries, problems) = parse_file(Path::new("a"), "bomb: :include:0\n", Some(folder.path()));
    assert_eq!(entries.len(), 1);
    let entry = entries.first().unwrap();
    assert!(entry.goals.len() > 20 && entry.goals.len() <= super::GOALS_MAX);
    assert!(problems.iter().any(crate::Problem::is_error));
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = parse_file(Path::new("a"), &text, None);
        let _ = parse_goals(&text);
    }

    #[test]
    fn never_panics_on_what_looks_like_aliases(
        text in "([a-z\"]{0,4}:?[ \t]?([a-z@.\\\\|/\"(),<>:]|:include:){0,12}\\\\?\n){0,8}"
    ) {
        let (entries, _) = parse_file(Path::new("a"), &text, None);
        for entry in entries {
            prop_assert!(entry.line > 0 && !(entry.goals.is_empty() && entry.refused.is_empty()));
        }
    }
}
