#![expect(clippy::indexing_slicing, reason = "tests")]

use super::{Inspection, Item, PATH_MAX, inspect, with_inspection};
use crate::archive::Member;
use crate::{Budget, Class, Limits, Lists, Report, Trouble};

fn look(names: &[&str], types: &[&str], bytes: &[u8]) -> Report {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let types: Vec<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
    let item = Item { names: &names, types: &types, bytes };
    inspect(&item, &Lists::default(), &mut Budget::new(Limits::default()))
}

#[track_caller]
fn check(names: &[&str], types: &[&str], bytes: &[u8], rules: &[&str]) {
    let report = look(names, types, bytes);
    let found: Vec<&str> = report.hits.iter().map(|hit| hit.rule.as_str()).collect();
    assert_eq!(found, rules, "{names:?} {types:?}");
}

#[test]
fn names_types_and_content_each_count() {
    check(&["a.exe"], &[], b"text", &["name exe"]);
    check(&["a.pdf", "a.js"], &[], b"text", &["name js"]);
    check(&["a.pdf"], &["application/x-msdownload"], b"text", &["type application/x-msdownload"]);
    check(&["a.jpg"], &["image/jpeg"], b"MZ\x90\0\x03\0", &["magic mz"]);
    check(&[], &[], b"\x7FELF\x02\x01\x01", &["magic elf"]);
    check(&["a.exe"], &[], b"", &["name exe"]);
}

#[test]
fn what_begins_later_counts_where_it_stands_in_nothing_known() {
    let mut program = vec![0; 0x80];
    program[..2].copy_from_slice(b"MZ");
    program[0x3C] = 0x80;
    program.extend_from_slice(b"PE\0\0");
    let after = |head: &[u8], tail: &[u8]| [head, tail].concat();
    check(&["a.jpg"], &[], &after(b"a=b = c\r\n", &program), &["magic pe later"]);
    check(&["a.jpg"], &[], &after(&b"text\n".repeat(2_000), &program), &["magic pe later"]);
    check(&["a.jpg"], &[], &after(b"Hi", b"\x7FELF\x02\x01\x01\0"), &["magic elf later"]);
    // Nobody starts what stands behind a picture; and two letters come by chance.
    check(&["a.jpg"], &[], &after(b"\xFF\xD8\xFF\xE0", &program), &[]);
    check(&["a.bin"], &[], &after(b"\0\x01", &b"MZ\x80\0\0\0".repeat(500)), &[]);
    check(&["a.txt"], &[], b"Hi, MZ and PE and \x7FELF!", &[]);
}

#[test]
fn a_name_that_was_damaged_is_no_danger_by_itself() {
    for name in ["a\0.txt", "a.txt\x7F", "a\x1B[2K.txt", "a.txt\x08\x08\x08csv"] {
        check(&[name], &[], b"text", &[]);
    }
    let disguised = ["name exe", "disguise control characters"];
    for name in ["a\0.exe", "a.exe\x7F", "a.txt\x08\x08\x08exe", "a.exe\0.txt"] {
        let report = look(&[name], &[], b"text");
        for rule in disguised {
            assert!(report.hits.iter().any(|hit| hit.rule == rule), "{name:?}: {report:?}");
        }
    }
}

/// A zip behind another: to a reader that counts from the start of the file, the second entry's
/// data are a piece of the first archive.
#[test]
fn pieces_that_few_readers_see_are_not_told_as_damage() {
    let member = |name: &str, content: &[u8]| {
        let mut zip = zip_of(name, content);
        zip.splice(0..0, zip_of("readme.txt", b"Nothing to see here."));
        zip
    };
    check(&["a.zip"], &[], &member("a.pdf", &b"text ".repeat(99)), &[]);
    check(&["a.zip"], &[], &member("b.zip", &zip_of("a.txt", b"text")), &[]);
    check(&["a.zip"], &[], &member("a.dat", b"MZ\x90\0\x03\0"), &["magic mz"]);
}

/// A zip of one stored file.
fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    let (name, size) = (name.as_bytes(), (content.len() as u32).to_le_bytes());
    let length = (name.len() as u16).to_le_bytes();
    let facts = [b"\x14\0\0\0\0\0\0\0\0\0\0\0\0\0", &size[..], &size, &length, &[0; 2]].concat();
    let local = [b"PK\x03\x04", &facts[..], name, content].concat();
    let central = [b"PK\x01\x02\x14\0", &facts[..], &[0; 14], name].concat();
    let (size, at) = ((central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size[..], &at, &[0; 2]].concat();
    [local, central, end].concat()
}

#[test]
fn a_flood_hides_no_other_class() {
    let names: Vec<String> =
        crate::types::endings().take(60).map(|ending| format!("a.{}", ending.0)).collect();
    let item = Item { names: &names, types: &["text/vbscript".to_owned()], bytes: b"a" };
    let limits = Limits { hits_max: 10, ..Limits::default() };
    let report = inspect(&item, &Lists::default(), &mut Budget::new(limits));
    assert!(report.hits.len() < 20, "{}", report.hits.len());
    assert!(report.hits.iter().any(|hit| hit.class == Class::Script));
}

/// A rule of the administrator may allow what has a certain name inside an archive: what is not
/// told one by one must not come under it.
#[test]
fn what_a_flood_hides_has_no_name_that_a_rule_could_allow() {
    let hits = with_inspection(&Lists::default(), |look| {
        for n in 0..200 {
            let names = vec![format!("{n}.exe")];
            look.member(
                Member { names, content: Ok(b"a"), is_aside: false },
                &mut Budget::new(Limits::default()),
            );
        }
    });
    let (named, unnamed): (Vec<_>, Vec<_>) = hits.iter().partition(|hit| !hit.path.is_empty());
    assert_eq!((named.len(), unnamed.len()), (99, 1));
}

#[test]
fn a_budget_that_is_used_up_is_told() {
    let limits = Limits { looked_max: 3, ..Limits::default() };
    let item = Item { names: &[], types: &[], bytes: b"four" };
    let report = inspect(&item, &Lists::default(), &mut Budget::new(limits));
    assert_eq!(report.hits.first().map(|hit| hit.class), Some(Class::TooComplex));
}

#[test]
fn members_are_judged_by_name_and_content_but_folders_are_not() {
    let rules = |name: &str, content: Result<&[u8], Trouble>| {
        let hits = with_inspection(&Lists::default(), |look| {
            let names = vec![name.to_owned()];
            look.member(
                Member { names, content, is_aside: false },
                &mut Budget::new(Limits::default()),
            );
        });
        hits.into_iter().map(|hit| (hit.class, hit.rule, hit.path)).collect::<Vec<_>>()
    };
    let path = |name: &str| vec![name.to_owned()];
    assert_eq!(rules("node.js/", Ok(b"")), []);
    let file = rules("a/b.js", Ok(b""));
    assert_eq!(file, [(Class::Script, "name js".to_owned(), path("a/b.js"))]);
    let hidden = rules("b.exe", Err(Trouble::Encrypted("zip")));
    let encrypted = (Class::Encrypted, "encrypted zip".to_owned(), path("b.exe"));
    assert_eq!(hidden, [(Class::Program, "name exe".to_owned(), path("b.exe")), encrypted]);
}

#[test]
fn paths_are_bounded_and_come_back() {
    let lists = Lists::default();
    let mut inspection =
        Inspection { lists: &lists, hits: Vec::new(), hits_max: 9, path: Vec::new(), skipped: 0 };
    for _ in 0..PATH_MAX + 5 {
        inspection.step(&"é\n".repeat(300));
    }
    inspection.hit(Class::Macro, "a", "b");
    assert_eq!(inspection.hits[0].path.len(), PATH_MAX);
    assert!(inspection.hits[0].path.iter().all(|step| step.len() <= 200));
    for _ in 0..PATH_MAX + 5 {
        inspection.back();
    }
    assert!(inspection.path.is_empty() && inspection.skipped == 0);
}
