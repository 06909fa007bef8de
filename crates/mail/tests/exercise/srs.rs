//! What must hold for any sender that is rewritten and any address that comes back, shared by the
//! fuzz target and the test that replays its corpus.
//!
//! Each line is an address, or a local part at the forwarder.

use mail::srs::{Bounces, Returned, Unfit, forward, is_rewritten, reverse};
use mail::{Address, Domain, Timestamp};

const NOW: Timestamp = Timestamp(1_795_545_915_042);
const DAY: i64 = 86_400_000;

/// A hash that anybody can make: what is read is read also where it is right.
fn mac(text: &[u8]) -> [u8; 32] {
    let sum = text.iter().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
    [sum; 32]
}

/// Rewrites and reads back.
pub(crate) fn exercise(bytes: &[u8]) {
    let Ok(forwarder) = Domain::parse("ours.example") else { return };
    for line in String::from_utf8_lossy(bytes).lines().take(8) {
        let at = Address::at(line, &forwarder);
        for address in [Address::parse(line), at].into_iter().flatten() {
            read(&address);
            rewrite(&address, &forwarder);
        }
    }
}

fn read(address: &Address) {
    for days in [-1, 0, 21, 22, 1_024] {
        if let Ok(Returned::To(to)) = reverse(&mac, address, NOW.plus_millis(days * DAY)) {
            assert!(is_rewritten(address), "{address}");
            assert_eq!(Address::parse(&to.to_string()).as_ref(), Ok(&to), "from {address}");
        }
    }
}

fn rewrite(sender: &Address, forwarder: &Domain) {
    let dropped = forward(&mac, sender, forwarder, Bounces::Dropped, NOW);
    let Some(dropped) = dropped else { panic!("{sender} cannot be dropped") };
    let returned = forward(&mac, sender, forwarder, Bounces::Returned, NOW);
    for address in returned.iter().chain([&dropped]) {
        assert!(is_rewritten(address) && address.domain() == Some(forwarder), "{address}");
        assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(address), "of {sender}");
        let late = reverse(&mac, address, NOW.plus_millis(22 * DAY));
        assert!(matches!(late, Err(Unfit::Expired | Unfit::Forged)), "{address} lives on");
    }
    if let Some(address) = &returned {
        let Ok(Returned::To(to)) = reverse(&mac, address, NOW) else { panic!("{address} is lost") };
        // Straight home, or to the forwarder before us.
        assert!(to == *sender || to.local.as_str().starts_with("SRS0"), "{address} to {to}");
    }
}
