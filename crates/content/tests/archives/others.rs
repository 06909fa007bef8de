//! Other formats, bent.

use content::Trouble;

use crate::made::{gzip, tar, tar_header, tnef};
use crate::walk::walk;

const BAD: &[u8] = b"pretend to be bad";

#[test]
fn gzip_parts_and_what_is_behind_them() {
    let two = [gzip("a.exe", b"pretend "), gzip("b.txt", b"to be bad")].concat();
    let seen = walk(&two);
    assert_eq!(seen.content("a.exe"), [Ok(BAD)], "{seen:?}");
    assert_eq!(seen.troubles, []);
    let padded = walk(&[two.clone(), vec![0; 600]].concat());
    assert_eq!(padded.troubles, [], "zeros fill blocks of tapes");
    let behind = walk(&[two.clone(), b"junk".to_vec()].concat());
    assert_eq!(behind.content("a.exe"), [Ok(BAD)]);
    assert_eq!(behind.troubles, [Trouble::Unreadable("bytes behind gzip")]);
    let cut = walk(&two[..two.len() - 9]);
    assert_eq!(cut.troubles, [Trouble::Unreadable("damaged stream")]);
    assert!(cut.content("a.exe")[0].is_ok_and(|bytes| bytes.starts_with(b"pretend")), "{cut:?}");
}

#[test]
fn tar_names_of_every_kind() {
    let plain = tar_header("plain.exe", BAD.len(), b'0');
    let seen = walk(&tar(&[(plain, BAD)]));
    assert_eq!(seen.content("plain.exe"), [Ok(BAD)]);
    assert_eq!(seen.troubles, []);

    // GNU's long name, and a record of pax, before a short one: both are names.
    let long = "d/".repeat(80) + "long.exe";
    let gnu = tar_header("././@LongLink", long.len() + 1, b'L');
    let seen = walk(&tar(&[(gnu, format!("{long}\0").as_bytes()), (plain, BAD)]));
    assert_eq!((seen.content(&long), seen.content("plain.exe")), (vec![Ok(BAD)], vec![Ok(BAD)]));
    let record = b"19 path=from-pax.js\n";
    let record = [&b"20"[..], &record[2..]].concat();
    let pax = tar_header("x", record.len(), b'x');
    let seen = walk(&tar(&[(pax, &record), (plain, BAD)]));
    assert_eq!(seen.content("from-pax.js"), [Ok(BAD)], "{seen:?}");

    // Behind the end, where `tar -i` goes on.
    let mut bytes = tar(&[(tar_header("a", 0, b'0'), b"")]);
    bytes.extend_from_slice(&tar(&[(plain, BAD)]));
    assert_eq!(walk(&bytes).content("plain.exe"), [Ok(BAD)]);

    // Cut.
    let bytes = tar(&[(tar_header("big", 9_999, b'0'), BAD)]);
    assert_eq!(walk(&bytes).troubles, [Trouble::Unreadable("tar ends early")]);

    // A link with a size has no bytes for some programs; the next header is seen all the same.
    let link = tar_header("link", 512, b'2');
    let seen = walk(&tar(&[(link, b""), (plain, BAD)]));
    assert_eq!(
        (seen.content("link"), seen.content("plain.exe")),
        (vec![Ok(&[][..])], vec![Ok(BAD)])
    );
}

#[test]
fn tnef_attachments_have_all_their_names() {
    let seen = walk(&tnef("SHORT~1.EXE", "a long name.exe", BAD));
    assert_eq!(seen.content("SHORT~1.EXE"), [Ok(BAD)], "{seen:?}");
    assert_eq!(seen.content("a long name.exe"), [Ok(BAD)], "{seen:?}");
    assert_eq!(seen.troubles, []);
    let whole = tnef("a", "b", BAD);
    let cut = walk(&whole[..whole.len() - 5]);
    assert!(!cut.troubles.is_empty(), "{cut:?}");
}

#[test]
fn archives_behind_a_program_are_seen() {
    let sample = |name: &str| {
        let path = tests::root().join("crates/content/tests/samples").join(name);
        std::fs::read(path).expect("the sample is there")
    };
    for name in ["lzma2.7z", "rar5.rar", "rar4.rar", "mszip.cab", "info.zip"] {
        let bytes = [b"MZ".repeat(5_000), sample(name)].concat();
        let seen = walk(&bytes);
        assert_eq!(seen.content("run.exe"), [Ok(&b"harmless text\n"[..])], "{name}: {seen:?}");
    }
}

#[test]
fn a_sample_that_is_cut_anywhere_is_never_clean() {
    // What its end record does not lead to is told by what is missing; the last bytes may be fill.
    for name in ["info.zip", "lzma2.7z", "rar5.rar", "mszip.cab", "lh5.lzh", "jr.arj"] {
        let path = tests::root().join("crates/content/tests/samples").join(name);
        let bytes = std::fs::read(path).expect("the sample is there");
        for cut in (40..bytes.len() - 30).step_by(7) {
            let seen = walk(&bytes[..cut]);
            let whole = seen.content("long.txt").iter().any(|content| {
                content.is_ok_and(|bytes| bytes.ends_with(b"the lazy dog\n") && bytes.len() == 456)
            });
            // A zip that ends between two members has no more to see than those before.
            let all = walk(&bytes).members;
            let rest = name.ends_with(".zip")
                && !seen.members.is_empty()
                && seen.members.iter().all(|one| all.contains(one));
            assert!(whole || rest || !seen.troubles.is_empty(), "{name} cut at {cut}: {seen:?}");
        }
    }
}
