//! What holds for any message.

use crate::chain::{chain, zone_of_all};
use crate::{ED25519, NOW, RSA, at, check, keys, run, told};
use filter::authentication::arc::ChainResult;
use filter::authentication::dkim::{Outcome, sign, verify};
use filter::authentication::message::Message;
use mail::index::Index;
use mail::rendition::{Piece, Rendition};
use proptest::prelude::*;
use store::Body;

const GOOD: (Outcome, &str) = (Outcome::Pass, "");

/// A header with From somewhere in it.
fn header() -> impl Strategy<Value = String> {
    let value = "[ -~]{0,20}(\r\n[ \t]{1,3}[!-~][ -~]{0,10}){0,2}";
    let name = prop_oneof!["To", "Cc", "subject", "X-[a-z]{1,5}", "DATE ", "Reply-To", "from"];
    let fields = prop::collection::vec((name, value), 0..8);
    (fields.clone(), value, fields).prop_map(|(above, from, below)| {
        let field = |(name, value): (String, String)| format!("{name}:{value}\r\n");
        let above: String = above.into_iter().map(field).collect();
        let below: String = below.into_iter().map(field).collect();
        format!("{above}From: {from}\r\n{below}")
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b" ".to_vec()),
        Just(b"\t".to_vec()),
        Just(b"\r".to_vec()),
        prop::collection::vec(any::<u8>(), 1..5),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// What relays do: fields are folded anew, names change their case, blanks their number.
fn relayed(header: &str) -> String {
    let field = |line: &str| match line.split_once(':') {
        Some((name, value)) if !line.starts_with([' ', '\t']) => {
            format!("{}:  {}\t", name.to_uppercase(), value.trim())
        }
        _ => format!("\t {} ", line.trim()),
    };
    header.lines().map(|line| field(line) + "\r\n").collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// What is signed as a rendition of any pieces passes as it arrives, also when it was relayed.
    #[test]
    fn what_was_signed_passes(
        header in header(),
        body in body(),
        at_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let text = [header.as_bytes(), b"\r\n", &body].concat();
        let mut cuts: Vec<usize> = at_cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let piece = |(i, ends): (usize, &[usize])| match i % 2 {
            0 => Piece::Copy(ends[0] as u64..ends[1] as u64),
            _ => Piece::Insert(text[ends[0]..ends[1]].to_vec()),
        };
        let rendition = Rendition::new(cuts.windows(2).enumerate().map(piece));
        let blob = Body::from_bytes(text.clone()).unwrap();
        let signatures = run(async {
            let message = Message::rendered(&rendition, &blob).await.unwrap();
            sign(&message, &[&RSA, &ED25519], at(NOW), None).await.unwrap()
        });
        let zone = keys(&[&RSA, &ED25519]);
        let sent = [signatures.as_bytes(), &text].concat();
        let report = check(&sent, &zone, NOW);
        prop_assert_eq!(told(&report), [GOOD, GOOD]);

        // From a blob, in windows.
        let index = Index::of(&sent);
        let blob = Body::from_bytes(sent).unwrap();
        let received = Message::received(&index, &blob);
        let report = run(verify(&received, &zone, at(NOW))).unwrap();
        prop_assert_eq!(told(&report), [GOOD, GOOD]);

        let relayed = relayed(&header);
        let sent = [signatures.as_bytes(), relayed.as_bytes(), b"\r\n", &body].concat();
        let report = check(&sent, &zone, NOW);
        prop_assert_eq!(told(&report), [GOOD, GOOD]);
    }

    /// A chain over any message holds.
    #[test]
    fn what_was_sealed_holds(header in header(), body in body()) {
        let text = [header.as_bytes(), b"\r\n", &body].concat();
        let once = crate::chain::sealed(&text, &ED25519).unwrap();
        let twice = crate::chain::sealed(&once, &RSA).unwrap();
        let found = chain(&twice, &zone_of_all());
        prop_assert_eq!((found.result, found.oldest_pass), (ChainResult::Pass, Some(0)));
    }

    #[test]
    fn nothing_passes_that_was_not_signed(
        header in "(DKIM-Signature: [a-z]{1,2}=[ -~]{0,20}(; [a-z]{1,2}=[!-~]{0,9}){0,9}\r\n){0,3}",
        body in body(),
    ) {
        let text = [header.as_bytes(), b"From: a@b.example\r\n\r\n", &body].concat();
        let report = check(&text, &keys(&[&RSA, &ED25519]), NOW);
        prop_assert_eq!(report.passing().count(), 0);
    }
}
