//! The Sender Rewriting Scheme (Shevek, "The Sender Rewriting Scheme", libsrs2): how who forwards a
//! message stands in for its sender, so that SPF fits and bounces find their way back.
//!
//! `SRS0=HHHHHH=TT=domain=local@forwarder` holds the sender, a day and a hash; a second forwarder
//! makes `SRS1=TTHHHHHH=first=rest@second` of it, by which the bounce goes straight to the first.
//! Pure, and without cryptography: the hash is given ([`Mac`]). The filter rewrites with it, policy
//! reads what comes back, the queue finds by it whom a notice is for.
//!
//! Deviations. The hash covers the whole number of the day, so that no address comes to life again
//! when its two characters do; it has 30 bits, and no case. SRS1 has a day too, within its hash,
//! which is nobody's but ours to read. An address whose sender nobody vouched for looks like any
//! other, but is known to be one that bounces are not passed on from ([`Bounces::Dropped`]).

use crate::{Address, Domain, Timestamp};

/// HMAC-SHA-256 under the forwarder's own key.
pub type Mac<'a> = &'a dyn Fn(&[u8]) -> [u8; 32];

/// How long bounces may come: longer than any server tries (RFC 5321 §4.5.4.1 has 4 to 5 days).
pub const DAYS_MAX: i64 = 21;
/// Characters of a hash, 5 bits each. The next forwarder and the sender's own name need the room:
/// a local part has 64 bytes. Who guesses is slowed by policy like who asks for unknown names.
const HASH_LEN: usize = 6;
/// Characters of the day: it comes again after 1,024.
const STAMP_LEN: usize = 2;
const STAMP_SPAN: i64 = 1_024;
const DAY_MILLIS: i64 = 86_400_000;
/// RFC 4648 §6: each is its own in either case.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What may stand behind `SRS0` and `SRS1`, whoever made them; we write the first.
const SEPARATORS: [char; 3] = ['=', '-', '+'];
/// In the place of a sender that is too long to be told, where nobody is to be told anything
/// (RFC 2606 §2: nobody's domain), with a hash of so many characters.
const UNTOLD: &str = "invalid";
const UNTOLD_LEN: usize = 16;

/// What becomes of bounces to a rewritten address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounces {
    /// They go to the sender.
    Returned,
    /// They go nowhere: the sender may be forged, and would hear of mail that it never sent.
    Dropped,
}

/// Whom a bounce is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// The sender, or the forwarder before us.
    To(Address),
    /// Nobody: see [`Bounces::Dropped`].
    ToNobody,
}

/// Why an address is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not of the form, or its hash is wrong.
    #[error("it was not made here")]
    Forged,
    /// It was made here more than [`DAYS_MAX`] days ago.
    #[error("it was made too long ago")]
    Expired,
}

/// What a hash is about: none fits another kind.
#[derive(Debug, Clone, Copy)]
enum Kind {
    First,
    Second,
    Dropped,
}

impl Kind {
    fn tag(self) -> &'static str {
        match self {
            Kind::First => "srs0",
            Kind::Second => "srs1",
            Kind::Dropped => "dropped",
        }
    }
}

/// The address at `forwarder` that stands for `sender`.
///
/// `None` where it does not fit the 64 bytes of a local part, or the sender has no domain: then a
/// bounce would lose its way, and the sender has to stay as it is. Never for
/// [`Bounces::Dropped`], unless the forwarder's domain leaves no room for any address.
pub fn forward(
    mac: Mac<'_>,
    sender: &Address,
    forwarder: &Domain,
    bounces: Bounces,
    now: Timestamp,
) -> Option<Address> {
    let made = Made { mac, forwarder, day: day(now) };
    match bounces {
        Bounces::Dropped => {
            let told = sender.domain().and_then(|domain| {
                made.first(Kind::Dropped, &format!("{domain}={}", sender.local.as_str()))
            });
            told.filter(|address| reverse(mac, address, now) == Ok(Returned::ToNobody))
                .or_else(|| made.first(Kind::Dropped, &made.untold(sender)))
        }
        Bounces::Returned => {
            let (domain, local) = (sender.domain()?, sender.local.as_str());
            let returned = match passed_on(domain, local) {
                Some((rest, to)) => made.second(&rest).zip(Some(to)),
                None => {
                    made.first(Kind::First, &format!("{domain}={local}")).zip(Some(sender.clone()))
                }
            };
            // What Unicode makes of an address that is put together need not come apart again.
            let (address, to) = returned?;
            (reverse(mac, &address, now) == Ok(Returned::To(to))).then_some(address)
        }
    }
}

/// Whether a local part has the form of one that [`forward`] makes, good or bad.
pub fn is_rewritten(address: &Address) -> bool {
    let head = address.local.as_str().get(..5).unwrap_or_default();
    head.eq_ignore_ascii_case("SRS0=") || head.eq_ignore_ascii_case("SRS1=")
}

/// Whom a bounce to an address is for that [`forward`] made with the same key.
///
/// # Errors
/// It is not such an address, or one that is too old.
pub fn reverse(mac: Mac<'_>, address: &Address, now: Timestamp) -> Result<Returned, Unfit> {
    let forwarder = address.domain().ok_or(Unfit::Forged)?;
    let form = Form::read(address.local.as_str()).ok_or(Unfit::Forged)?;
    // A day of another node's clock may have begun before ours.
    let age = (day(now) + 1 - form.stamp).rem_euclid(STAMP_SPAN) - 1;
    let made = Made { mac, forwarder, day: day(now) - age };
    let is = |kind| made.hash(kind, form.rest).eq_ignore_ascii_case(form.hash);
    let returned = match form.second {
        true if is(Kind::Second) => Returned::To(first_forwarder(form.rest)?),
        false if is(Kind::First) => Returned::To(original(form.rest)?),
        false if is(Kind::Dropped) => Returned::ToNobody,
        _ => return Err(Unfit::Forged),
    };
    if age > DAYS_MAX { Err(Unfit::Expired) } else { Ok(returned) }
}

/// What is made on one day at one domain.
struct Made<'a> {
    mac: Mac<'a>,
    forwarder: &'a Domain,
    day: i64,
}

impl Made<'_> {
    fn first(&self, kind: Kind, rest: &str) -> Option<Address> {
        let (hash, stamp) = (self.hash(kind, rest), stamp(self.day));
        Address::at(&format!("SRS0={hash}={stamp}={rest}"), self.forwarder).ok()
    }

    fn second(&self, rest: &str) -> Option<Address> {
        let (hash, stamp) = (self.hash(Kind::Second, rest), stamp(self.day));
        Address::at(&format!("SRS1={stamp}{hash}={rest}"), self.forwarder).ok()
    }

    /// Some servers write local parts in lower case: what is signed has none.
    fn hash(&self, kind: Kind, rest: &str) -> String {
        let Self { mac, forwarder, day } = self;
        let text = format!("{} {day} {forwarder} {}", kind.tag(), rest.to_lowercase());
        base32(&mac(text.as_bytes()), HASH_LEN)
    }

    fn untold(&self, sender: &Address) -> String {
        let hash = (self.mac)(format!("untold {sender}").as_bytes());
        format!("{UNTOLD}={}", base32(&hash, UNTOLD_LEN))
    }
}

/// The parts of a rewritten local part.
struct Form<'a> {
    second: bool,
    /// The day, less what is a multiple of [`STAMP_SPAN`].
    stamp: i64,
    hash: &'a str,
    /// `domain=local`, or `first=rest`.
    rest: &'a str,
}

impl<'a> Form<'a> {
    fn read(local: &'a str) -> Option<Self> {
        let (head, behind) = local.split_once('=')?;
        let second = head.eq_ignore_ascii_case("SRS1");
        if !second && !head.eq_ignore_ascii_case("SRS0") {
            return None;
        }
        let (first, behind) = behind.split_once('=')?;
        let (hash, stamp, rest) = match second {
            true => (first.get(STAMP_LEN..)?, first.get(..STAMP_LEN)?, behind),
            false => {
                let (stamp, rest) = behind.split_once('=')?;
                (first, stamp, rest)
            }
        };
        let stamp = read_stamp(stamp)?;
        (hash.len() == HASH_LEN).then_some(Self { second, stamp, hash, rest })
    }
}

/// What SRS1 holds of a sender that is rewritten already, and where its bounces go; `None` if it is
/// not.
fn passed_on(domain: &Domain, local: &str) -> Option<(String, Address)> {
    let (head, behind) = local.split_at_checked(4)?;
    if !behind.starts_with(SEPARATORS) {
        return None;
    }
    let rest = match head.to_ascii_uppercase().as_str() {
        // The separator stays: it tells the first forwarder how it writes.
        "SRS0" => format!("{domain}={behind}"),
        // What the second said of it is of no use to the third: the bounce goes to the first.
        "SRS1" => behind.get(1..)?.split_once('=')?.1.to_owned(),
        _ => return None,
    };
    let to = first_forwarder(&rest).ok()?;
    Some((rest, to))
}

/// `first=rest` is SRS0 at the first.
fn first_forwarder(rest: &str) -> Result<Address, Unfit> {
    let (domain, behind) = rest.split_once('=').ok_or(Unfit::Forged)?;
    if !behind.starts_with(SEPARATORS) {
        return Err(Unfit::Forged);
    }
    address(&format!("SRS0{behind}"), domain)
}

/// `domain=local` is who sent it.
fn original(rest: &str) -> Result<Address, Unfit> {
    let (domain, local) = rest.split_once('=').ok_or(Unfit::Forged)?;
    address(local, domain)
}

fn address(local: &str, domain: &str) -> Result<Address, Unfit> {
    let domain = Domain::parse(domain).map_err(|_| Unfit::Forged)?;
    Address::at(local, &domain).map_err(|_| Unfit::Forged)
}

fn day(now: Timestamp) -> i64 {
    now.0.div_euclid(DAY_MILLIS)
}

fn stamp(day: i64) -> String {
    let digit = |value: i64| character(u8::try_from(value.rem_euclid(32)).unwrap_or(0));
    [digit(day.div_euclid(32)), digit(day)].iter().collect()
}

fn read_stamp(text: &str) -> Option<i64> {
    let value = |c: u8| BASE32.iter().position(|known| known.eq_ignore_ascii_case(&c));
    let [high, low] = text.as_bytes() else { return None };
    i64::try_from(value(*high)? * 32 + value(*low)?).ok()
}

/// So many characters of the bits, highest first.
fn base32(bytes: &[u8], len: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let digit = |n: usize| (0..5).fold(0_u8, |value, at| value << 1 | bit(n * 5 + at));
    (0..len).map(|n| character(digit(n))).collect()
}

fn character(value: u8) -> char {
    BASE32.get(usize::from(value)).copied().map_or('A', char::from)
}

#[cfg(test)]
mod tests;
