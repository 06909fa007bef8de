//! A disk that loses its power: which bytes and names are there for certain, and which may be.
//!
//! Stricter than most file systems: a file's bytes are there once the file was synced after they
//! were written, a name once its folder was synced after it was made. Everything else may have
//! come to the disk or not; a write may have come in part.

use super::trace::{Event, Kind};
use crate::harm::random::Random;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// The disk at one moment.
#[derive(Default)]
pub(super) struct Disk {
    files: Vec<File>,
    /// Where each name leads now, as the running server sees it.
    now: BTreeMap<String, usize>,
    names: Vec<Naming>,
}

#[derive(Default)]
struct File {
    /// Changes that were synced, in order.
    certain: Vec<Change>,
    /// Changes since.
    open: Vec<Change>,
}

struct Change {
    end: u64,
    what: What,
}

#[derive(Clone)]
enum What {
    Write(u64, Arc<[u8]>),
    Truncate(u64),
}

/// A change of names.
struct Naming {
    end: u64,
    is_certain: bool,
    what: Named,
}

enum Named {
    Link(String, usize),
    Folder(String),
    Rename(String, String, usize),
    Remove(String),
}

/// How what is not certain is dealt with, image by image.
#[derive(Debug, Clone, Copy)]
enum Luck {
    /// All of it came to the disk: the process died, not the disk.
    Kept,
    /// None of it did.
    Dropped,
    /// Each piece for itself, some torn.
    Mixed,
}

impl Disk {
    /// Lets an event that began before `cut` happen.
    pub(super) fn happen(&mut self, event: &Event, cut: u64) {
        let end = event.end;
        match &event.kind {
            Kind::Create { path } if !self.now.contains_key(path) => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.now.insert(path.clone(), file);
                self.name(end, Named::Link(path.clone(), file));
            }
            Kind::Create { .. } | Kind::Kept { .. } => {}
            Kind::Write { path, at, data } => {
                self.change(path, end, What::Write(*at, Arc::clone(data)));
            }
            Kind::Truncate { path, len } => self.change(path, end, What::Truncate(*len)),
            Kind::Mkdir { path } => self.name(end, Named::Folder(path.clone())),
            Kind::Rename { from, to } => {
                if let Some(file) = self.now.remove(from) {
                    self.now.insert(to.clone(), file);
                    self.name(end, Named::Rename(from.clone(), to.clone(), file));
                }
            }
            Kind::Remove { path } => {
                if self.now.remove(path).is_some() {
                    self.name(end, Named::Remove(path.clone()));
                }
            }
            // A sync that had not ended has promised nothing.
            Kind::Sync { path } if event.end <= cut => self.sync(path, event.start),
            Kind::Sync { .. } => {}
        }
    }

    fn name(&mut self, end: u64, what: Named) {
        self.names.push(Naming { end, is_certain: false, what });
    }

    fn change(&mut self, path: &str, end: u64, what: What) {
        if let Some(file) = self.now.get(path).and_then(|n| self.files.get_mut(*n)) {
            file.open.push(Change { end, what });
        }
    }

    /// What had ended before the sync began is certain now.
    fn sync(&mut self, path: &str, start: u64) {
        if let Some(file) = self.now.get(path).and_then(|n| self.files.get_mut(*n)) {
            let open = std::mem::take(&mut file.open);
            let (certain, open): (Vec<Change>, Vec<Change>) =
                open.into_iter().partition(|change| change.end <= start);
            file.certain.extend(certain);
            file.open = open;
            return;
        }
        for naming in self.names.iter_mut().filter(|naming| naming.end <= start) {
            naming.is_certain |= naming.what.folders().any(|folder| folder == path);
        }
    }

    /// Writes an image into `folder`; how luck had it, for the report of a failure.
    pub(super) fn write(&self, folder: &Path, random: &mut Random) -> Result<String> {
        let luck = match random.below(4) {
            0 => Luck::Kept,
            1 => Luck::Dropped,
            _ => Luck::Mixed,
        };
        std::fs::create_dir_all(folder)?;
        let (names, folders) = self.named(luck, random);
        for name in &folders {
            std::fs::create_dir_all(folder.join(name))?;
        }
        for (name, file) in names {
            let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_reachable = parent.is_empty() || folders.contains(parent);
            // The index of the log is memory that SQLite makes anew; the ballast holds nothing.
            let is_content = !name.ends_with("-shm") && !name.ends_with("/ballast");
            if let Some(file) = self.files.get(file).filter(|_| is_reachable && is_content) {
                // What stands beside the data folder is the demo's own, and not what is tested.
                let luck = if name.starts_with("data/") { luck } else { Luck::Kept };
                std::fs::write(folder.join(&name), file.content(luck, random))?;
            }
        }
        Ok(format!("{luck:?}"))
    }

    /// Names and folders as they are found after the cut. Names come to the disk in their order,
    /// as a journal has it, up to any of them.
    fn named(
        &self,
        luck: Luck,
        random: &mut Random,
    ) -> (BTreeMap<String, usize>, BTreeSet<String>) {
        let open = self.names.iter().filter(|naming| !naming.is_certain).count() as u64;
        let mut left = match luck {
            Luck::Kept => open,
            Luck::Dropped => 0,
            Luck::Mixed => random.below(open + 1),
        };
        let mut names = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for naming in &self.names {
            let is_data = naming.what.folders().any(|folder| folder.starts_with("data"));
            if !naming.is_certain && is_data {
                if left == 0 {
                    continue;
                }
                left -= 1;
            }
            match &naming.what {
                Named::Link(name, file) => {
                    names.insert(name.clone(), *file);
                }
                Named::Folder(name) => {
                    folders.insert(name.clone());
                }
                Named::Rename(from, to, file) => {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
                Named::Remove(name) => {
                    names.remove(name);
                }
            }
        }
        (names, folders)
    }
}

impl Named {
    /// The folders whose sync makes it certain.
    fn folders(&self) -> impl Iterator<Item = &str> {
        let parent = |name: &'_ str| -> usize { name.rfind('/').unwrap_or(0) };
        let (one, other) = match self {
            Named::Link(name, _) | Named::Folder(name) | Named::Remove(name) => (name, name),
            Named::Rename(from, to, _) => (from, to),
        };
        [one, other].into_iter().map(move |name| name.get(..parent(name)).unwrap_or_default())
    }
}

impl File {
    fn content(&self, luck: Luck, random: &mut Random) -> Vec<u8> {
        let mut content = Vec::new();
        for change in &self.certain {
            apply(&change.what, &mut content);
        }
        for change in &self.open {
            match (luck, random.below(3)) {
                (Luck::Kept, _) | (Luck::Mixed, 0) => apply(&change.what, &mut content),
                (Luck::Dropped, _) | (Luck::Mixed, 1) => {}
                (Luck::Mixed, _) => tear(&change.what, &mut content, random),
            }
        }
        content
    }
}

fn apply(what: &What, content: &mut Vec<u8>) {
    match what {
        What::Truncate(len) => content.resize(usize::try_from(*len).unwrap_or(0), 0),
        What::Write(at, data) => put(usize::try_from(*at).unwrap_or(0), data, content),
    }
}

/// Some sectors of a write, not others.
fn tear(what: &What, content: &mut Vec<u8>, random: &mut Random) {
    let What::Write(at, data) = what else { return apply(what, content) };
    let mut at = usize::try_from(*at).unwrap_or(0);
    let mut data = &data[..];
    while !data.is_empty() {
        // Up to the next border of a sector.
        let (piece, rest) = data.split_at((SECTOR - at % SECTOR).min(data.len()));
        if random.below(2) == 0 {
            put(at, piece, content);
        }
        at += piece.len();
        data = rest;
    }
}

fn put(at: usize, data: &[u8], content: &mut Vec<u8>) {
    let end = at + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(at..end) {
        place.copy_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{Disk, Luck};
    use crate::harm::powercut::trace::{Event, Kind};
    use crate::harm::random::Random;

    fn event(start: u64, kind: Kind) -> Event {
        Event { start, end: start + 5, kind }
    }

    fn write(start: u64, data: &[u8]) -> Event {
        event(start, Kind::Write { path: "data/a".to_owned(), at: 0, data: data.into() })
    }

    fn sync(start: u64, path: &str) -> Event {
        event(start, Kind::Sync { path: path.to_owned() })
    }

    fn disk(events: &[Event], cut: u64) -> Disk {
        let mut disk = Disk::default();
        let create = Kind::Create { path: "data/a".to_owned() };
        disk.happen(&event(0, create), cut);
        for event in events {
            disk.happen(event, cut);
        }
        disk
    }

    /// The content of `data/a` if nothing uncertain came to the disk.
    fn worst(disk: &Disk) -> Option<Vec<u8>> {
        let mut random = Random::new(1);
        let (names, _) = disk.named(Luck::Dropped, &mut random);
        let file = names.get("data/a")?;
        Some(disk.files.get(*file).unwrap().content(Luck::Dropped, &mut random))
    }

    #[test]
    fn a_file_is_there_once_it_and_its_folder_were_synced() {
        let events = [write(10, b"x"), sync(20, "data/a")];
        assert_eq!(worst(&disk(&events, 100)), None);
        let events = [write(10, b"x"), sync(20, "data/a"), sync(30, "data")];
        assert_eq!(worst(&disk(&events, 100)).as_deref(), Some(&b"x"[..]));
        let events = [write(10, b"x"), sync(30, "data")];
        assert_eq!(worst(&disk(&events, 100)).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_sync_covers_only_what_had_ended_when_it_began() {
        let overlapping = [write(10, b"x"), sync(12, "data/a"), sync(30, "data")];
        assert_eq!(worst(&disk(&overlapping, 100)).as_deref(), Some(&b""[..]));
        let cut_short = [write(10, b"x"), sync(20, "data"), sync(30, "data/a")];
        assert_eq!(worst(&disk(&cut_short, 32)).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_torn_write_has_whole_sectors() {
        let data = vec![7; 2_000];
        let disk = disk(&[write(10, &data)], 100);
        let mut random = Random::new(3);
        let torn: Vec<Vec<u8>> = (0..50)
            .map(|_| disk.files.first().unwrap().content(Luck::Mixed, &mut random))
            .collect();
        assert!(torn.iter().any(|content| content.contains(&0) && content.contains(&7)));
        for content in &torn {
            assert!(content.chunks(512).all(|s| s.iter().all(|b| Some(b) == s.first())));
        }
    }
}
