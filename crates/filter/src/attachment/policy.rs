//! The policy table of attachments: what is done with a danger, by the administrator's rules and
//! then by the default table. Pure.

use config::attachment::{Action, AttachmentRule, Direction};
use content::Hit;
use content::examination::Looked;
use mail::danger::Class;
use mail::{Address, Envelope};

/// What is done with a kind of danger where no rule of the administrator speaks: for mail of
/// strangers, and for that of our own users, who hear of it in the session.
pub const DEFAULTS: &[(Class, Action, Action)] = &[
    (Class::Program, Action::Remove, Action::Refuse),
    (Class::Script, Action::Remove, Action::Refuse),
    (Class::Shortcut, Action::Remove, Action::Refuse),
    (Class::Installer, Action::Remove, Action::Refuse),
    (Class::DiskImage, Action::Remove, Action::Refuse),
    (Class::SystemFile, Action::Remove, Action::Refuse),
    (Class::ActivePage, Action::Remove, Action::Refuse),
    (Class::Macro, Action::Remove, Action::Refuse),
    (Class::EmbeddedObject, Action::Remove, Action::Refuse),
    (Class::ActivePdf, Action::Remove, Action::Refuse),
    (Class::DisguisedName, Action::Remove, Action::Refuse),
    (Class::Encrypted, Action::Quarantine, Action::Allow),
    (Class::Unreadable, Action::Quarantine, Action::Refuse),
    (Class::TooComplex, Action::Quarantine, Action::Refuse),
    (Class::Fragment, Action::Quarantine, Action::Refuse),
    (Class::External, Action::Remove, Action::Refuse),
    (Class::Listed, Action::Quarantine, Action::Refuse),
    (Class::Virus, Action::Quarantine, Action::Refuse),
];

/// What is done, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What is done.
    pub action: Action,
    /// The rule, as trace and texts name it: `attachment rule 1`, `attachment program`.
    pub rule: String,
}

/// What is done with one thing: with a hit, or (`None`) with the thing as it is called.
///
/// A message has one form. Where the rules of its recipients differ, the strictest counts for all.
pub(crate) fn ruling(
    rules: &[AttachmentRule],
    envelope: &Envelope,
    looked: &Looked,
    hit: Option<&Hit>,
) -> Option<Ruling> {
    let recipients = envelope.recipients.iter().map(|recipient| &recipient.address);
    let each = recipients.map(|recipient| for_one(rules, envelope, recipient, looked, hit));
    each.flatten().reduce(|a, b| if b.action > a.action { b } else { a })
}

fn for_one(
    rules: &[AttachmentRule],
    envelope: &Envelope,
    recipient: &Address,
    looked: &Looked,
    hit: Option<&Hit>,
) -> Option<Ruling> {
    let direction = direction(envelope);
    let fits = |rule: &&AttachmentRule| {
        let sender = envelope.sender.address();
        (rule.classes.is_empty() || hit.is_some_and(|hit| rule.classes.contains(&hit.class)))
            && rule.direction.is_none_or(|wanted| wanted == direction)
            && (rule.senders.is_empty()
                || sender.is_some_and(|sender| rule.senders.iter().any(|p| p.covers(sender))))
            && (rule.recipients.is_empty() || rule.recipients.iter().any(|p| p.covers(recipient)))
            && is_called(rule, looked, hit)
    };
    if let Some(rule) = rules.iter().find(fits) {
        return Some(Ruling { action: rule.action, rule: format!("attachment {}", rule.name) });
    }
    let class = hit?.class;
    let (_, from_outside, from_us) = DEFAULTS.iter().find(|(known, ..)| *known == class)?;
    let action = if direction == Direction::In { from_outside } else { from_us };
    Some(Ruling { action: *action, rule: format!("attachment {class}") })
}

/// Which way a message goes.
pub(crate) fn direction(envelope: &Envelope) -> Direction {
    if envelope.from_outside { Direction::In } else { Direction::Out }
}

/// Whether the names and types that a rule asks for are there: of the part, or of what in it was
/// hit.
fn is_called(rule: &AttachmentRule, looked: &Looked, hit: Option<&Hit>) -> bool {
    let inner = hit.iter().flat_map(|hit| &hit.path);
    let mut names = looked.names.iter().chain(inner);
    let named = rule.files.is_empty()
        || names.any(|name| rule.files.iter().any(|pattern| is_like(pattern, name)));
    let typed = rule.types.is_empty()
        || looked.types.iter().any(|name| rule.types.iter().any(|pattern| is_like(pattern, name)));
    named && typed
}

/// Whether a text is as a pattern with `*` and `?` has it, without case.
fn is_like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far it has eaten: one step back is enough.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{DEFAULTS, is_like};
    use mail::danger::Class;

    #[test]
    fn every_class_has_its_default_once() {
        for class in Class::ALL {
            let count = DEFAULTS.iter().filter(|(known, ..)| known == class).count();
            assert_eq!(count, 1, "{class}");
        }
    }

    #[test]
    fn patterns_are_compared_as_people_expect() {
        for (pattern, text, expected) in [
            ("*.exe", "Setup.EXE", true),
            ("*.exe", "setup.exe.txt", false),
            ("setup.*", "setup.", true),
            ("?.txt", "a.txt", true),
            ("?.txt", "ab.txt", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("**", "", true),
            ("", "", true),
            ("", "a", false),
            ("Ä*", "äb", true),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
        let long = "a".repeat(10_000);
        assert!(!is_like(&"*a".repeat(100).replace("aa", "a"), &(long + "b")));
    }
}
