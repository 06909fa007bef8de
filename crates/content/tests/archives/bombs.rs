//! Archives that would fill a disk: each ends soon, in the limit that it breaks.

use std::io::Write;
use std::time::Duration;

use content::{Limits, Trouble};

use crate::made::{Entry, deflated, end, gzip, tar, tar_header, zip};
use crate::walk::{walk, walk_within};

/// CPU time that nothing may take longer than, as tests are compiled.
const SOON: Duration = Duration::from_secs(10);

/// What this thread has run so far (proc(5), schedstat): other load does not count.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanos.expect("a number stands first"))
}

#[track_caller]
fn ends_in(case: &str, bytes: &[u8], limits: &[&'static str]) {
    let start = cpu();
    let seen = walk(bytes);
    let took = cpu() - start;
    println!("{case}: {} bytes, {} members, {took:?}", bytes.len(), seen.members.len());
    assert!(took < SOON, "{case} took {took:?}");
    let found = limits.iter().any(|limit| seen.troubles.contains(&Trouble::Limit(limit)));
    assert!(found, "{case}: {:?}", seen.troubles);
}

/// 256 MiB of zeros.
fn zeros(mut into: impl Write) {
    let block = vec![0; 1 << 20];
    for _ in 0..256 {
        into.write_all(&block).expect("memory takes all");
    }
}

#[test]
fn a_small_file_of_much_is_over_the_ratio() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(&mut gz);
    ends_in("gzip", &gz.finish().expect("memory takes all"), &["ratio_max"]);
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    zeros(&mut bz);
    let bz = bz.finish().expect("memory takes all");
    ends_in("bzip2", &bz, &["ratio_max"]);
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(&mut deflate);
    let data = deflate.finish().expect("memory takes all");
    let sizes = (data.len() as u32, 256 << 20);
    let entry = Entry::new("zeros", 8, b"");
    let entry = Entry { data, central_sizes: sizes, local_sizes: sizes, ..entry };
    ends_in("zip", &zip(&[entry]), &["ratio_max"]);
}

#[test]
fn a_block_of_one_byte_many_times_is_over_the_ratio() {
    // Zstandard, RFC 8878 §3.1.1.2: a block of 128 KiB in four bytes, 65,536 of them.
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x58".to_vec();
    for _ in 0..65_536 {
        let head: u32 = (128 << 10) << 3 | 1 << 1;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(0);
    }
    ends_in("zstd", &frame, &["ratio_max"]);
    // xz cannot be written here; the sample is 64 MiB of zeros by `xz -9`.
    let path = tests::root().join("crates/content/tests/samples/zeros.xz.gz");
    ends_in("xz", &std::fs::read(path).expect("the sample is there"), &["ratio_max"]);
}

#[test]
fn nests_end_at_the_depth() {
    let mut bytes = zip(&[Entry::new("bottom.exe", 8, b"bad")]);
    for level in 0..12 {
        bytes = zip(&[Entry::new(&format!("{level}.zip"), 8, &bytes)]);
    }
    ends_in("deep", &bytes, &["depth_max"]);
    // Sixteen in each, as 42.zip has it, above a file of 4 MiB of zeros: 16^4 files, 256 GiB.
    let mut bytes = zip(&[Entry::new("zeros", 8, &vec![0; 4 << 20])]);
    for _ in 0..4 {
        let names = (0..16).map(|index| format!("{index}.zip"));
        let entries: Vec<Entry> = names.map(|name| Entry::new(&name, 8, &bytes)).collect();
        bytes = zip(&entries);
    }
    ends_in("42", &bytes, &["unpacked_max", "members_max"]);
}

#[test]
fn files_that_share_their_bytes_are_paid_for_each() {
    // David Fifield, "A better zip bomb" (2019): each member quotes the local headers behind it.
    let kernel = deflated(&vec![0; 21 << 20]);
    let mut locals: Vec<(u32, Entry)> = Vec::new();
    let mut body = Vec::new();
    for index in 0..250_u32 {
        let mut entry = Entry::new(&format!("{index:03}"), 8, b"");
        // From this header to the end of the kernel, headers as stored blocks of deflate between.
        entry.data.clear();
        let rest = (249 - index) * (33 + 5);
        let sizes = (rest + kernel.len() as u32, 21 << 20);
        (entry.local_sizes, entry.central_sizes) = (sizes, sizes);
        if index > 0 {
            body.extend_from_slice(&[0, 33, 0, !33, 0xff]);
        }
        locals.push((body.len() as u32, entry.clone()));
        body.extend_from_slice(&entry.local());
    }
    body.extend_from_slice(&kernel);
    let offset = body.len() as u32;
    let directory: Vec<u8> = locals.iter().flat_map(|(at, entry)| entry.central(*at)).collect();
    body.extend_from_slice(&directory);
    body.extend_from_slice(&end(250, directory.len() as u32, offset));
    ends_in("overlap", &body, &["ratio_max"]);
    // Many names of the same bytes are one member.
    let mut one = Entry::new("x", 0, &vec![b'a'; 4 << 20]);
    let mut bytes = one.local();
    let offset = bytes.len() as u32;
    let mut directory = Vec::new();
    for index in 0..2_000 {
        one.central_name = format!("name{index}").into_bytes();
        directory.extend_from_slice(&one.central(0));
    }
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(&end(2_000, directory.len() as u32, offset));
    let seen = walk(&bytes);
    assert_eq!((seen.members.len(), seen.troubles.len()), (1, 0));
    assert_eq!(seen.content("name1999").len(), 1);
}

#[test]
fn a_quine_ends_at_the_depth() {
    // Russ Cox, "Zip Files All The Way Down" (2010): a zip that unpacks to itself.
    let path = tests::root().join("crates/content/tests/samples/quine.zip");
    let quine = std::fs::read(path).expect("the sample is there");
    let seen = walk(&quine);
    assert_eq!(seen.content("quine.zip").first(), Some(&Ok(&*quine)));
    ends_in("quine", &quine, &["depth_max"]);
    // One that does it without compression: its stored member is the zip from some byte on.
    let mut entry = Entry::new("again.zip", 0, b"");
    let size = (entry.local().len() + entry.central(0).len() + 22) as u32;
    entry.central_sizes = (size, size);
    let local = entry.local();
    let mut bytes = local.clone();
    // The member's data begin behind the header and hold a whole archive again.
    for _ in 0..40 {
        bytes = [local.clone(), bytes].concat();
    }
    bytes.extend_from_slice(&entry.central(0));
    bytes.extend_from_slice(&end(1, entry.central(0).len() as u32, bytes.len() as u32));
    let seen = walk(&bytes);
    assert!(seen.members.len() <= 10_000, "{}", seen.members.len());
    assert!(!seen.troubles.is_empty(), "{:?}", seen.troubles);
}

#[test]
fn a_hundred_thousand_members_are_too_many() {
    let entries: Vec<Entry> =
        (0..60_000).map(|index| Entry::new(&format!("{index}"), 0, b"x")).collect();
    ends_in("zip", &zip(&entries), &["members_max"]);
    let header = tar_header("x", 1, b'0');
    let members: Vec<([u8; 512], &[u8])> = (0..100_000).map(|_| (header, &b"x"[..])).collect();
    ends_in("tar", &tar(&members), &["members_max"]);
}

#[test]
fn a_large_member_is_not_held() {
    let mut noise = 7_u32;
    let large: Vec<u8> = (0..2 << 20)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    let limits = Limits { held_max: 1 << 20, ..Limits::default() };
    let bytes = zip(&[Entry::new("large", 8, &large), Entry::new("small", 8, b"bad")]);
    let seen = walk_within(&bytes, limits);
    assert_eq!(seen.content("large"), [Err(Trouble::Limit("held_max"))]);
    assert_eq!(seen.content("small"), [Ok(&b"bad"[..])]);
    assert_eq!(seen.troubles, [Trouble::Limit("held_max")]);
}

#[test]
fn empty_blocks_count_as_work() {
    // Deflate blocks of nothing: 40 MiB in, not a byte out, in each of many members.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(8 << 20);
    let mut entry = Entry::new("nothing", 8, b"");
    entry.data = nothing;
    let mut bytes = entry.local();
    let offset = bytes.len() as u32;
    let mut directory = Vec::new();
    for index in 0..500 {
        entry.central_sizes = (entry.data.len() as u32 - index * 5, 0);
        directory.extend_from_slice(&entry.central(0));
    }
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(&end(500, directory.len() as u32, offset));
    ends_in("nothing", &bytes, &["unpacked_max"]);
}

#[test]
fn ten_times_as_much_takes_at_most_fifteen_times_as_long() {
    let inputs = |count: usize| {
        let entries: Vec<Entry> = (0..count)
            .map(|index| Entry::new(&format!("folder/{index}.txt"), 8, b"some text, some text"))
            .collect();
        [
            zip(&entries),
            gzip("x.tar", &tar(&vec![(tar_header("name", 9, b'0'), &b"some text"[..]); count])),
            b"PK\x01\x02PK\x03\x04PK\x05\x06".repeat(count * 4),
        ]
    };
    // As many bytes both ways, since the clock of a thread is coarse.
    let time = |bytes: &[u8], rounds: usize| {
        let start = cpu();
        for _ in 0..rounds {
            walk(bytes);
        }
        cpu() - start
    };
    for (small, large) in inputs(400).iter().zip(&inputs(4_000)) {
        let (small, large) = (time(small, 200), time(large, 20));
        println!("{small:?} for ten times a tenth, {large:?} for the whole");
        assert!(large < small * 3 / 2 + Duration::from_millis(20), "{small:?} to {large:?}");
    }
}
