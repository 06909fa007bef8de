//! Images of ISO 9660 (ECMA-119), with the names of Joliet and Rock Ridge (IEEE P1282) beside the
//! plain ones: each system shows another tree, and all may name the same bytes.

use std::collections::{HashMap, HashSet};

use super::bytes::{place, slice, u8_at, u16_at, u32_at, up_to};
use super::giving::{Giving, Stop};
use super::name;
use crate::Trouble;

const SECTOR: usize = 2_048;
const MARK: &[u8] = b"CD001";
/// Volume descriptors that are read; real images have three.
const VOLUMES_MAX: usize = 16;
/// Bytes of a path that are built up; folders in folders can be many.
const PATH_MAX: usize = 1_024;

/// Whether a volume descriptor stands where it must.
pub(super) fn is(bytes: &[u8]) -> bool {
    slice(bytes, 16 * SECTOR + 1, MARK.len()) == Some(MARK)
}

#[derive(Default)]
struct Trees {
    /// Members in the order they were found, by where their bytes are.
    members: Vec<(usize, usize, Vec<String>)>,
    index: HashMap<(usize, usize), usize>,
    records: usize,
}

/// Gives every file of every tree, the names of all trees with it.
pub(super) fn unpack(bytes: &[u8], giving: &mut Giving<'_, '_>) -> Result<(), Stop> {
    let mut trees = Trees::default();
    let most = giving.budget.limits().members_max;
    for volume in 16..16 + VOLUMES_MAX {
        let Some(descriptor) = slice(bytes, volume * SECTOR, SECTOR) else { break };
        let kind = u8_at(descriptor, 0);
        if descriptor.get(1..6) != Some(MARK) || kind == Some(255) {
            break;
        }
        if matches!(kind, Some(1 | 2)) {
            let wide = matches!(descriptor.get(88..91), Some([b'%', b'/', b'@' | b'C' | b'E']));
            let block = usize::from(u16_at(descriptor, 128).unwrap_or(0)).max(512);
            if !trees.walk(bytes, descriptor, Volume { wide, block }, most) {
                giving.trouble(Trouble::Limit("members_max"));
            }
        }
    }
    for (at, size, names) in trees.members {
        let content = up_to(bytes, at, size);
        giving.stored(names, content)?;
        if content.len() < size {
            giving.damaged("iso file ends early");
        }
    }
    if has_udf(bytes) {
        giving.damaged("udf beside iso");
    }
    Ok(())
}

/// Whether the image has a tree of UDF too (ECMA-167 part 2), which is not read.
fn has_udf(bytes: &[u8]) -> bool {
    let mark = |sector: usize| slice(bytes, sector * SECTOR + 1, 5);
    (16..16 + VOLUMES_MAX).any(|sector| matches!(mark(sector), Some(b"NSR02" | b"NSR03")))
}

#[derive(Clone, Copy)]
struct Volume {
    /// Names are UTF-16, high byte first (Joliet).
    wide: bool,
    block: usize,
}

impl Trees {
    /// Walks one tree. `false`: there are too many records.
    fn walk(&mut self, bytes: &[u8], descriptor: &[u8], volume: Volume, most: usize) -> bool {
        let mut folders = vec![(extent(descriptor, 156, volume.block), String::new())];
        let mut seen = HashSet::new();
        while let Some((extent, path)) = folders.pop() {
            let Some((at, size)) = extent.filter(|(at, _)| seen.insert(*at)) else { continue };
            let folder = up_to(bytes, at, size);
            let mut at = 0;
            while let Some(len) = u8_at(folder, at).map(usize::from) {
                if len == 0 {
                    // A record does not cross a sector; the rest of it is empty.
                    at = (at / SECTOR + 1) * SECTOR;
                    continue;
                }
                self.records += 1;
                if self.records > most {
                    return false;
                }
                let record = up_to(folder, at, len);
                at += len;
                let Some(names) = names(record, volume, bytes) else { continue };
                let paths = names.into_iter().map(|name| join(&path, &name));
                let Some(place) = self::extent(record, 0, volume.block) else { continue };
                if u8_at(record, 25).unwrap_or(0) & 2 != 0 {
                    folders.extend(paths.map(|path| (Some(place), path)).take(1));
                } else {
                    self.put(place, paths.collect());
                }
            }
        }
        true
    }

    fn put(&mut self, (at, size): (usize, usize), names: Vec<String>) {
        let index = *self.index.entry((at, size)).or_insert(self.members.len());
        match self.members.get_mut(index) {
            Some((_, _, known)) => name::join(known, names),
            None => self.members.push((at, size, names)),
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() || path.len() > PATH_MAX { name.into() } else { format!("{path}/{name}") }
}

/// Where the bytes of a record begin, and how many.
fn extent(record: &[u8], at: usize, block: usize) -> Option<(usize, usize)> {
    let (first, size) = (u32_at(record, at + 2)?, u32_at(record, at + 10)?);
    Some((place(first.into()).saturating_mul(block), place(size.into())))
}

/// The names of a record; none for a folder itself and the one above.
fn names(record: &[u8], volume: Volume, bytes: &[u8]) -> Option<Vec<String>> {
    let len = usize::from(u8_at(record, 32)?);
    let raw = slice(record, 33, len)?;
    if matches!(raw, [0 | 1]) {
        return None;
    }
    let mut names = Vec::new();
    let used = record.get(33 + len + usize::from(len % 2 == 0)..).unwrap_or_default();
    let long = rock_ridge(used, volume.block, bytes);
    name::join(&mut names, name::readings(&long));
    let plain = if volume.wide {
        name::wide(
            &raw.chunks_exact(2).flat_map(|pair| pair.iter().rev().copied()).collect::<Vec<_>>(),
        )
    } else {
        name::readings(raw)
    };
    for name in plain {
        // The version of a file is no part of its name to any system of today.
        let bare = name.strip_suffix(";1").unwrap_or(&name);
        name::put(&mut names, bare.strip_suffix('.').unwrap_or(bare).to_string());
    }
    Some(names)
}

/// The long name in the system use field: pieces, some of them in a continuation elsewhere.
fn rock_ridge(used: &[u8], block: usize, bytes: &[u8]) -> Vec<u8> {
    let mut long = Vec::new();
    let mut field = used;
    // One continuation: a chain of them would only be there to cost time.
    for _ in 0..2 {
        let mut next: &[u8] = &[];
        let mut at = 0;
        while let Some(len) = u8_at(field, at + 2).map(usize::from).filter(|len| *len >= 4) {
            let entry = up_to(field, at, len);
            match entry.get(..2) {
                Some(b"NM") => long.extend_from_slice(entry.get(5..).unwrap_or_default()),
                Some(b"CE") => {
                    let number = |at| u32_at(entry, at).map_or(0, |number| place(number.into()));
                    let begin = number(4).saturating_mul(block).saturating_add(number(12));
                    next = up_to(bytes, begin, number(20).min(SECTOR));
                }
                _ => {}
            }
            at += len;
        }
        field = next;
    }
    long
}
