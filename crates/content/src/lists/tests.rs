#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Builder, EICAR, Fault, Lists, PATTERNS_MAX};
use crate::{Budget, Class, Item, Limits, inspect};
use sha2::{Digest, Sha256};
use std::fmt::Write;

fn rules(lists: &Lists, bytes: &[u8]) -> Vec<(Class, String)> {
    let item = Item { names: &[], types: &[], bytes };
    let report = inspect(&item, lists, &mut Budget::new(Limits::default()));
    report.hits.into_iter().map(|hit| (hit.class, hit.rule)).collect()
}

fn patterns(list: &str) -> Lists {
    let mut builder = Builder::default();
    builder.patterns(list).unwrap();
    builder.build().unwrap()
}

#[track_caller]
fn check(pattern: &str, bytes: &[u8], matches: bool) {
    let found = rules(&patterns(&format!("it {pattern}")), bytes);
    let is = found.contains(&(Class::Virus, "pattern it".to_owned()));
    assert_eq!(is, matches, "{pattern} in {:?}: {found:?}", String::from_utf8_lossy(bytes));
}

#[test]
fn eicar_is_known_out_of_the_box() {
    let eicar = EICAR.concat();
    assert_eq!(eicar.len(), 68);
    let virus = (Class::Virus, "pattern eicar".to_owned());
    for text in [
        eicar.clone(),
        format!("{eicar}\r\n"),
        format!("{eicar}{}", " ".repeat(60)),
        format!("Look:\r\n{eicar}\r\nand more"),
    ] {
        assert!(rules(&Lists::default(), text.as_bytes()).contains(&virus), "{text}");
    }
    let article = format!("{}{eicar}", "It is about a test file. ".repeat(400));
    assert!(rules(&Lists::default(), article.as_bytes()).is_empty());
    assert!(rules(&Lists::default(), eicar.to_lowercase().as_bytes()).is_empty());
}

#[test]
fn a_hash_lists_a_file() {
    let bytes = b"a file that nobody wants";
    let hash = Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let mut builder = Builder::default();
    let list = format!("# ours\n\n{} unwanted file\n{}\n", hash, "0".repeat(64));
    builder.hashes(&list).unwrap();
    let lists = builder.build().unwrap();
    assert_eq!(rules(&lists, bytes), [(Class::Listed, "hash unwanted file".to_owned())]);
    assert!(rules(&lists, b"another file").is_empty());
}

#[test]
fn bytes_match_with_wildcards_and_gaps() {
    check("hex 61626364", b"xxabcdxx", true);
    check("hex 61626364", b"xxabcxd", false);
    check("hex 61 62 63 64", b"abcd", true);
    check("hex ??61626364", b"abcd", false);
    check("hex ??61626364", b"-abcd", true);
    check("hex 6?61626364", b"fabcd", true);
    check("hex 6?61626364", b"vabcd", false);
    check("hex 61626364*65", b"abcd....e", true);
    check("hex 61626364*65", b"e abcd", false);
    check("hex 61626364{2}65", b"abcd--e", true);
    check("hex 61626364{2}65", b"abcd-e", false);
    check("hex 61626364{1-3}65{0-1}66", b"abcde-e.f", true);
    check("hex 61626364{1-3}65{0-1}66", b"abcd-e..f", false);
    // The first e is too far from the f, the second is not.
    check("hex 61626364*65{1}66", b"abcd-e--f-e-f", true);
    let far = [b"abcd".as_slice(), &[b'-'; 1_025], b"e"].concat();
    check("hex 61626364*65", &far, false);
    check("hex 61626364*65", &[b"abcd", &far[5..]].concat(), true);
}

#[test]
fn text_matches_whatever_its_case_and_blanks() {
    check("text Enable  Content", b"please ENABLE\r\n\tcontent now", true);
    check("text enable content", b"enablecontent", false);
    check("text invoice * macro", b"Invoice 17: open it, and start the macro", true);
    check("text enable content", b"e\0n\0a\0b\0l\0e\0 \0c\0o\0n\0t\0e\0n\0t\0", true);
}

#[test]
fn faults_are_told_with_their_line() {
    let fault = |list: &str| Builder::default().patterns(list).unwrap_err();
    assert_eq!(fault("\n# a\nname hex 6").line, 3);
    for (list, what) in [
        ("a", "a pattern is"),
        ("a hex 616", "odd number"),
        ("a hex 6162636g", "'g' is no"),
        ("a hex 616263", "4 whole bytes"),
        ("a hex 6162??6364*61626364", "4 whole bytes"),
        ("a hex *61626364", "a gap stands between"),
        ("a hex 61626364*", "a gap stands between"),
        ("a hex 61626364{9-2}61", "a gap is"),
        ("a hex 61626364{2000}61", "a gap is"),
        ("a text abc", "4 whole bytes"),
        ("a text abcd**x", "a gap stands between"),
    ] {
        let Fault { line, what: said } = fault(list);
        assert!(line == 1 && said.contains(what), "{list}: {said}");
    }
    let long = format!("a hex 61626364{}", "*61".repeat(9));
    assert!(fault(&long).what.contains("more than 8192"), "{}", fault(&long));
    let many = "a hex 61626364\n".repeat(PATTERNS_MAX + 1);
    assert_eq!(fault(&many).line, PATTERNS_MAX + 1);
    let mut builder = Builder::default();
    assert_eq!(builder.hashes("00ff name").unwrap_err().line, 1);
    assert!(builder.hashes(&format!("{} {}", "0".repeat(64), "n".repeat(81))).is_err());
}

/// Content that begins a pattern at every byte ends at a limit, in time that grows with it.
#[test]
fn hostile_content_is_bounded() {
    let lists = patterns("a hex 61616161*61616161*61616161*62");
    crate::cost::grows_with(300_000, "a pattern", &|size| {
        let found = rules(&lists, &vec![b'a'; size]);
        assert!(found.iter().any(|(class, _)| *class == Class::TooComplex), "{found:?}");
    });
}
