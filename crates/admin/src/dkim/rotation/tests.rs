use super::Seen::{Absent, Shown, Unknown};
use super::{Due, KeyFacts, KeyKind, KeyStage, KeyStep, Periods, Seen, due};
use mail::Timestamp;
use proptest::prelude::*;

const PERIODS: Periods =
    Periods { rotate_after: Some(1_000), publish: 100, retire: 50, wants_seen: true };

/// A key by the times of its life.
fn key(id: i64, times: (i64, Option<i64>, Option<i64>, Option<i64>), seen: Seen) -> KeyFacts {
    let (published, seen_at, activated, retired) = times;
    KeyFacts {
        id,
        kind: KeyKind::Rsa,
        stage: match (activated, retired) {
            (_, Some(_)) => KeyStage::Retired,
            (Some(_), None) => KeyStage::Active,
            (None, None) => KeyStage::Published,
        },
        published_at: Timestamp(published),
        seen_at: seen_at.map(Timestamp),
        activated_at: activated.map(Timestamp),
        retired_at: retired.map(Timestamp),
        seen,
    }
}

fn waits(seen_at: Option<i64>, seen: Seen) -> KeyFacts {
    key(2, (0, seen_at, None, None), seen)
}

fn signs(since: i64, seen: Seen) -> KeyFacts {
    key(1, (0, Some(0), Some(since), None), seen)
}

/// What is due for the RSA keys of a domain; Ed25519 has none, and is to be made each time.
#[track_caller]
fn check(keys: &[KeyFacts], periods: &Periods, now: i64, expected: &[Due]) {
    let found = due(keys, true, periods, Timestamp(now));
    let others: Vec<Due> =
        found.into_iter().filter(|due| *due != Due::Make(KeyKind::Ed25519)).collect();
    assert_eq!(others, expected, "{keys:?} at {now}");
}

const SEE: Due = Due::Step(2, KeyStep::See);
const ACTIVATE: Due = Due::Step(2, KeyStep::Activate);
const RETIRE: Due = Due::Step(1, KeyStep::Retire);
const MAKE: Due = Due::Make(KeyKind::Rsa);

#[test]
fn the_first_key_signs_once_it_is_seen() {
    check(&[], &PERIODS, 0, &[MAKE]);
    check(&[waits(None, Absent)], &PERIODS, 9_999, &[]);
    check(&[waits(None, Unknown)], &PERIODS, 9_999, &[]);
    check(&[waits(None, Shown)], &PERIODS, 1, &[SEE, ACTIVATE]);
    // It was there, and is not now.
    check(&[waits(Some(0), Absent)], &PERIODS, 9_999, &[]);
    let always = Periods { wants_seen: false, ..PERIODS };
    check(&[waits(None, Unknown)], &always, 0, &[ACTIVATE]);
}

#[test]
fn a_key_follows_another_in_time_and_never_unseen() {
    check(&[signs(0, Unknown)], &PERIODS, 999, &[]);
    check(&[signs(0, Unknown)], &PERIODS, 1_000, &[MAKE]);
    check(&[signs(0, Unknown)], &Periods { rotate_after: None, ..PERIODS }, i64::MAX, &[]);
    let old = signs(0, Shown);
    check(&[old, waits(None, Absent)], &PERIODS, 99_999, &[]);
    check(&[old, waits(None, Shown)], &PERIODS, 2_000, &[SEE]);
    check(&[old, waits(Some(2_000), Shown)], &PERIODS, 2_099, &[]);
    check(&[old, waits(Some(2_000), Shown)], &PERIODS, 2_100, &[RETIRE, ACTIVATE]);
    check(&[old, waits(Some(2_000), Absent)], &PERIODS, 2_100, &[]);
    check(&[old, waits(Some(2_000), Unknown)], &PERIODS, 2_100, &[]);
    let always = Periods { wants_seen: false, ..PERIODS };
    check(&[old, waits(None, Unknown)], &always, 99, &[]);
    check(&[old, waits(None, Unknown)], &always, 100, &[RETIRE, ACTIVATE]);
}

#[test]
fn a_key_that_nobody_can_verify_gives_way_at_once() {
    let lost = signs(0, Absent);
    check(&[lost], &PERIODS, 1, &[]);
    check(&[lost, waits(None, Shown)], &PERIODS, 1, &[SEE, RETIRE, ACTIVATE]);
    check(&[lost, waits(None, Absent)], &PERIODS, 1, &[]);
    check(&[signs(0, Unknown), waits(Some(0), Shown)], &PERIODS, 1, &[]);
}

#[test]
fn retired_keys_end_and_lost_domains_retire_theirs() {
    let retired = key(3, (0, Some(0), Some(0), Some(10)), Unknown);
    let signing = signs(0, Unknown);
    check(&[retired, signing], &PERIODS, 59, &[]);
    check(&[retired, signing], &PERIODS, 60, &[Due::Step(3, KeyStep::End)]);
    let keys = [retired, signing, waits(None, Shown)];
    let found = due(&keys, false, &PERIODS, Timestamp(60));
    let retire = |id| Due::Step(id, KeyStep::Retire);
    assert_eq!(found, [retire(2), retire(1), Due::Step(3, KeyStep::End)]);
    assert_eq!(due(&[], false, &PERIODS, Timestamp(0)), []);
}

#[test]
fn each_algorithm_goes_its_own_way() {
    let ed = KeyFacts { kind: KeyKind::Ed25519, ..waits(None, Shown) };
    let rsa = KeyFacts { id: 9, ..waits(None, Absent) };
    assert_eq!(due(&[ed, rsa], true, &PERIODS, Timestamp(0)), [SEE, ACTIVATE]);
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![Just(Shown), Just(Absent), Just(Unknown)]
}

proptest! {
    /// Whatever the DNS shows from turn to turn: a key signs only after it was seen, there is at
    /// most one that signs and one that waits, and once one signs there is always one.
    #[test]
    fn a_life_of_turns_never_leaves_a_domain_without_a_key(
        turns in prop::collection::vec((seen(), seen(), 1_i64..400), 1..80),
    ) {
        let mut keys: Vec<KeyFacts> = Vec::new();
        let (mut now, mut next, mut has_signed) = (0, 0, false);
        for (active, waiting, pause) in turns {
            now += pause;
            for key in &mut keys {
                key.seen = if key.stage == KeyStage::Active { active } else { waiting };
            }
            for due in due(&keys, true, &PERIODS, Timestamp(now)) {
                match due {
                    Due::Make(KeyKind::Rsa) => {
                        next += 1;
                        keys.push(key(next, (now, None, None, None), Unknown));
                    }
                    Due::Make(KeyKind::Ed25519) => {}
                    Due::Step(id, KeyStep::End) => keys.retain(|key| key.id != id),
                    Due::Step(id, step) => {
                        let Some(key) = keys.iter_mut().find(|key| key.id == id) else {
                            return Err(TestCaseError::fail("a step of no key"));
                        };
                        match step {
                            KeyStep::See => key.seen_at = Some(Timestamp(now)),
                            KeyStep::Retire => {
                                key.retired_at = Some(Timestamp(now));
                                key.stage = KeyStage::Retired;
                            }
                            KeyStep::Activate => {
                                prop_assert_eq!(key.seen, Shown);
                                prop_assert!(key.seen_at.is_some());
                                key.activated_at = Some(Timestamp(now));
                                key.stage = KeyStage::Active;
                            }
                            KeyStep::End => {}
                        }
                    }
                }
            }
            let count = |stage| keys.iter().filter(|key| key.stage == stage).count();
            prop_assert!(count(KeyStage::Active) <= 1 && count(KeyStage::Published) <= 1);
            has_signed |= count(KeyStage::Active) == 1;
            prop_assert_eq!(has_signed, count(KeyStage::Active) == 1);
        }
    }
}
