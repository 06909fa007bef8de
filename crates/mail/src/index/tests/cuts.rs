//! Whatever the cuts, the same index results; whatever the bytes, its offsets make sense.

use super::super::{Index, IndexBuilder, Limits};
use proptest::prelude::*;

/// Lines that get at the parser's decisions.
const LINES: &[&str] = &[
    "",
    "",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=b",
    "Content-Type: multipart/mixed; boundary=\"bb\"",
    "Content-Type: multipart/alternative; boundary=b; boundary=c",
    "Content-Type: multipart/digest; boundary=d",
    "Content-Type: message/rfc822",
    "Content-Type: application/octet-stream; name=a.exe",
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: quoted-printable",
    "Content-Disposition: attachment; filename=b.exe",
    "Subject: =?utf-8?q?x?= \u{e9}",
    " folded",
    "\t",
    "no field",
    "--b",
    "--b ",
    "--b--",
    "--bb",
    "--bb--",
    "--b and text",
    "--d",
    "--d--",
    "--",
    "-",
    "---",
    "QUJD",
    "QUI=",
    "QQ==QUJD",
    "Q*",
    "=41=4a=x",
    "soft=",
    "nul\0nul",
    "cr\rcr",
    "This is MIME",
];

fn message() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![
        12 => Just("\r\n"), 2 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\r\n"), 1 => Just("")
    ];
    let line = (prop::sample::select(LINES), end);
    prop::collection::vec(line, 0..40).prop_map(|lines| {
        lines.iter().flat_map(|(line, end)| [line.as_bytes(), end.as_bytes()].concat()).collect()
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let small = (20_usize..200, 20_usize..200, 1_usize..6, 1_usize..8, 0_usize..4);
    let small = small.prop_map(|(header, part_headers, fields, parts, depth)| Limits {
        header_bytes_max: header,
        part_header_bytes_max: part_headers,
        fields_max: fields,
        parts_max: parts,
        depth_max: depth,
    });
    prop_oneof![Just(Limits::default()), small]
}

fn in_pieces(message: &[u8], limits: Limits, cuts: &[usize]) -> Index {
    let mut builder = IndexBuilder::with_limits(limits);
    let mut rest = message;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*cut).min(rest.len()));
        builder.push(piece);
        rest = behind;
    }
    builder.finish()
}

fn check_offsets(index: &Index, message: &[u8]) {
    assert_eq!(index.size, message.len() as u64);
    for part in &index.parts {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= index.size);
        let header = index.header_of(part).bytes();
        let start = part.header.start as usize;
        assert!(header.is_empty() || message[start..].starts_with(header));
        let body = &message[part.body.start as usize..part.body.end as usize];
        let lines = body.iter().filter(|&&b| b == b'\n').count();
        assert_eq!(part.lines, lines as u64, "{part:?}");
        for child in part.children.iter().map(|&child| &index.parts[child]) {
            assert!(part.body.start <= child.header.start && child.body.end <= part.body.end);
            assert_eq!(child.depth, part.depth + 1);
        }
        let siblings = part.children.iter().map(|&child| &index.parts[child]);
        assert!(siblings.clone().zip(siblings.skip(1)).all(|(a, b)| a.body.end <= b.header.start));
    }
    assert!(index.ambiguities.iter().all(|s| s.at <= index.size && s.part < index.parts.len()));
    assert!(index.ambiguities.is_sorted());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_give_the_same_index(
        message in message(),
        limits in limits(),
        cuts in prop::collection::vec(1_usize..30, 1..20),
    ) {
        let whole = in_pieces(&message, limits, &[message.len().max(1)]);
        check_offsets(&whole, &message);
        prop_assert_eq!(&in_pieces(&message, limits, &[1]), &whole);
        prop_assert_eq!(&in_pieces(&message, limits, &cuts), &whole);
    }

    #[test]
    fn any_bytes_give_sound_offsets(message in prop::collection::vec(any::<u8>(), 0..300)) {
        check_offsets(&Index::of(&message), &message);
    }

    #[test]
    fn limits_hold(message in message(), limits in limits()) {
        let index = in_pieces(&message, limits, &[7]);
        prop_assert!(index.header.len() <= limits.header_bytes_max);
        prop_assert!(index.part_headers.len() <= limits.part_header_bytes_max);
        prop_assert!(index.fields.len() <= limits.fields_max);
        prop_assert!(index.parts.len() <= limits.parts_max);
        // A part of a multipart at the limit is one deeper; nothing nests inside it.
        prop_assert!(index.parts.iter().all(|part| part.depth <= limits.depth_max));
    }
}
