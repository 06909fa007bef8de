#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Body, Message, Part, Piece, Rendition};
use mail::index::Index;
use proptest::prelude::*;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Header and body of a message, put together from what it reads.
async fn shown(message: &Message<'_>) -> (Vec<String>, Vec<u8>) {
    let fields = message.fields().map(|field| String::from_utf8_lossy(field).into_owned());
    let mut body = Vec::new();
    for part in &message.body {
        match part {
            Part::Bytes(bytes) => body.extend_from_slice(bytes),
            Part::Blob(blob, range) => {
                body.extend_from_slice(&blob.read(range.clone(), usize::MAX).await.unwrap());
            }
        }
    }
    (fields.collect(), body)
}

fn check(pieces: Vec<Piece>, blob: &'static [u8], fields: &[&str], body: &str) {
    let blob = Body::from_bytes(blob).unwrap();
    let rendition = Rendition::new(pieces);
    let found = run(async {
        let message = Message::rendered(&rendition, &blob).await.unwrap();
        assert!(message.is_complete());
        shown(&message).await
    });
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(found, (fields, body.as_bytes().to_vec()), "{rendition:?}");
}

#[test]
fn the_header_ends_at_the_first_empty_line_of_what_is_sent() {
    let insert = |text: &str| Piece::Insert(text.as_bytes().to_vec());
    let blob = b"A: 1\r\nB: 2\r\n\r\nbody\r\n\r\nC: 3\r\n";
    check(vec![Piece::Copy(0..30)], blob, &["A: 1\r\n", "B: 2\r\n"], "body\r\n\r\nC: 3\r\n");
    check(
        vec![insert("X: 0\r\n"), Piece::Copy(6..20)],
        blob,
        &["X: 0\r\n", "B: 2\r\n"],
        "body\r\n",
    );
    check(vec![insert("X: 0\r\n\r"), insert("\nhello")], blob, &["X: 0\r\n"], "hello");
    check(vec![Piece::Copy(0..13), Piece::Copy(13..16)], blob, &["A: 1\r\n", "B: 2\r\n"], "bo");
    check(vec![insert("\r\n"), Piece::Copy(0..4)], blob, &[], "A: 1");
    check(vec![insert("A: 1")], blob, &["A: 1"], "");
    check(vec![], blob, &[], "");
}

#[test]
fn what_was_received_is_read_by_its_index() {
    let text = b"A: 1\r\nB : 2\r\n c\r\nno field\r\n\r\nbody\r\n";
    let index = Index::of(text);
    let blob = Body::from_bytes(&text[..]).unwrap();
    let expected =
        (vec!["A: 1\r\n".to_owned(), "B : 2\r\n c\r\n".to_owned()], b"body\r\n".to_vec());
    assert_eq!(run(shown(&Message::received(&index, &blob))), expected);
    assert_eq!(run(shown(&Message::at_hand(&index, text))), expected);
    let without_body = b"A: 1\r\n";
    let index = Index::of(without_body);
    let found = run(shown(&Message::at_hand(&index, without_body)));
    assert_eq!(found, (vec!["A: 1\r\n".to_owned()], Vec::new()));
}

#[test]
fn a_header_without_end_is_not_taken() {
    let rendition = Rendition::new((0..9).map(|_| Piece::Insert(vec![b'x'; 64 * 1024])));
    let blob = Body::from_bytes(&b""[..]).unwrap();
    run(async {
        let message = Message::rendered(&rendition, &blob).await.unwrap();
        assert!(!message.is_complete());
        assert_eq!(shown(&message).await, (Vec::new(), Vec::new()));
    });
    let large = format!("X: {}\r\n\r\n", "y".repeat(300_000));
    let index = Index::of(large.as_bytes());
    assert!(!Message::at_hand(&index, large.as_bytes()).is_complete());
}

proptest! {
    /// However it is cut into pieces, the same message is sent.
    #[test]
    fn pieces_make_no_difference(
        picks in prop::collection::vec(prop::sample::select(&["A: b\r\n", "\r\n", "\r", "\n", "x"][..]), 0..12),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let text = picks.concat();
        let mut cuts: Vec<usize> = at.iter().map(|at| at.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let piece = |(i, ends): (usize, &[usize])| {
            let range = *ends.first()?..*ends.last()?;
            Some(if i % 2 == 0 {
                Piece::Copy(range.start as u64..range.end as u64)
            } else {
                Piece::Insert(text.as_bytes().get(range)?.to_vec())
            })
        };
        let cut = Rendition::new(cuts.windows(2).enumerate().filter_map(piece));
        let whole = Rendition::whole(text.len() as u64);
        let blob = Body::from_bytes(text.clone().into_bytes()).unwrap();
        let found = run(async {
            let cut = Message::rendered(&cut, &blob).await.unwrap();
            let whole = Message::rendered(&whole, &blob).await.unwrap();
            (shown(&cut).await, shown(&whole).await)
        });
        prop_assert_eq!(&found.0, &found.1);
    }
}
