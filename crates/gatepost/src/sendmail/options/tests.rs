#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{LETTERS, Mode, Options, parse};
use mail::{Notify, Return};
use proptest::prelude::*;

fn read(line: &str) -> Result<Options, String> {
    parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

fn check(line: &str, expected: Options) {
    assert_eq!(read(line), Ok(expected), "{line}");
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_programs_say_is_read() {
    let to = |recipients: &[&str]| Options {
        recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        ..Options::default()
    };
    let ignoring = |options| Options { ignore_dots: true, ..options };
    check("", Options::default());
    check("anna ben", to(&["anna", "ben"]));
    // cron, PHP, git, mutt, mailx.
    check(
        "-FCronDaemon -i -odi -oem -oi -t -f root",
        ignoring(Options {
            from_header: true,
            sender: text("root"),
            full_name: text("CronDaemon"),
            ..Options::default()
        }),
    );
    check("-t -i", ignoring(Options { from_header: true, ..Options::default() }));
    check("-i anna@example.org", ignoring(to(&["anna@example.org"])));
    check(
        "-oem -oi -f ben@example.org -- anna@example.org",
        ignoring(Options { sender: text("ben@example.org"), ..to(&["anna@example.org"]) }),
    );
    check("-ti", ignoring(Options { from_header: true, ..Options::default() }));
    check(
        "-tifben",
        ignoring(Options { from_header: true, sender: text("ben"), ..Options::default() }),
    );
    check("-rben anna", Options { sender: text("ben"), ..to(&["anna"]) });
    check("-f <> anna", Options { sender: text("<>"), ..to(&["anna"]) });
    check("-v -bm anna", Options { verbose: true, ..to(&["anna"]) });
    check("-- -t", to(&["-t"]));
    check("-", to(&["-"]));
    check("-O IgnoreDots -O DeliveryMode=b", ignoring(Options::default()));
    check("-d0.1 -B 8BITMIME -h 3 -L tag -X log -G -n -m", Options::default());
    check("-C other.toml", Options { settings: text("other.toml"), ..Options::default() });
    let (full, headers) = (Some(Return::Full), Some(Return::Headers));
    check("-R full", Options { wanted_back: full, ..Options::default() });
    check(
        "-RHDRS -V x7",
        Options { wanted_back: headers, envelope_id: text("x7"), ..Options::default() },
    );
    let notify = Some(Notify { success: true, failure: false, delay: true });
    check("-N success,delay", Options { notify, ..Options::default() });
    check("-N never", Options { notify: Some(Notify::default()), ..Options::default() });
}

#[test]
fn modes() {
    for (line, mode) in [
        ("-bm", Mode::Send),
        ("-bs", Mode::Smtp),
        ("-b s", Mode::Smtp),
        ("-bp", Mode::List),
        ("-bv anna", Mode::Verify),
        ("-q", Mode::Flush),
        ("-bi", Mode::Aliases),
        ("-I", Mode::Aliases),
        ("-bs -bm", Mode::Send),
    ] {
        assert_eq!(read(line).map(|options| options.mode), Ok(mode), "{line}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (line, expected) in [
        ("-Z", "`-Z` is no option"),
        ("-tZ", "`-Z` is no option"),
        ("--help", "`--help` is no option"),
        ("-f", "`-f` needs a value"),
        ("-tf", "`-f` needs a value"),
        ("-bd", "gatepost serve"),
        ("-bz", "`-bz` is not known"),
        ("-q30m", "the server itself"),
        ("-R some", "full or hdrs"),
        ("-N perhaps", "success,failure,delay"),
    ] {
        let told = read(line).unwrap_err();
        assert!(told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn letters_are_known_once() {
    let mut letters: Vec<char> = LETTERS.iter().map(|(letter, _)| *letter).collect();
    let all = letters.len();
    letters.sort_unstable();
    letters.dedup();
    assert_eq!(letters.len(), all);
}

proptest! {
    /// Whatever is said: an answer, and behind `--` nothing but recipients.
    #[test]
    fn any_arguments_are_read_or_refused(
        before in proptest::collection::vec("-?[a-zA-Z<>@=,-]{0,6}", 0..6),
        behind in proptest::collection::vec("\\PC{0,8}", 0..4),
    ) {
        // A last `-f` would take the `--` for its value.
        let mut arguments = before;
        arguments.push("x".to_owned());
        arguments.push("--".to_owned());
        arguments.extend(behind.iter().cloned());
        if let Ok(options) = parse(&arguments) {
            prop_assert!(options.recipients.ends_with(&behind));
        }
    }
}
