//! The manual's page about the settings, made from the table of the settings itself.

use crate::Settings;
use crate::table::{KeyDoc, SectionDoc};
use std::fmt::Write;

const HEAD: &str = "\
# Settings

<!-- Made from crates/config/src/settings.rs: change it there, then run
     UPDATE=1 cargo test -p config -->

`gatepost.toml` is a [TOML](https://toml.io) file; its usual place is `/etc/gatepost/gatepost.toml`.
Only `server.hostname` is required: a file with nothing else is a valid, hardened server.

```toml
[server]
hostname = \"mail.example.org\"
```

- An unknown key, a value of the wrong type or out of its range is an error, told with file, line,
  column and the nearest valid key. `gatepost config check` reads the settings and every map file
  that they name.
- Units stand last in the names: `idle_timeout_secs`, `disk_free_min_bytes`. Sizes without a unit
  are bytes.
- Relative paths start from the folder of the settings file.
- `gatepost reload` (or SIGHUP) takes a changed file, or refuses all of it and keeps what is in
  force. Doors, the data folder, the database and the user change only with a restart.
- Domains, accounts and everything else that changes from day to day live in the store; see
  [operations](operations.md).
";

/// The page `docs/settings.md`.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for section in Settings::describe() {
        write_section(&mut page, &section);
    }
    page
}

fn write_section(page: &mut String, section: &SectionDoc) {
    let SectionDoc { name, doc, keys } = section;
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## `[{name}]`\n\n{}\n", paragraph(doc));
    for key in keys {
        let _ = write!(page, "\n### `{name}.{}`\n\n", key.name);
        let _ = writeln!(page, "{}\n\n{}", facts(key), paragraph(key.doc));
    }
}

/// `number, 1 to 90, default 14`.
fn facts(key: &KeyDoc) -> String {
    let mut facts = key.kind.clone();
    if let Some((low, high)) = key.range {
        let _ = write!(facts, ", {low} to {high}");
    }
    match (key.required, key.default.as_str()) {
        (true, _) => facts.push_str(", **required**"),
        (false, "") => facts.push_str(", default: none"),
        (false, default) => {
            let _ = write!(facts, ", default: `{default}`");
        }
    }
    facts
}

/// A doc comment as one paragraph: its lines without the space that the comment has.
fn paragraph(doc: &str) -> String {
    doc.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    #[test]
    fn the_manual_says_what_the_code_does() {
        let path = tests::root().join("docs/settings.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, super::reference()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(page == super::reference(), "docs/settings.md is old: run with UPDATE=1");
    }

    #[test]
    fn every_setting_is_documented() {
        for section in crate::Settings::describe() {
            for key in section.keys {
                assert!(key.doc.trim().ends_with('.'), "{}.{}", section.name, key.name);
            }
        }
    }
}
