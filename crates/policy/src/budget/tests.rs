use super::{Allowance, Budget};
use mail::Timestamp;
use proptest::prelude::*;

const TEN: Allowance = Allowance { burst: 10, refill_millis: 1_000 };

#[test]
fn a_burst_then_one_for_each_refill() {
    let budget = Budget::new(100);
    let taken = |at| budget.take(TEN, &"a", Timestamp(at));
    assert_eq!((0..20).filter(|_| taken(0)).count(), 10);
    assert!(!taken(999));
    assert!(taken(1_000));
    assert!(!taken(1_001));
    assert_eq!((0..20).filter(|_| taken(1_000_000)).count(), 10, "never more than a burst");
}

#[test]
fn what_is_refunded_can_be_taken_again() {
    let budget = Budget::new(100);
    for _ in 0..1_000 {
        assert!(budget.take(TEN, &1, Timestamp(5)));
        budget.refund(TEN, &1);
    }
    assert_eq!(budget.spent(TEN, &1, Timestamp(5)), 0);
}

#[test]
fn charging_is_bounded_by_the_allowance() {
    let budget = Budget::new(100);
    for _ in 0..1_000 {
        budget.charge(TEN, &1, Timestamp(0));
    }
    assert!(budget.is_empty_for(TEN, &1, Timestamp(0)));
    assert!(!budget.is_empty_for(TEN, &1, Timestamp(1_000)));
    assert_eq!(budget.spent(TEN, &1, Timestamp(10_000)), 0);
}

#[test]
fn no_limit_is_zero() {
    let budget = Budget::new(100);
    let none = Allowance::per(0, 60);
    assert!((0..100_000).all(|_| budget.take(none, &1, Timestamp(0))));
    assert!(!budget.is_empty_for(none, &1, Timestamp(0)));
}

#[test]
fn a_clock_set_back_blocks_for_one_bucket_at_most() {
    let budget = Budget::new(100);
    let late = Timestamp(1_000_000_000);
    while budget.take(TEN, &1, late) {}
    let early = Timestamp(0);
    assert!(budget.is_empty_for(TEN, &1, early));
    budget.charge(TEN, &1, early);
    assert!(!budget.is_empty_for(TEN, &1, Timestamp(1_000)));
}

#[test]
fn a_flood_of_keys_neither_grows_the_table_nor_washes_a_debt_away() {
    let budget = Budget::new(1_000);
    let now = Timestamp(0);
    for _ in 0..10 {
        assert!(budget.take(TEN, &u64::MAX, now));
    }
    for key in 0..50_000_u64 {
        assert!(budget.take(TEN, &key, now));
    }
    assert_eq!(budget.len(), 1_000);
    assert!(!budget.take(TEN, &u64::MAX, now), "the offender is still remembered");
}

proptest! {
    #[test]
    fn never_more_than_burst_and_refills(
        burst in 1_u32..50,
        refill in 1_i64..5_000,
        steps in proptest::collection::vec(0_i64..3_000, 1..300),
    ) {
        let allowance = Allowance { burst, refill_millis: refill };
        let budget = Budget::new(4);
        let (mut now, mut taken) = (0_i64, 0_i64);
        for step in steps {
            now += step;
            taken += i64::from(budget.take(allowance, &(), Timestamp(now)));
            prop_assert!(taken <= i64::from(burst) + now / refill);
        }
    }
}
