//! Goes through an archive and the archives in it, as the caller of `unpack` does.

use content::{Budget, Limits, Trouble, archive};

/// What was seen: names joined by ` | `, the way in by ` > `, and the bytes or the trouble.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) members: Vec<(String, Result<Vec<u8>, Trouble>)>,
    pub(crate) troubles: Vec<Trouble>,
}

impl Seen {
    /// The bytes of the members of this name, in order.
    pub(crate) fn content(&self, name: &str) -> Vec<Result<&[u8], Trouble>> {
        let named = self.members.iter().filter(|(path, _)| {
            let last = path.rsplit(" > ").next().unwrap_or_default();
            last.split(" | ").any(|one| one == name)
        });
        named.map(|(_, content)| content.as_deref().map_err(|trouble| *trouble)).collect()
    }

    /// All paths.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.members.iter().map(|(path, _)| path.as_str()).collect()
    }
}

/// Walks with the default limits.
pub(crate) fn walk(bytes: &[u8]) -> Seen {
    walk_within(bytes, Limits::default())
}

/// Walks with these limits.
pub(crate) fn walk_within(bytes: &[u8], limits: Limits) -> Seen {
    let mut seen = Seen::default();
    let mut budget = Budget::new(limits.clone());
    go(bytes, "", &mut budget, &mut seen);
    // What is held was given back, whatever happened.
    budget.hold(limits.held_max).expect("all memory is given back");
    seen
}

fn go(bytes: &[u8], path: &str, budget: &mut Budget, seen: &mut Seen) {
    let mut each = |member: archive::Member<'_>, budget: &mut Budget| {
        let names = member.names.join(" | ");
        let path = if path.is_empty() { names } else { format!("{path} > {names}") };
        // Large contents are not kept: what is tested is that they end.
        let kept = member.content.map(|bytes| bytes[..bytes.len().min(1 << 16)].to_vec());
        seen.members.push((path.clone(), kept));
        if let Ok(content) = member.content {
            go(content, &path, budget, seen);
        }
    };
    if let Err(trouble) = archive::unpack(bytes, budget, &mut each) {
        seen.troubles.push(trouble);
    }
}
