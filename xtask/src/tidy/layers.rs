//! Dependencies run strictly downward: the table of rooms, against every `Cargo.toml`.

use super::Complaint;
use super::source::Tree;

/// A room: its layer, and the only rooms it may use where that is less than all below it.
struct Room {
    name: &'static str,
    layer: u8,
    only: Option<&'static [&'static str]>,
}

const fn room(name: &'static str, layer: u8) -> Room {
    Room { name, layer, only: None }
}

/// Rooms of one layer never use one another: the services meet in the store, `policy` and `filter`
/// in an envelope.
const ROOMS: &[Room] = &[
    room("gatepost", 60),
    Room {
        name: "web",
        layer: 50,
        only: Some(&[
            "admin", "policy", "filter", "store", "smtp", "spam", "content", "config", "net",
            "mail",
        ]),
    },
    room("inbound", 40),
    room("queue", 40),
    room("imap", 40),
    room("pop3", 40),
    room("admin", 40),
    room("policy", 30),
    room("filter", 30),
    // Only the binary names an engine.
    Room { name: "store-cluster", layer: 25, only: Some(&["store", "net", "mail"]) },
    Room { name: "store", layer: 20, only: Some(&["net", "mail"]) },
    room("smtp", 10),
    room("spam", 10),
    room("content", 10),
    room("milter", 10),
    room("config", 10),
    room("net", 10),
    Room { name: "sandbox", layer: 10, only: Some(&[]) },
    room("mail", 0),
];

/// Crates that one room alone may use.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("toml", &["config", "xtask"], "only `config` knows the format of the settings"),
    ("rusqlite", &["store"], "only `store` speaks to SQLite"),
    ("tokio-postgres", &["store-cluster"], "only `store-cluster` speaks to PostgreSQL"),
    ("store-cluster", &["gatepost", "tests"], "only the binary names an engine"),
];

/// Checks every `Cargo.toml` of the tree.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for source in tree.sources.iter().filter(|s| s.path.ends_with("/Cargo.toml")) {
        let name = source.path.trim_end_matches("/Cargo.toml");
        if name.starts_with("fuzz") {
            continue;
        }
        let name = name.trim_start_matches("crates/");
        complaints.extend(check_one(&source.path, name, &source.text));
    }
    complaints
}

fn check_one(path: &str, name: &str, text: &str) -> Vec<Complaint> {
    let complaint = |text: String| Complaint::new(path, 0, "layers", text);
    let mut complaints = Vec::new();
    let dependencies = match dependencies(text) {
        Ok(dependencies) => dependencies,
        Err(error) => return vec![complaint(error)],
    };
    let room = ROOMS.iter().find(|room| room.name == name);
    if room.is_none() && path.starts_with("crates/") {
        complaints.push(complaint(format!("the room `{name}` is not in the table of layers")));
    }
    for dependency in &dependencies {
        if let Some((_, who, why)) = RESERVED.iter().find(|(what, ..)| what == dependency)
            && !who.contains(&name)
        {
            complaints.push(complaint(format!("`{name}` uses `{dependency}`: {why}")));
        }
        let (Some(room), Some(used)) = (room, ROOMS.iter().find(|r| r.name == *dependency)) else {
            continue;
        };
        let allowed = room.only.is_none_or(|only| only.contains(&used.name));
        if used.layer >= room.layer || !allowed {
            complaints
                .push(complaint(format!("`{name}` may not use `{dependency}` (ARCHITECTURE.md)")));
        }
    }
    complaints
}

/// The names of everything it depends on, for the product and for its tests.
fn dependencies(text: &str) -> Result<Vec<String>, String> {
    let manifest: toml::Table = text.parse().map_err(|e| format!("not readable: {e}"))?;
    let mut names = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if let Some(toml::Value::Table(table)) = manifest.get(section) {
            names.extend(table.keys().cloned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::check_one;

    fn check(name: &str, dependencies: &[&str], complaints: usize) {
        let list: Vec<String> =
            dependencies.iter().map(|name| format!("{name}.workspace = true")).collect();
        let text = format!("[dependencies]\n{}\n", list.join("\n"));
        let found = check_one(&format!("crates/{name}/Cargo.toml"), name, &text);
        assert_eq!(found.len(), complaints, "{name} {dependencies:?}: {found:?}");
    }

    #[test]
    fn only_what_lies_below_may_be_used() {
        check("inbound", &["policy", "filter", "store", "smtp", "mail", "tokio"], 0);
        check("gatepost", &["inbound", "pop3", "admin", "store-cluster"], 0);
        check("store", &["net", "mail"], 0);
        check("store", &["config"], 1);
        check("store", &["policy"], 1);
        check("mail", &["net"], 1);
        check("smtp", &["net"], 1);
        check("store-cluster", &["store", "net", "mail", "tokio-postgres"], 0);
        check("store-cluster", &["config"], 1);
    }

    #[test]
    fn rooms_of_a_layer_do_not_use_one_another() {
        check("inbound", &["pop3"], 1);
        check("filter", &["policy"], 1);
        check("policy", &["filter", "gatepost"], 2);
    }

    #[test]
    fn what_is_reserved_and_what_is_unknown_is_seen() {
        check("policy", &["toml"], 1);
        check("config", &["toml"], 0);
        check("admin", &["rusqlite", "store-cluster"], 2);
        check("utils", &[], 1);
        assert_eq!(check_one("crates/mail/Cargo.toml", "mail", "[dependencies").len(), 1);
    }

    #[test]
    fn dependencies_of_tests_count_too() {
        let text = "[dev-dependencies]\npolicy.workspace = true\n";
        assert_eq!(check_one("crates/filter/Cargo.toml", "filter", text).len(), 1);
    }
}
