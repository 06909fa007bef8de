//! Zips that two programs read differently.

use content::Trouble;

use crate::made::{Entry, end, zip};
use crate::walk::walk;

const BAD: &[u8] = b"pretend to be bad";
const GOOD: &[u8] = b"nothing to see";

/// Every name has this content, one of them at least; and whether damage is told.
#[track_caller]
fn check(case: &str, bytes: &[u8], expected: &[(&str, &[u8])], is_damaged: bool) {
    let seen = walk(bytes);
    for (name, content) in expected {
        assert!(seen.content(name).contains(&Ok(content)), "{case}: {name} in {seen:?}");
    }
    assert_eq!(!seen.troubles.is_empty(), is_damaged, "{case}: {seen:?}");
}

#[test]
fn both_names_of_a_member_are_seen() {
    let mut entry = Entry::new("invoice.pdf", 8, BAD);
    entry.central_name = b"invoice.exe".to_vec();
    check("names", &zip(&[entry]), &[("invoice.pdf", BAD), ("invoice.exe", BAD)], false);

    let mut entry = Entry::new("a.txt", 0, BAD);
    // Info-ZIP's Unicode path.
    entry.extra = b"\x75\x70\x0a\0\x01\0\0\0\0b.exe".to_vec();
    check("unicode path", &zip(&[entry]), &[("a.txt", BAD), ("b.exe", BAD)], false);
}

#[test]
fn members_of_one_reading_only_are_seen() {
    let good = Entry::new("good.txt", 8, GOOD);
    let mut hidden = Entry::new("hidden.exe", 8, BAD);
    hidden.in_central = false;
    let both: &[(&str, &[u8])] = &[("good.txt", GOOD), ("hidden.exe", BAD)];
    check("local only", &zip(&[good.clone(), hidden.clone()]), both, false);
    check("local only, first", &zip(&[hidden.clone(), good.clone()]), both, false);
    hidden.in_central = true;
    // A record of the end that leaves the last entry of the directory out.
    let whole = zip(&[good.clone(), hidden.clone()]);
    let less = good.central(0).len() as u32;
    let at = (good.local().len() + hidden.local().len()) as u32;
    let mut cut = whole[..whole.len() - 22].to_vec();
    cut.extend_from_slice(&end(1, less, at));
    check("short directory", &cut, both, false);
    // The same name twice.
    let twice = zip(&[Entry::new("x", 8, GOOD), Entry::new("x", 8, BAD)]);
    check("twice", &twice, &[("x", GOOD), ("x", BAD)], false);
}

#[test]
fn what_stands_before_behind_and_beside_does_not_hide_it() {
    let inner = zip(&[Entry::new("bad.exe", 8, BAD)]);
    let other = zip(&[Entry::new("good.txt", 8, GOOD)]);
    let bad: &[(&str, &[u8])] = &[("bad.exe", BAD)];
    let both: &[(&str, &[u8])] = &[("bad.exe", BAD), ("good.txt", GOOD)];
    check("program before", &[b"MZ".repeat(3_000), inner.clone()].concat(), bad, false);
    check("bytes behind", &[inner.clone(), vec![b'x'; 100_000]].concat(), bad, false);
    check("two, one behind the other", &[inner.clone(), other.clone()].concat(), both, false);
    check("two, the other way", &[other, inner.clone()].concat(), both, false);
    // Of what is cut off at the end, headers of the directory hide nothing: programs that repair
    // find the members as we do.
    let members = Entry::new("bad.exe", 8, BAD).local().len();
    for cut in [1, 22, 40, 60, inner.len() - members] {
        check("cut directory", &inner[..inner.len() - cut], bad, false);
    }
    check("cut member", &inner[..members - 1], &[], true);
    check("odd end", &[&inner[..members], b"something else"].concat(), bad, true);
    // An end record that points nowhere.
    check("lost", &[&inner[..inner.len() - 22], &end(1, 9, 9)].concat(), bad, true);
}

/// Only a reading of the same data by the same method, as far, makes up for a damaged one.
#[test]
fn a_reading_that_takes_a_piece_does_not_vouch_for_the_rest() {
    let mut broken = Entry::new("bad.exe", 8, &BAD.repeat(50));
    // A block of a type that there is not, in place of the end.
    let end_of_data = broken.data.len() - 4;
    broken.data.truncate(end_of_data);
    broken.data.extend_from_slice(&[0xFF; 8]);
    let packed = broken.data.len() as u32;
    let size = BAD.len() as u32 * 50;
    (broken.local_sizes, broken.central_sizes) = ((packed, size), (packed, size));
    for stray in [Entry::new("a.txt", 0, b"x"), Entry::new("a.txt", 8, b"")] {
        let (local, one, two) = (broken.local(), broken.central(0), stray.central(0));
        let directory = (one.len() + two.len()) as u32;
        let end = end(2, directory, local.len() as u32);
        check("stray", &[local, one, two, end].concat(), &[], true);
    }
}

#[test]
fn sizes_that_lie_hide_nothing() {
    let mut entry = Entry::new("bad.exe", 8, BAD);
    entry.central_sizes = (3, 3);
    // A piece of what is read whole by the other header is nothing new.
    check("central", &zip(&[entry]), &[("bad.exe", BAD)], false);
    let mut entry = Entry::new("bad.exe", 8, BAD);
    entry.local_sizes = (3, 3);
    check("local", &zip(&[entry]), &[("bad.exe", BAD)], false);
    let mut entry = Entry::new("bad.exe", 8, BAD);
    (entry.central_sizes, entry.local_sizes) = ((3, 3), (3, 3));
    check("both", &zip(&[entry]), &[], true);
    // Without a size, with a descriptor behind.
    let mut entry = Entry::new("bad.exe", 8, BAD);
    (entry.local_sizes, entry.flags) = ((0, 0), 8);
    entry.data.extend_from_slice(b"PK\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0");
    check("descriptor", &zip(&[entry.clone()]), &[("bad.exe", BAD)], false);
    entry.in_central = false;
    check("descriptor alone", &zip(&[entry]), &[("bad.exe", BAD)], false);
    // Stored, two sizes: both are what some program takes.
    let mut entry = Entry::new("bad.exe", 0, BAD);
    entry.central_sizes = (BAD.len() as u32, 7);
    check("stored", &zip(&[entry]), &[("bad.exe", BAD), ("bad.exe", &BAD[..7])], false);
    // zip64 sizes in the extra field.
    let mut entry = Entry::new("bad.exe", 8, BAD);
    let sizes = [BAD.len() as u64, entry.data.len() as u64];
    entry.extra = [&[1, 0, 16, 0][..], &sizes[0].to_le_bytes(), &sizes[1].to_le_bytes()].concat();
    (entry.central_sizes, entry.local_sizes) = ((u32::MAX, u32::MAX), (u32::MAX, u32::MAX));
    check("zip64", &zip(&[entry]), &[("bad.exe", BAD)], false);
}

#[test]
fn encryption_is_believed_wherever_it_is_said() {
    let mut entry = Entry::new("secret.exe", 8, BAD);
    entry.flags = 1;
    let seen = walk(&zip(&[entry.clone()]));
    assert_eq!(seen.content("secret.exe"), [Err(Trouble::Encrypted("zip member"))]);
    // Only the directory says so: both readings are given.
    let mut bytes = zip(&[entry]);
    bytes[6] = 0;
    let found = walk(&bytes);
    let found = found.content("secret.exe");
    assert!(found.contains(&Ok(BAD)) && found.len() == 2, "{found:?}");
}

#[test]
fn an_unknown_method_is_not_clean() {
    let seen = walk(&zip(&[Entry::new("odd.exe", 6, BAD), Entry::new("good.txt", 8, GOOD)]));
    assert_eq!(seen.content("odd.exe"), [Err(Trouble::Unreadable("unknown zip method"))]);
    assert_eq!(seen.content("good.txt"), [Ok(GOOD)]);
    assert_eq!(seen.troubles, [Trouble::Unreadable("unknown zip method")]);
}

#[test]
fn a_zip_in_a_zip_is_one_member_outside() {
    let inner = zip(&[Entry::new("in.exe", 8, BAD)]);
    for method in [0, 8] {
        let outer = zip(&[Entry::new("in.zip", method, &inner), Entry::new("x.txt", 8, GOOD)]);
        let seen = walk(&outer);
        assert_eq!(seen.paths(), ["in.zip", "in.zip > in.exe", "x.txt"], "{method}");
        assert_eq!(seen.troubles, []);
    }
}

#[test]
fn what_only_looks_like_a_zip_in_passing_is_not_one() {
    for bytes in [&b"PK\x05\x06"[..], b"text with PK\x03\x04 in it", b"a PK\x01\x02 b"] {
        let seen = walk(bytes);
        assert!(seen.members.is_empty() && seen.troubles.is_empty(), "{seen:?}");
    }
    let empty = walk(&zip(&[]));
    assert!(empty.members.is_empty() && empty.troubles.is_empty(), "{empty:?}");
}

#[test]
fn names_are_kept_as_they_are() {
    let bytes = zip(&[
        Entry::new("..\\..\\evil.exe", 0, BAD),
        Entry::new("/etc/passwd", 0, BAD),
        Entry { central_name: b"caf\x82.exe".to_vec(), ..Entry::new("x", 0, BAD) },
        Entry { central_name: b"a.exe\0.txt".to_vec(), ..Entry::new("y", 0, BAD) },
    ]);
    for name in ["..\\..\\evil.exe", "/etc/passwd", "café.exe", "caf‚.exe", "a.exe", "a.exe\0.txt"]
    {
        assert_eq!(walk(&bytes).content(name), [Ok(BAD)], "{name:?}");
    }
}
