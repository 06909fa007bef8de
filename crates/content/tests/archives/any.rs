//! Any bytes, and archives that are nearly right.

use proptest::prelude::*;

use crate::exercise::exercise;
use crate::made::{Entry, gzip, tar, tar_header, tnef, zip};

fn samples() -> Vec<Vec<u8>> {
    let folder = tests::root().join("crates/content/tests/samples");
    let mut samples: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .expect("the samples are there")
        .map(|entry| std::fs::read(entry.expect("a readable folder").path()).expect("a file"))
        .collect();
    samples.push(zip(&[Entry::new("a.exe", 8, b"bad"), Entry::new("b", 0, b"good")]));
    samples.push(tnef("A.EXE", "a long name.exe", b"bad"));
    samples.push(gzip("x", &tar(&[(tar_header("y", 3, b'0'), b"bad")])));
    samples
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), magic in 0_usize..14) {
        let magics: [&[u8]; 14] = [
            b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"BZh91AY&SY", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c",
            b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\x01\0", b"MSCF\0\0\0\0", b"!<arch>\n", b"070701",
            b"\x60\xea\x30\x00", b"\x78\x9f\x3e\x22", b"\x28\xb5\x2f\xfd",
        ];
        exercise(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn samples_with_bytes_changed(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let samples = samples();
        let mut bytes = which.get(&samples).clone();
        if bytes.is_empty() {
            return Ok(());
        }
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(&bytes);
    }
}
