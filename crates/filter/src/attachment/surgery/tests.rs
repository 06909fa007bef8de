#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use super::{rebuilt, rename, replace, replace_lines, warn};
use crate::rendition::{Edit, build, edits};
use content::examination::Rebuilt;
use mail::Piece;
use mail::index::{Ambiguity, Index};
use proptest::prelude::*;

const MIXED: &str = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n\r\n\
    pre\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/x; name=a.exe\r\n\
    Content-ID: <1@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";

/// The message as it is shown after these edits.
fn shown(message: &[u8], made: Vec<Edit>) -> String {
    let index = Index::of(message);
    let rendition = build(&index, String::new(), &edits(&[], &[], made));
    let mut bytes = Vec::new();
    for piece in rendition.pieces() {
        match piece {
            Piece::Insert(inserted) => bytes.extend_from_slice(inserted),
            Piece::Copy(range) => {
                bytes.extend_from_slice(&message[range.start as usize..range.end as usize]);
            }
        }
    }
    assert_eq!(bytes.len() as u64, rendition.size());
    String::from_utf8(bytes).unwrap()
}

/// Whether every program reads the message alike.
fn is_sound(message: &str) -> bool {
    let index = Index::of(message.as_bytes());
    let harmless = [Ambiguity::Preamble, Ambiguity::Epilogue];
    index.ambiguities.iter().all(|sighting| harmless.contains(&sighting.ambiguity))
}

#[test]
fn a_part_is_replaced_and_every_other_byte_stays() {
    let index = Index::of(MIXED.as_bytes());
    let part = &index.parts[2];
    let after = shown(MIXED.as_bytes(), replace(&index, part, "gone"));
    let (before, behind) = MIXED.split_once("Content-Type: application/x").unwrap();
    let behind = behind.split_once("AAAA").unwrap().1;
    assert!(after.starts_with(before) && after.ends_with(behind), "{after}");
    assert!(!after.contains("a.exe") && after.contains("gone"), "{after}");
    assert!(is_sound(&after), "{after}");
    let again = Index::of(after.as_bytes());
    assert_eq!(again.parts[2].media_type, "text/plain");
    assert_eq!(again.parts.len(), 3);
}

#[test]
fn a_message_that_is_nothing_but_the_part_keeps_its_header() {
    let message = "Subject: x\r\nContent-Type: application/x; name=a.exe\r\nMIME-Version: 1.0\r\n\
                   X-A: b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n";
    let index = Index::of(message.as_bytes());
    let after = shown(message.as_bytes(), replace(&index, &index.parts[0], "gone"));
    assert!(after.starts_with("Subject: x\r\nX-A: b\r\nMIME-Version: 1.0\r\n"), "{after}");
    assert!(after.contains("\r\n\r\ngone") && is_sound(&after), "{after}");
    assert!(!after.contains("a.exe") && !after.contains("AAAA"), "{after}");
}

#[test]
fn a_message_within_a_message_keeps_its_header_too() {
    let inner =
        "Subject: inner\r\nMIME-Version: 1.0\r\nContent-Type: application/x; name=a.exe\r\n\r\nMZ";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
    );
    let index = Index::of(message.as_bytes());
    assert_eq!(index.parts.len(), 3);
    let after = shown(message.as_bytes(), replace(&index, &index.parts[2], "gone"));
    assert!(after.contains("Subject: inner\r\n") && is_sound(&after), "{after}");
    assert!(!after.contains("a.exe"), "{after}");
    assert_eq!(Index::of(after.as_bytes()).parts.len(), 3);
}

#[test]
fn lines_of_a_text_are_replaced() {
    let message = "Subject: x\r\n\r\nbefore\r\nbegin 644 a.exe\r\n#0V%T\r\n`\r\nend\r\nafter\r\n";
    let start = message.find("begin").unwrap() as u64;
    let end = message.find("after").unwrap() as u64;
    let after = shown(message.as_bytes(), replace_lines(start..end, "göne"));
    assert_eq!(after, "Subject: x\r\n\r\nbefore\r\ng?ne\r\nafter\r\n");
}

#[test]
fn our_texts_hold_no_line_that_could_be_a_delimiter() {
    let message = "Subject: x\r\n\r\nbefore\r\nafter\r\n";
    let after = shown(message.as_bytes(), replace_lines(22..22, "a\n--b\n-"));
    assert_eq!(after, "Subject: x\r\n\r\nbefore\r\na\r\n --b\r\n -\r\nafter\r\n");
    let index = Index::of(MIXED.as_bytes());
    for text in ["a\n--b--\nc".to_owned(), format!("ä {}\n", "-- ".repeat(99)), "x".repeat(2_000)]
    {
        let after = shown(MIXED.as_bytes(), replace(&index, &index.parts[2], &text));
        assert_eq!(Index::of(after.as_bytes()).parts.len(), 3, "{after}");
        assert!(after.contains("Content-Transfer-Encoding: base64") && is_sound(&after), "{after}");
        assert!(after.lines().all(|line| line.len() < 999), "{after}");
    }
}

#[test]
fn a_part_is_renamed_and_its_bytes_stay() {
    let index = Index::of(MIXED.as_bytes());
    let after = shown(MIXED.as_bytes(), rename(&index, &index.parts[2], "a.exe"));
    let again = Index::of(after.as_bytes());
    assert_eq!(again.parts[2].names(), ["a.exe.danger"]);
    assert!(after.contains("Content-ID: <1@x>\r\n") && after.contains("\r\n\r\nAAAA\r\n--b--"));
    assert!(is_sound(&after), "{after}");
}

#[test]
fn a_warning_stands_before_everything() {
    let alternative = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n \
                       boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    let plain = "Subject: x\r\n\r\ntext\r\n";
    for (message, parts) in [(MIXED, 4), (alternative, 4), (plain, 3)] {
        let index = Index::of(message.as_bytes());
        let after = shown(message.as_bytes(), warn(&index, "careful", "own"));
        let again = Index::of(after.as_bytes());
        assert_eq!(again.parts.len(), parts, "{after}");
        let first = &again.parts[1];
        let text = &after[first.body.start as usize..first.body.end as usize];
        assert!(text.starts_with("careful"), "{after}");
        assert!(is_sound(&after), "{after}");
        let root = again.root().unwrap();
        assert_eq!(root.media_type, "multipart/mixed");
    }
}

#[test]
fn what_was_written_anew_stands_behind_the_fields_that_stay() {
    let message = "Subject: x\r\nContent-Type: a/b\r\nTo: y\r\n\r\nbody\r\n";
    let index = Index::of(message.as_bytes());
    let made =
        Rebuilt { kept: vec![0..12, 31..38], rest: b"MIME-Version: 1.0\r\n\r\nnew".to_vec() };
    let after = shown(message.as_bytes(), rebuilt(&index, &made));
    assert_eq!(after, "Subject: x\r\nTo: y\r\nMIME-Version: 1.0\r\n\r\nnew");
}

proptest! {
    /// Whatever edits are made, each byte that no edit covers is shown, in its place.
    #[test]
    fn edits_never_take_more_than_they_say(
        ranges in proptest::collection::vec((0_u64..60, 0_u64..20), 0..6),
    ) {
        let message: Vec<u8> = (0..80).map(|n| b'a' + n % 26).collect();
        let made: Vec<Edit> = ranges
            .iter()
            .map(|(start, len)| Edit { range: *start..start + len, insert: b"#".to_vec() })
            .collect();
        let after = shown(&message, made.clone());
        let kept: String = (0..80_u64)
            .filter(|at| !made.iter().any(|edit| edit.range.contains(at)))
            .map(|at| message[at as usize] as char)
            .collect();
        let shown: String = after.chars().filter(|c| *c != '#' && *c != '\r' && *c != '\n').collect();
        prop_assert_eq!(shown, kept);
    }
}
