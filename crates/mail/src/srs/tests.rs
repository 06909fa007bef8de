#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use super::{Bounces, DAY_MILLIS, Returned, Unfit, forward, is_rewritten, reverse};
use crate::{Address, Domain, Timestamp};
use proptest::prelude::*;

/// Not secret, and all that the scheme asks of a hash: every bit of the text counts.
fn mac(text: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for round in 0..4_u8 {
        for &byte in text.iter().chain([&round]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let at = usize::from(round) * 8;
        let mixed = (state ^ state >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash[at..at + 8].copy_from_slice(&mixed.to_be_bytes());
    }
    hash
}

const NOW: Timestamp = Timestamp(1_795_545_915_042);

fn ours() -> Domain {
    "ours.example".parse().unwrap()
}

fn rewritten(sender: &str, bounces: Bounces) -> Option<Address> {
    forward(&mac, &sender.parse().unwrap(), &ours(), bounces, NOW)
}

/// The form without what the hash and the day make of it, and where a bounce goes.
#[track_caller]
fn check(sender: &str, form: &str, to: &str) {
    let Some(address) = rewritten(sender, Bounces::Returned) else {
        assert_eq!("none", form, "{sender}");
        return;
    };
    let text = address.to_string();
    let shown = match text.find("SRS1") {
        Some(at) => format!("{}.{}", &text[..at + 5], &text[at + 13..]),
        None => {
            let at = text.find("SRS0").unwrap();
            format!("{}.{}", &text[..at + 5], &text[at + 14..])
        }
    };
    assert_eq!(shown, form, "{sender}");
    let back = reverse(&mac, &address, NOW);
    assert_eq!(back, Ok(Returned::To(to.parse().unwrap())), "{text}");
    assert!(is_rewritten(&address), "{text}");
}

#[test]
fn a_bounce_finds_its_way_back() {
    for (sender, form) in [
        ("dora@far.example", "SRS0=.=far.example=dora@ours.example"),
        ("Dora.Doe+x@far.example", "SRS0=.=far.example=Dora.Doe+x@ours.example"),
        ("a=b@far.example", "SRS0=.=far.example=a=b@ours.example"),
        ("a%b@far.example", "SRS0=.=far.example=a%b@ours.example"),
        ("\"a b\"@far.example", "\"SRS0=.=far.example=a b\"@ours.example"),
        ("jörg@far.example", "SRS0=.=far.example=jörg@ours.example"),
        ("SRS@far.example", "SRS0=.=far.example=SRS@ours.example"),
    ] {
        check(sender, form, sender);
    }
}

#[test]
fn one_that_is_rewritten_goes_back_to_the_first_forwarder() {
    let first = "SRS0=aa=BB=far.example=dora@first.example";
    check(first, "SRS1=.=first.example==aa=BB=far.example=dora@ours.example", first);
    let other = "srs0+aa=BB=far.example=dora@first.example";
    let same = "SRS0+aa=BB=far.example=dora@first.example";
    check(other, "SRS1=.=first.example=+aa=BB=far.example=dora@ours.example", same);
    let second = "SRS1=cc=first.example==aa=BB=far.example=dora@second.example";
    check(second, "SRS1=.=first.example==aa=BB=far.example=dora@ours.example", first);
}

#[test]
fn what_does_not_fit_stays_as_it_is_or_is_not_told() {
    let long = format!("{}@far.example", "a".repeat(40));
    let literal = "dora@[192.0.2.1]";
    // The stroke would be written over the sign before it.
    let composed = "\u{338}x@far.example";
    for sender in [long.as_str(), literal, composed] {
        check(sender, "none", "");
        let dropped = rewritten(sender, Bounces::Dropped).unwrap();
        assert_eq!(reverse(&mac, &dropped, NOW), Ok(Returned::ToNobody), "{dropped}");
    }
    let longest = format!("{}@far.example", "a".repeat(37));
    assert!(rewritten(&longest, Bounces::Returned).is_some());
}

#[test]
fn nobody_hears_where_nobody_vouched() {
    let address = rewritten("dora@far.example", Bounces::Dropped).unwrap();
    assert!(address.to_string().ends_with("=far.example=dora@ours.example"));
    assert_eq!(reverse(&mac, &address, NOW), Ok(Returned::ToNobody));
    let returned = rewritten("dora@far.example", Bounces::Returned).unwrap();
    assert_ne!(address, returned);
}

#[test]
fn it_is_good_for_three_weeks_and_never_again() {
    let address = rewritten("dora@far.example", Bounces::Returned).unwrap();
    let good = Ok(Returned::To("dora@far.example".parse().unwrap()));
    for (days, expected) in [
        (-2, Err(Unfit::Forged)),
        (-1, good.clone()),
        (0, good.clone()),
        (21, good),
        (22, Err(Unfit::Expired)),
        (1_000, Err(Unfit::Expired)),
        (1_024, Err(Unfit::Forged)),
        (10_240, Err(Unfit::Forged)),
    ] {
        let then = NOW.plus_millis(days * DAY_MILLIS);
        assert_eq!(reverse(&mac, &address, then), expected, "after {days} days");
    }
}

#[test]
fn other_forms_are_none_of_ours() {
    for text in [
        "SRS0=@ours.example",
        "SRS0==@ours.example",
        "SRS0=AAAAAA=AA@ours.example",
        "SRS0=AAAAAA=AA=far.example=dora@ours.example",
        "SRS0=AAAAAA=A1=far.example=dora@ours.example",
        "SRS1=AAAAAAAA=far.example==x@ours.example",
        "SRS1=A=far.example==x@ours.example",
        "SRS1=\u{e4}=far.example==x@ours.example",
        "srs0=\u{e4}\u{e4}\u{e4}=\u{e4}=far.example=dora@[192.0.2.1]",
    ] {
        let address: Address = text.parse().unwrap();
        assert!(is_rewritten(&address), "{text}");
        assert_eq!(reverse(&mac, &address, NOW), Err(Unfit::Forged), "{text}");
    }
    for text in ["SRS0@ours.example", "SRS2=x@ours.example", "SRS0+x@ours.example"] {
        let address: Address = text.parse().unwrap();
        assert!(!is_rewritten(&address), "{text}");
        assert_eq!(reverse(&mac, &address, NOW), Err(Unfit::Forged), "{text}");
    }
}

proptest! {
    #[test]
    fn there_and_back(
        local in "[a-zA-Z0-9.=+%!é-]{1,40}",
        domain in "[a-z]{1,12}\\.example",
        again in 0..3_usize,
        days in 0_i64..=21,
    ) {
        let Ok(sender) = format!("{local}@{domain}").parse::<Address>() else { return Ok(()) };
        let forwarders = ["a.example", "b.example", "c.example"];
        let mut hops = vec![sender.clone()];
        for name in forwarders.iter().take(again + 1) {
            let at = name.parse().unwrap();
            let Some(last) = hops.last() else { return Ok(()) };
            let Some(next) = forward(&mac, last, &at, Bounces::Returned, NOW) else {
                return Ok(());
            };
            hops.push(next);
        }
        // Whichever forwarder it comes back to, one more step at the most is the way home.
        let then = NOW.plus_millis(days * DAY_MILLIS);
        let Some(last) = hops.last() else { return Ok(()) };
        let mut at = last.clone();
        for _ in 0..2 {
            if at == sender {
                break;
            }
            let Ok(Returned::To(next)) = reverse(&mac, &at, then) else {
                panic!("{at} leads nowhere");
            };
            at = next;
        }
        prop_assert_eq!(at, sender);
    }

    #[test]
    fn case_is_nothing_and_any_other_change_is_refused(
        local in "[a-z0-9.]{1,20}",
        dropped in any::<bool>(),
        at in 0..64_usize,
        other in "[a-zA-Z0-9=+.é-]",
    ) {
        let bounces = if dropped { Bounces::Dropped } else { Bounces::Returned };
        let Ok(sender) = format!("{local}@far.example").parse::<Address>() else { return Ok(()) };
        let Some(address) = forward(&mac, &sender, &ours(), bounces, NOW) else { return Ok(()) };
        let lower: Address = address.to_string().to_lowercase().parse().unwrap();
        prop_assert_eq!(reverse(&mac, &lower, NOW), reverse(&mac, &address, NOW));

        let mut text: Vec<char> = address.local.as_str().chars().collect();
        let at = at % text.len();
        let same = other.to_lowercase() == text[at].to_lowercase().to_string();
        text.splice(at..=at, other.chars());
        let text: String = text.into_iter().collect();
        let Ok(changed) = Address::at(&text, &ours()) else { return Ok(()) };
        prop_assert_eq!(reverse(&mac, &changed, NOW).is_ok(), same, "{} {}", address, changed);
    }

    #[test]
    fn whatever_it_is_it_is_read(text in "(SRS[01][=+-])?.{0,60}") {
        if let Ok(address) = Address::at(&text, &ours()) {
            prop_assert!(reverse(&mac, &address, NOW).is_err());
        }
    }
}
