//! Files of real tools: see `samples/README.md`.

use content::Trouble;

use crate::walk::walk;

const RUN: &[u8] = b"harmless text\n";
const README: &[u8] = b"read me, please\n";

fn long() -> Vec<u8> {
    let line = |i| format!("call me {i}: the quick brown fox {i} jumps over the lazy dog\n");
    (1..=8).map(line).collect::<String>().into_bytes()
}

fn sample(name: &str) -> Vec<u8> {
    let path = tests::root().join("crates/content/tests/samples").join(name);
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the three files as the archive has them; empty: it is not in there.
fn check(file: &str, run: &str, readme: &str, long_name: &str) {
    let seen = walk(&sample(file));
    assert_eq!(seen.troubles, [], "{file}: {:?}", seen.paths());
    let long = long();
    for (name, content) in [(run, RUN), (readme, README), (long_name, &long)] {
        if !name.is_empty() {
            let found = seen.content(name);
            assert_eq!(found, [Ok(content)], "{file}: {name} in {:?}", seen.paths());
        }
    }
}

#[test]
fn what_real_tools_packed_is_seen() {
    for file in ["info.zip", "lzma.zip", "bzip2.zip", "ppmd.zip", "deflate64.zip"] {
        check(file, "run.exe", "folder/readme.txt", "long.txt");
    }
    for file in ["lzma2", "ppmd", "lzma", "copy", "bzip2", "deflate"] {
        check(&format!("{file}.7z"), "run.exe", "folder/readme.txt", "long.txt");
    }
    for file in ["bcj.7z", "bcj2.7z"] {
        check(file, "run.exe", "", "long.txt");
    }
    for file in ["gnu.tar.gz", "pax.tar.bz2", "v7.tar.xz", "ustar.tar.zst", "gnu.tar.lzma"] {
        check(file, "run.exe", "folder/readme.txt", "long.txt");
    }
    for file in ["newc.cpio.gz", "odc.cpio.gz", "bin.cpio.gz"] {
        check(file, "run.exe", "folder/readme.txt", "long.txt");
    }
    check("mszip.cab", "run.exe", "folder\\readme.txt", "long.txt");
    check("stored.cab", "run.exe", "", "long.txt");
    check("joliet.iso.gz", "run.exe", "folder/readme.txt", "long.txt");
    for file in ["lh5.lzh", "lh7.lzh", "jr.arj"] {
        check(file, "run.exe", "folder/readme.txt", "long.txt");
    }
    for file in ["rar5.rar", "solid5.rar", "stored5.rar", "rar4.rar", "stored4.rar"] {
        check(file, "run.exe", "folder/readme.txt", "long.txt");
    }
    check("stored.arj", "run.exe", "", "");
    check("gnu.ar", "run.exe", "readme.txt", "long.txt");
    check("named.gz", "run.exe", "", "");
    check("plain.gz", "", "", "");
}

#[test]
fn what_is_encrypted_is_told_with_its_name() {
    for (file, name) in [
        ("password.zip", "run.exe"),
        ("aes.zip", "run.exe"),
        ("password.7z", "run.exe"),
        ("password-names.7z", ""),
        ("password.arj", "run.exe"),
        ("password5.rar", "run.exe"),
        ("password4.rar", "run.exe"),
        ("password-names5.rar", ""),
        ("password-names4.rar", ""),
    ] {
        let seen = walk(&sample(file));
        let found = seen.content(name);
        assert!(matches!(found[..], [Err(Trouble::Encrypted(_))]), "{file}: {seen:?}");
    }
}

#[test]
fn what_winrar_itself_packed_is_seen() {
    for file in ["winrar-text3.rar", "winrar-solid3.rar", "winrar-solid5.rar"] {
        let seen = walk(&sample(file));
        assert_eq!(seen.troubles, [], "{file}: {seen:?}");
        let all = seen.members.iter().all(|(name, content)| {
            !name.is_empty() && content.as_ref().is_ok_and(|bytes| !bytes.is_empty())
        });
        assert!(all && !seen.members.is_empty(), "{file}: {seen:?}");
    }
}
