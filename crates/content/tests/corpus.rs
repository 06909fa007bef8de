//! Replays the corpus of the fuzz target, and any other bytes.

mod exercise;

use proptest::prelude::*;
use tests::corpus::replay;

#[test]
fn content_inspect() {
    replay("content_inspect", 25, exercise::exercise);
}

/// A file of the corpus cut anywhere, with some bytes changed.
#[test]
fn damaged_samples() {
    replay("content_inspect", 25, |bytes| {
        for step in 1..24_usize {
            let mut damaged = bytes.get(..bytes.len() * step / 24).unwrap_or_default().to_vec();
            for at in (step * 7..damaged.len()).step_by(97) {
                if let Some(byte) = damaged.get_mut(at) {
                    *byte = byte.wrapping_mul(31).wrapping_add(7);
                }
            }
            exercise::exercise(&damaged);
        }
    });
}

proptest! {
    #[test]
    fn anything(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        exercise::exercise(&bytes);
    }
}
