//! zip (APPNOTE.TXT 6.3.10): the union of what its readers see.
//!
//! Programs find members in three ways: by the directory that the end record points to (most), by
//! the local headers from the front (streaming ones, repair tools), and by looking for signatures.
//! They count offsets from the start of the file or of the archive in it, take the first or last
//! end record, and believe the name and sizes here or there. All of them are followed.

mod header;
mod method;
mod reading;

use super::bytes::{places, slice, u16_at, u32_at, u64_at};
use super::giving::{Giving, Stop};
use header::{Central, Local};
use reading::Readings;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const SPANNED: [&[u8]; 2] = [b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"];

/// How far from the front 7-Zip and WinRAR look for an archive behind something else.
const FRONT_MAX: usize = 1 << 20;

/// End records that are looked at from the back. Nobody writes more than one; each costs a walk.
const ENDS_MAX: usize = 64;

/// Starts that offsets are tried from for directory entries that no end record leads to.
const SHIFTS_MAX: usize = 4;

/// Whether there is a zip anywhere in it.
pub(super) fn is(bytes: &[u8]) -> bool {
    starts(bytes) || ends(bytes).any(|end| directory(bytes, end).is_some()) || in_front(bytes)
}

fn starts(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL)
        || bytes.starts_with(CENTRAL)
        || SPANNED.iter().any(|mark| bytes.starts_with(mark))
        || (bytes.starts_with(END) && bytes.len() >= 22)
}

fn in_front(bytes: &[u8]) -> bool {
    let front = bytes.get(..FRONT_MAX).unwrap_or(bytes);
    places(front, LOCAL).any(|at| Local::find(bytes, at).is_some())
}

/// The end records that are whole, the last one first.
fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let found = memchr::memmem::rfind_iter(bytes, END).take(ENDS_MAX);
    found.filter(|end| slice(bytes, *end, 22).is_some())
}

/// Where the directory of an end record begins, and what is to be added to its offsets.
fn directory(bytes: &[u8], end: usize) -> Option<(usize, i128)> {
    let (mut size, mut offset) =
        (u64::from(u32_at(bytes, end + 12)?), u32_at(bytes, end + 16)?.into());
    let mut behind = end;
    // zip64: the true numbers stand in a record before it (APPNOTE §4.3.14).
    let search = bytes.get(end.saturating_sub(4096)..end)?;
    if let Some(at) = memchr::memmem::rfind(search, END_64) {
        let at = end.saturating_sub(4096) + at;
        if offset == u64::from(u32::MAX) || size == u64::from(u32::MAX) {
            (size, offset) = (u64_at(bytes, at + 40)?, u64_at(bytes, at + 48)?);
        }
        behind = at;
    }
    let is_central = |at: u64| {
        let at = usize::try_from(at).ok()?;
        (slice(bytes, at, 4)? == CENTRAL).then_some(at)
    };
    let before = (behind as u64).checked_sub(size).and_then(is_central);
    match before {
        Some(start) => Some((start, start as i128 - i128::from(offset))),
        None => is_central(offset).map(|start| (start, 0)),
    }
}

/// Gives every member of every reading.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut readings = Readings::new(bytes, is_own(bytes));
    let outcome = find(bytes, &mut readings, giving);
    readings.release(giving);
    outcome
}

fn find(
    bytes: &[u8],
    readings: &mut Readings<'_>,
    giving: &mut Giving<'_, '_>,
) -> Result<(), Stop> {
    let before = giving.given();
    let mut shifts = Vec::new();
    for end in ends(bytes) {
        if readings.covers(end) {
            continue;
        }
        let Some((start, shift)) = directory(bytes, end) else {
            if u16_at(bytes, end + 10).is_some_and(|count| count > 0) && starts(bytes) {
                readings.damaged("zip directory", giving);
            }
            continue;
        };
        if !shifts.contains(&shift) && shifts.len() < SHIFTS_MAX {
            shifts.push(shift);
        }
        let mut at = start;
        while let Some(central) = Central::read(bytes, at) {
            at += central.len;
            readings.central(&central, &[shift, 0], giving)?;
        }
        readings.give(giving)?;
    }
    if !shifts.contains(&0) {
        shifts.push(0);
    }
    // Directory entries that no end record leads to, then headers that no directory leads to.
    for at in places(bytes, CENTRAL) {
        if readings.is_new(at)
            && let Some(central) = Central::find(bytes, at)
        {
            readings.central(&central, &shifts, giving)?;
        }
    }
    readings.give(giving)?;
    for at in places(bytes, LOCAL) {
        if readings.is_new(at)
            && let Some(local) = Local::find(bytes, at)
        {
            readings.local(&local, giving)?;
            readings.give(giving)?;
        }
    }
    if starts(bytes) && ends(bytes).next().is_none() && !readings.is_understood() {
        readings.damaged("zip ends early", giving);
    }
    readings.tell_broken(giving);
    if giving.given() == before && starts(bytes) && !bytes.starts_with(END) {
        readings.damaged("zip without members", giving);
    }
    Ok(())
}

/// Whether the file is this archive, perhaps with something before it, so that damage in it is
/// worth telling. Bytes of a zip in the middle of something else (a sheet in an old document,
/// whose sectors may lie apart) are only looked at as far as they are whole.
fn is_own(bytes: &[u8]) -> bool {
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    let fits = |end: usize| {
        u16_at(bytes, end + 20)
            .is_some_and(|comment| end + 22 + usize::from(comment) == bytes.len())
    };
    starts(bytes) || (!bytes.starts_with(OLE) && ends(bytes).any(fits))
}
