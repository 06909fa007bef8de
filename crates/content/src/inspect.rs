//! One part looked into: its names, its declared types, its content, and what is inside it.
//!
//! Called by the examination for every part of every reading of a message. The order is from cheap
//! to dear; each step adds to one list of hits, and the path of archives and documents around it
//! is kept while it goes in and out.

use crate::archive::{self, Member};
use crate::magic::{self, Shape};
use crate::{Budget, Class, Hit, Lists, Trouble, documents, names, types};
use std::borrow::Cow;

/// Steps of a path that are kept.
const PATH_MAX: usize = 16;
/// Bytes of a step of a path, and of a detail.
const TEXT_MAX: usize = 200;
/// Names of one part that are judged: a hostile one has thousands.
const NAMES_MAX: usize = 64;
/// Documents of old that are looked for within something else.
const LATER_MAX: usize = 4;

/// Disguises that are no danger by themselves: a name in a script that runs from right to left, one
/// that goes on and on, or one that was damaged on its way.
const LOOKS: [&str; 4] = ["direction characters", "many blanks", "very long", "control characters"];

/// A part to be looked into.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Every name that it has, as it came (encoded words and RFC 2231 undone).
    pub names: &'a [String],
    /// Every media type that is declared for it.
    pub types: &'a [String],
    /// Its content, decoded.
    pub bytes: &'a [u8],
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The true type by content: `pe`, `zip`, `text`, or `unknown`.
    pub kind: &'static str,
    /// All hits, each once for its path. Above [`Limits::hits_max`](crate::Limits) one of each
    /// class, without a path: no class is lost behind a flood of others, and no rule that allows
    /// what has a certain name inside an archive speaks for what is not told.
    pub hits: Vec<Hit>,
}

/// Looks into a part, and into all that is inside it.
pub fn inspect(item: &Item<'_>, lists: &Lists, budget: &mut Budget) -> Report {
    let hits_max = budget.hits_left();
    let mut look = Inspection { lists, hits: Vec::new(), hits_max, path: Vec::new(), skipped: 0 };
    let kind = look.item(item, budget);
    budget.hits(look.hits.len());
    Report { kind, hits: look.hits }
}

/// An inspection that is under way: what is found, and where it stands.
pub(crate) struct Inspection<'l> {
    lists: &'l Lists,
    hits: Vec<Hit>,
    hits_max: usize,
    path: Vec<String>,
    /// Steps that are deeper than what a path keeps.
    skipped: usize,
}

impl Inspection<'_> {
    /// Adds a hit at the present place.
    pub(crate) fn hit(&mut self, class: Class, rule: impl Into<Cow<'static, str>>, detail: &str) {
        let rule = rule.into();
        let is_full = self.hits.len() >= self.hits_max;
        let path = if is_full { &[] } else { self.path.as_slice() };
        let is_told =
            |hit: &Hit| hit.class == class && hit.path == path && (is_full || hit.rule == rule);
        // Quadratic in `hits_max` only, which is small.
        if self.hits.iter().any(is_told) {
            return;
        }
        let (rule, path, detail) = (rule.into_owned(), path.to_vec(), shown(detail));
        self.hits.push(Hit { class, rule, path, detail });
    }

    /// Adds what kept it from looking to the end.
    pub(crate) fn trouble(&mut self, trouble: Trouble) {
        let rule = format!("{} {}", trouble.class(), trouble.text());
        self.hit(trouble.class(), rule, "");
    }

    /// Looks into what stands inside the present place, under `name`.
    pub(crate) fn inside(&mut self, name: &str, item: &Item<'_>, budget: &mut Budget) {
        self.step(name);
        match budget.enter() {
            Ok(()) => {
                self.item(item, budget);
                budget.leave();
            }
            Err(trouble) => self.trouble(trouble),
        }
        self.back();
    }

    /// Goes one step deeper in the path.
    fn step(&mut self, name: &str) {
        if self.path.len() < PATH_MAX {
            self.path.push(shown(name));
        } else {
            self.skipped += 1;
        }
    }

    fn back(&mut self) {
        match self.skipped.checked_sub(1) {
            Some(left) => self.skipped = left,
            None => drop(self.path.pop()),
        }
    }

    /// Everything about one item; its kind.
    pub(crate) fn item(&mut self, item: &Item<'_>, budget: &mut Budget) -> &'static str {
        self.names(item.names);
        for declared in item.types {
            if let Some(known) = types::of_media_type(declared) {
                self.hit(known.1, format!("type {}", known.0), "");
            }
        }
        if item.bytes.is_empty() {
            return "empty";
        }
        if let Err(trouble) = budget.look(item.bytes.len()) {
            self.trouble(trouble);
            return "unknown";
        }
        let lists = self.lists;
        lists.find(item.bytes, budget, self);
        let kind = self.content(item, budget);
        self.archive(item, budget);
        kind.word
    }

    fn names(&mut self, names: &[String]) {
        for name in names.iter().take(NAMES_MAX) {
            let judged = names::judge(name);
            let mut is_dangerous = false;
            for letters in judged.endings {
                if let Some(known) = types::of_ending(letters) {
                    is_dangerous = true;
                    self.hit(known.1, format!("name {letters}"), name);
                }
            }
            // What is harmless under each of its looks is disguised as nothing.
            for how in judged.disguises.iter().filter(|how| is_dangerous || !LOOKS.contains(how)) {
                self.hit(Class::DisguisedName, format!("disguise {how}"), name);
            }
        }
        if names.len() > NAMES_MAX {
            self.hit(Class::TooComplex, "limit names", "");
        }
    }

    fn content(&mut self, item: &Item<'_>, budget: &mut Budget) -> magic::Kind {
        let kind = magic::kind(item.bytes);
        if let Some(class) = kind.class {
            self.hit(class, format!("magic {}", kind.word), "");
        }
        documents::look(item, &kind, self, budget);
        if matches!(kind.word, "unknown" | "text") {
            self.later(item.bytes, budget);
        }
        kind
    }

    /// What begins later in something that is nothing known: some reader may drop the bytes before.
    fn later(&mut self, bytes: &[u8], budget: &mut Budget) {
        if let Some(kind) = magic::program_later(bytes)
            && let Some(class) = kind.class
        {
            self.hit(class, format!("magic {} later", kind.word), "");
        }
        let mut places = magic::compound_later(bytes);
        for at in places.by_ref().take(LATER_MAX) {
            let bytes = bytes.get(at..).unwrap_or_default();
            self.inside("(later)", &Item { names: &[], types: &[], bytes }, budget);
        }
        if places.next().is_some() {
            self.trouble(Trouble::Limit("later"));
        }
    }

    /// The members of all archives in an item. One without a name is called as its archive, less
    /// the ending: `invoice.js.gz` becomes `invoice.js`.
    fn archive(&mut self, item: &Item<'_>, budget: &mut Budget) {
        let bare = |name: &String| name.rsplit_once('.').map(|(bare, _)| bare.to_owned());
        let outer: Vec<String> = item.names.iter().take(NAMES_MAX).filter_map(bare).collect();
        let all = archive::unpack(item.bytes, budget, &mut |mut member, budget| {
            if member.names.is_empty() {
                member.names.clone_from(&outer);
            }
            self.member(member, budget);
        });
        if let Err(trouble) = all {
            self.trouble(trouble);
        }
    }

    fn member(&mut self, member: Member<'_>, budget: &mut Budget) {
        let name = member.names.first().map_or("(no name)", String::as_str).to_owned();
        let before = self.hits.len();
        self.step(&name);
        let is_folder = |name: &String| name.ends_with(['/', '\\']);
        match member.content {
            // A folder may be called anything; what is in it comes with names of its own.
            Ok([]) if member.names.iter().all(is_folder) => {}
            Ok(bytes) => {
                let item = Item { names: &member.names, types: &[], bytes };
                self.item(&item, budget);
                documents::member(&item, self, budget);
            }
            Err(trouble) => {
                self.names(&member.names);
                self.trouble(trouble);
            }
        }
        if member.is_aside {
            // It is a piece of something else, and damaged by its nature; what is in it counts.
            let mut number = 0;
            self.hits.retain(|hit| {
                number += 1;
                number <= before || hit.class != Class::Unreadable
            });
        }
        self.back();
    }
}

/// The shapes that the names and types of a part claim for it, each once.
pub(crate) fn claimed(item: &Item<'_>) -> Vec<Shape> {
    let names = item.names.iter().take(NAMES_MAX).filter_map(|name| Shape::of_name(name));
    let types = item.types.iter().filter_map(|declared| Shape::of_media_type(declared));
    let mut shapes: Vec<Shape> = Vec::new();
    for shape in names.chain(types) {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}

/// A text of a stranger as it may be shown: no control characters, at most [`TEXT_MAX`] bytes.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }) {
        if out.len() + c.len_utf8() > TEXT_MAX {
            break;
        }
        out.push(c);
    }
    out
}

/// The hits of what a test does with an inspection of its own.
#[cfg(test)]
pub(crate) fn with_inspection(lists: &Lists, act: impl FnOnce(&mut Inspection<'_>)) -> Vec<Hit> {
    let mut look =
        Inspection { lists, hits: Vec::new(), hits_max: 99, path: Vec::new(), skipped: 0 };
    act(&mut look);
    look.hits
}

#[cfg(test)]
mod tests;
