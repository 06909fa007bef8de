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
            look.member(Member { names, content: Ok(b"a") }, &mut Budget::new(Limits::default()));
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
            look.member(Member { names, content }, &mut Budget::new(Limits::default()));
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
