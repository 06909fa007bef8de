//! Rulings over what a worker may say of a message, honest or not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::case::Case;
use super::surgery;
use super::{Looking, nonce};
use crate::rendition::{build, edits};
use crate::testing::envelope;
use crate::texts::Texts;
use config::Settings;
use content::examination::{Examination, Looked};
use content::{Class, Hit};
use mail::index::Index;
use mail::{Envelope, MessageId, Piece, Reason, Suggestion};
use std::path::Path;

const MESSAGE: &str = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n\r\n\
    --b\r\n\r\ntext\r\n--b\r\nContent-Type: application/x; name=a.exe\r\n\r\nAAAA\r\n\
    --b\r\nContent-Type: application/x; name=b.exe\r\n\r\nBBBB\r\n--b--\r\n";

/// A thing that is the part of this number in [`MESSAGE`].
fn part(number: usize, class: Class) -> Looked {
    let index = Index::of(MESSAGE.as_bytes());
    let part = &index.parts[number];
    let hit = Hit { class, rule: format!("name {number}"), path: vec![], detail: String::new() };
    Looked {
        part: Some(number),
        place: part.header.start..part.body.end,
        source: "part".to_owned(),
        names: part.names(),
        types: vec!["application/x".to_owned()],
        kind: "unknown".to_owned(),
        size: 4,
        sha256: "00".repeat(32),
        hits: vec![hit],
    }
}

struct Ruled {
    looking: Looking,
    shown: String,
}

impl Ruled {
    fn held(&self) -> Vec<&str> {
        self.looking.held.iter().map(|part| part.name.as_str()).collect()
    }

    fn suggestions(&self) -> Vec<Suggestion> {
        self.looking.findings.iter().map(|finding| finding.suggestion.clone()).collect()
    }
}

/// What is done with [`MESSAGE`] under these settings.
fn rule(settings: &str, envelope: &Envelope, examination: Examination) -> Ruled {
    let text = format!("[server]\nhostname = \"mx.example.org\"\n{settings}");
    let settings = Settings::from_str(&text, Path::new("gatepost.toml")).unwrap();
    let index = Index::of(MESSAGE.as_bytes());
    let case = Case {
        settings: &settings.attachment,
        texts: &Texts::new("en", None),
        hostname: &settings.server.hostname,
        id: MessageId(1),
        envelope,
        index: &index,
        examination: &examination,
        token: "token",
        web: None,
        nonce: 7,
    };
    let looking = case.rule();
    let rendition = build(&index, String::new(), &edits(&[], &[], looking.edits.clone()));
    let mut bytes = Vec::new();
    for piece in rendition.pieces() {
        match piece {
            Piece::Insert(inserted) => bytes.extend_from_slice(inserted),
            Piece::Copy(range) => bytes
                .extend_from_slice(&MESSAGE.as_bytes()[range.start as usize..range.end as usize]),
        }
    }
    Ruled { looking, shown: String::from_utf8(bytes).unwrap() }
}

fn found(looked: Vec<Looked>) -> Examination {
    Examination { looked, ..Examination::default() }
}

fn to_anna() -> Envelope {
    envelope(&["anna@example.org"])
}

#[test]
fn what_several_readers_see_is_taken_out_once() {
    let mut again = part(2, Class::Script);
    again.source = "other".to_owned();
    let ruled = rule("", &to_anna(), found(vec![part(2, Class::Program), again]));
    assert_eq!(ruled.held(), ["a.exe"]);
    assert_eq!(ruled.looking.findings.len(), 2, "the trace names both");
    assert_eq!(ruled.shown.matches("taken an attachment").count(), 1, "{}", ruled.shown);
    assert!(!ruled.shown.contains("AAAA") && ruled.shown.contains("BBBB"), "{}", ruled.shown);
}

#[test]
fn a_part_is_renamed_once_however_many_readers_see_it() {
    let rules = "[[attachment.rules]]\nclass = [\"script\", \"program\"]\naction = \"rename\"\n";
    let looked = vec![part(2, Class::Program), part(2, Class::Script), part(3, Class::Script)];
    let ruled = rule(rules, &to_anna(), found(looked));
    assert_eq!(ruled.shown.matches("filename=\"a.exe.danger\"").count(), 1, "{}", ruled.shown);
    assert_eq!(ruled.shown.matches("filename=\"b.exe.danger\"").count(), 1, "{}", ruled.shown);
    assert!(ruled.shown.contains("AAAA") && ruled.shown.contains("BBBB"));
}

#[test]
fn what_goes_takes_along_what_is_within_it() {
    let index = Index::of(MESSAGE.as_bytes());
    let mut all = part(2, Class::Program);
    all.part = Some(0);
    all.place = 0..index.size;
    all.names = vec!["all".to_owned()];
    let ruled = rule("", &to_anna(), found(vec![part(3, Class::Program), all]));
    assert_eq!(ruled.held(), ["all"]);
    assert!(!ruled.shown.contains("b.exe") && ruled.shown.starts_with("Subject: x\r\n"));
}

#[test]
fn places_that_a_worker_invents_put_the_message_aside() {
    let size = MESSAGE.len() as u64;
    for place in [5..9, 0..u64::MAX, size..size + 1, u64::MAX - 1..u64::MAX] {
        let mut looked = part(2, Class::Program);
        (looked.part, looked.place) = (Some(99), place.clone());
        let ruled = rule("", &to_anna(), found(vec![looked]));
        assert!(ruled.suggestions().contains(&Suggestion::Quarantine), "{place:?}");
        assert!(ruled.looking.edits.is_empty(), "{place:?}");
    }
}

#[test]
fn what_was_not_looked_at_to_its_end_is_put_aside() {
    let examination =
        Examination { incomplete: Some("looked_max".to_owned()), ..Examination::default() };
    let ruled = rule("", &to_anna(), examination);
    assert_eq!(ruled.suggestions(), [Suggestion::Quarantine]);
    assert_eq!(ruled.looking.findings[0].reason, Reason::TooComplex);
}

#[test]
fn readings_that_differ_are_written_anew_only_if_nothing_was_found() {
    let rebuilt = content::examination::Rebuilt {
        kept: std::iter::once(0..12).collect(),
        rest: b"MIME-Version: 1.0\r\n\r\nnew\r\n".to_vec(),
    };
    let examination = |looked| Examination {
        looked,
        ambiguities: vec!["two types".to_owned()],
        rebuilt: Some(rebuilt.clone()),
        ..Examination::default()
    };
    let ruled = rule("", &to_anna(), examination(vec![]));
    assert_eq!(ruled.shown, "Subject: x\r\nMIME-Version: 1.0\r\n\r\nnew\r\n");
    let ruled = rule("", &to_anna(), examination(vec![part(2, Class::Program)]));
    assert!(
        ruled.suggestions().contains(&Suggestion::Quarantine) && ruled.looking.edits.is_empty()
    );
    let refuse = "[attachment]\nambiguous = \"refuse\"\n";
    let ruled = rule(refuse, &to_anna(), examination(vec![]));
    assert_eq!(ruled.suggestions(), [Suggestion::Refuse(None)]);
}

/// A message has one form.
#[test]
fn the_strictest_rule_of_all_recipients_counts() {
    let rule_for = |name: &str, action: &str| {
        format!(
            "[[attachment.rules]]\nclass = [\"program\"]\nrecipient = [\"{name}@example.org\"]\n\
             action = \"{action}\"\n"
        )
    };
    let rules = &(rule_for("ben", "allow") + &rule_for("carl", "quarantine"));
    let looked = || found(vec![part(2, Class::Program)]);
    let ruled = rule(rules, &envelope(&["ben@example.org"]), looked());
    assert_eq!(ruled.shown, MESSAGE);
    let ruled = rule(rules, &envelope(&["ben@example.org", "anna@example.org"]), looked());
    assert_eq!(ruled.held(), ["a.exe"]);
    let ruled = rule(rules, &envelope(&["anna@example.org", "carl@example.org"]), looked());
    assert_eq!(ruled.suggestions(), [Suggestion::Quarantine]);
}

/// What is in an archive beside an allowed member is ruled by itself.
#[test]
fn an_allowed_member_does_not_speak_for_its_neighbours() {
    let rules = "[[attachment.rules]]\nfile = [\"good.exe\"]\naction = \"allow\"\n";
    let mut looked = part(2, Class::Program);
    looked.names = vec!["a.zip".to_owned()];
    let inside = |name: &str| Hit { path: vec![name.to_owned()], ..looked.hits[0].clone() };
    let mut allowed = looked.clone();
    allowed.hits = vec![inside("good.exe")];
    assert_eq!(rule(rules, &to_anna(), found(vec![allowed])).shown, MESSAGE);
    let mut both = looked.clone();
    both.hits = vec![inside("good.exe"), inside("bad.exe")];
    assert_eq!(rule(rules, &to_anna(), found(vec![both])).held(), ["a.zip"]);
}

/// A virus is named where another danger has the same ruling: its sender is told of nothing.
#[test]
fn a_virus_is_named_before_others() {
    let rules = "[[attachment.rules]]\nclass = [\"virus\"]\naction = \"remove\"\n";
    let mut looked = part(2, Class::Program);
    looked.hits.push(part(2, Class::Virus).hits[0].clone());
    let ruled = rule(rules, &to_anna(), found(vec![part(2, Class::Script), looked]));
    assert_eq!(ruled.held(), ["a.exe"]);
    assert_eq!(ruled.looking.held[0].reason, Reason::VirusFound);
}

#[test]
fn a_stranger_cannot_know_the_delimiter_of_a_warning() {
    assert_ne!(nonce(), nonce());
    let index = Index::of(b"Subject: x\r\n\r\ntext\r\n");
    assert_eq!(surgery::warn(&index, "careful", "own").len(), 2);
}

/// Names are a stranger's: none comes to stand as a line that MIME reads.
#[test]
fn a_name_is_never_a_delimiter() {
    let mut looked = part(2, Class::Program);
    looked.names = vec![format!("{}--b--\r\n--b", "ä".repeat(60))];
    looked.hits[0].path = vec!["--b".to_owned(), "x".repeat(100), "--b--".to_owned()];
    looked.hits[0].rule = "--b--".to_owned();
    let ruled = rule("", &to_anna(), found(vec![looked]));
    let again = Index::of(ruled.shown.as_bytes());
    assert_eq!(again.parts.len(), 4, "{}", ruled.shown);
    assert!(again.ambiguities.is_empty(), "{:?}", again.ambiguities);
}
