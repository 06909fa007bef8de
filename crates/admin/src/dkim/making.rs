//! Making keys, and the names they get.

use super::rotation::{KINDS, algorithm};
use crate::Error;
use filter::authentication::dkim::{KeyError, KeyKind, SigningKey};
use mail::{Domain, Secret, Timestamp};
use net::Clock;
use store::{KeyStage, NewDkimKey, Store};

/// Makes the keys that a domain lacks: of each algorithm one that signs or waits.
///
/// # Errors
/// The store's, or the library makes no key.
pub async fn make_missing(store: &Store, clock: &Clock, domain: &Domain) -> Result<(), Error> {
    for kind in KINDS {
        let directory = store.directory();
        let has = directory
            .dkim_keys_of(domain)
            .iter()
            .any(|key| key.algorithm == algorithm(kind) && key.stage() != KeyStage::Retired);
        if !has {
            make(store, clock, domain, kind).await?;
        }
    }
    Ok(())
}

/// Makes a key that waits for its record to be published, unless one waits already.
///
/// # Errors
/// The store's, or the library makes no key.
pub(crate) async fn make(
    store: &Store,
    clock: &Clock,
    domain: &Domain,
    kind: KeyKind,
) -> Result<(), Error> {
    // RSA searches for primes: not on a thread that others wait for.
    let made = tokio::task::spawn_blocking(move || pair(kind)).await;
    let (secret, record) =
        made.unwrap_or(Err(KeyError::Failed)).map_err(|error| Error::Store(error.to_string()))?;
    let selector = selector(kind, clock.now(), &store.dkim_selectors(domain).await?);
    let new = NewDkimKey {
        domain: domain.clone(),
        selector: selector.clone(),
        algorithm: algorithm(kind),
        secret,
        record,
    };
    match store.add_dkim_key(new).await {
        Ok(_) => {
            tracing::info!(%domain, selector, "made a DKIM key: its record is to be published");
            Ok(())
        }
        // Another was quicker: there is one that waits.
        Err(store::Error::Exists(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn pair(kind: KeyKind) -> Result<(Secret<String>, String), KeyError> {
    let key = SigningKey::generate(kind)?;
    Ok((key.to_pem()?, key.record()?))
}

/// The first name that no key of the domain ever had: `gp2026a-ed`, `gp2026b-rsa`. The year and a
/// letter tell people how old a key is, and which two are a pair.
fn selector(kind: KeyKind, now: Timestamp, taken: &[String]) -> String {
    let at = now.rfc3339();
    let year = at.split('-').next().unwrap_or_default();
    let short = match kind {
        KeyKind::Rsa => "rsa",
        KeyKind::Ed25519 => "ed",
    };
    let mut generation = 0_usize;
    loop {
        let selector = format!("gp{year}{}-{short}", letters(generation));
        if !taken.contains(&selector) {
            return selector;
        }
        generation += 1;
    }
}

/// a, b ... z, aa, ab ...
fn letters(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (number % 26) as u8);
        if number < 26 {
            break;
        }
        number = number / 26 - 1;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::{KeyKind, Timestamp, letters, selector};

    #[test]
    fn selectors_are_readable_and_never_used_twice() {
        let now = Timestamp(1_795_545_915_042);
        let mut taken = Vec::new();
        for expected in ["gp2026a-ed", "gp2026b-ed", "gp2026c-ed"] {
            let made = selector(KeyKind::Ed25519, now, &taken);
            assert_eq!(made, expected);
            taken.push(made);
        }
        assert_eq!(selector(KeyKind::Rsa, now, &taken), "gp2026a-rsa");
        for (number, expected) in [(0, "a"), (25, "z"), (26, "aa"), (51, "az"), (52, "ba")] {
            assert_eq!(letters(number), expected);
        }
        assert_eq!(letters(701), "zz");
        assert_eq!(letters(702), "aaa");
    }
}
