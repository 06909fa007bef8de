//! The table of dangerous types, by the ending of a name and by the media type that is declared.
//!
//! The table is the documentation too: [`page`] makes `docs/attachment-types.md` of it. What a file
//! truly is, [`magic`](crate::magic) tells; a name counts all the same, because it is by the name
//! that a desktop chooses the program.

mod media;
mod others;
mod programs;
mod scripts;

use crate::Class;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// A dangerous ending: its letters in lower case without the dot, its class, and why.
#[derive(Debug, Clone, Copy)]
pub struct Ending(pub &'static str, pub Class, pub &'static str);

/// A dangerous media type in lower case, its class, and why.
#[derive(Debug, Clone, Copy)]
pub struct MediaType(pub &'static str, pub Class, pub &'static str);

static BY_ENDING: LazyLock<HashMap<&'static str, &'static Ending>> =
    LazyLock::new(|| endings().map(|ending| (ending.0, ending)).collect());

/// Every dangerous ending, in the order of the manual.
pub fn endings() -> impl Iterator<Item = &'static Ending> {
    programs::ENDINGS.iter().chain(scripts::ENDINGS).chain(others::ENDINGS)
}

/// Every dangerous media type, in the order of the manual.
pub fn media_types() -> impl Iterator<Item = &'static MediaType> {
    media::TYPES.iter()
}

/// The dangerous ending with these letters (lower case, without the dot).
pub fn of_ending(letters: &str) -> Option<&'static Ending> {
    BY_ENDING.get(letters).copied()
}

/// The dangerous media type that a declaration names, whatever its case and parameters.
pub fn of_media_type(declared: &str) -> Option<&'static MediaType> {
    let bare = declared.split([';', ',']).next().unwrap_or_default().trim();
    media::TYPES.iter().find(|known| known.0.eq_ignore_ascii_case(bare))
}

const HEAD: &str = "\
# Dangerous types

<!-- Made from crates/content/src/types: change it there, then run
     UPDATE=1 cargo test -p content -->

What a part of a message is taken for, by every name it has (those of members of archives too, and
whatever a name is disguised with), by its declared media type, and by its content. The class is
what the policy table of attachments goes by. What a file is by its content counts always: a program
is one under any name and without one.

## Classes

| Class | Means |
|---|---|
";

/// The manual's page, `docs/attachment-types.md`.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    // Writing to a String cannot fail.
    for class in Class::ALL {
        let _ = writeln!(page, "| `{class}` | {} |", class.meaning());
    }
    page.push_str("\n## By the ending of a name\n\n| Ending | Class | Why |\n|---|---|---|\n");
    for Ending(letters, class, why) in endings() {
        let _ = writeln!(page, "| `.{letters}` | `{class}` | {why} |");
    }
    page.push_str("\n## By the declared media type\n\n| Type | Class | Why |\n|---|---|---|\n");
    for MediaType(name, class, why) in media_types() {
        let _ = writeln!(page, "| `{name}` | `{class}` | {why} |");
    }
    page
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{endings, media_types, of_ending, of_media_type, page};
    use crate::Class;
    use std::collections::HashSet;

    #[test]
    fn the_manual_says_what_the_code_does() {
        let path = tests::root().join("docs/attachment-types.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(found == page(), "docs/attachment-types.md is old: run with UPDATE=1");
    }

    #[test]
    fn each_ending_stands_once_with_its_reason() {
        let mut seen = HashSet::new();
        for ending in endings() {
            let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            assert!(ending.0.chars().all(proper), "{}", ending.0);
            assert!(seen.insert(ending.0), "{} stands twice", ending.0);
            assert!(ending.2.ends_with('.') && ending.2.len() > 10, "{}", ending.0);
        }
        assert!(seen.len() > 250, "{}", seen.len());
    }

    #[test]
    fn each_media_type_stands_once_with_its_reason() {
        let mut seen = HashSet::new();
        for kind in media_types() {
            assert_eq!(kind.0, kind.0.to_ascii_lowercase());
            assert!(kind.0.split_once('/').is_some(), "{}", kind.0);
            assert!(seen.insert(kind.0), "{} stands twice", kind.0);
            assert!(kind.2.ends_with('.'), "{}", kind.0);
        }
    }

    #[test]
    fn what_is_looked_up_is_found() {
        assert_eq!(of_ending("exe").map(|e| e.1), Some(Class::Program));
        assert_eq!(of_ending("library-ms").map(|e| e.1), Some(Class::Shortcut));
        let declared = of_media_type("Application/X-MSDownload; name=a");
        assert_eq!(declared.map(|t| t.1), Some(Class::Program));
        for harmless in ["pdf", "txt", "docx", "jpg", "zip", "ics", "html", "eml", "p7s", "csv"] {
            assert!(of_ending(harmless).is_none(), "{harmless}");
        }
        for harmless in ["application/octet-stream", "text/html", "application/pdf", "", "image/"] {
            assert!(of_media_type(harmless).is_none(), "{harmless}");
        }
    }
}
