//! What users of this machine may do: `[[local.users]]`.

use crate::reader::{Reader, Setting, Table, quoted};
use crate::tree::Node;
use mail::{Address, LocalUser};

/// A user of this machine, and what it may do beyond the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalGrant {
    /// Its name, or its number as text.
    pub user: String,
    /// Addresses that it may send as, besides its name at the host's.
    pub addresses: Vec<Address>,
    /// Recipients a day, in place of `send.recipients_per_day_max`.
    pub recipients_per_day: Option<u64>,
    /// First-time recipients a day, in place of `send.first_time_per_day_max`.
    pub first_time_per_day: Option<u64>,
}

impl LocalGrant {
    /// Whether this one is meant.
    pub fn is_for(&self, user: &LocalUser) -> bool {
        self.user == user.name || self.user.parse() == Ok(user.uid)
    }
}

impl Setting for Address {
    fn kind() -> String {
        "mail address".to_owned()
    }
    fn plural() -> String {
        "mail addresses".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a mail address", Address::parse)
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for LocalGrant {
    fn kind() -> String {
        "table with `user` and `addresses`".to_owned()
    }
    fn plural() -> String {
        "tables with `user` (a name or a number), `addresses` (a list), `recipients_per_day` and \
         `first_time_per_day` (in place of what `[send]` says)"
            .to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        const KEYS: &[&str] = &["user", "addresses", "recipients_per_day", "first_time_per_day"];
        let table = Table::open(node, KEYS, reader);
        let user: String = table.required("user", reader)?;
        if user.is_empty() {
            reader.say(node, "`user` is empty: it is a name or a number of this machine");
            return None;
        }
        Some(Self {
            user,
            addresses: table.value("addresses", None, Vec::new(), reader),
            recipients_per_day: table.value("recipients_per_day", None, None, reader),
            first_time_per_day: table.value("first_time_per_day", None, None, reader),
        })
    }
    fn show(&self) -> String {
        format!("{{ user = {}, addresses = {} }}", quoted(&self.user), self.addresses.show())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use crate::Settings;
    use mail::{Address, LocalUser};
    use std::path::Path;

    fn settings(users: &str) -> Result<Settings, String> {
        let text = format!("[server]\nhostname = \"mx.example.org\"\n{users}");
        Settings::from_str(&text, Path::new("x.toml")).map_err(|problems| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn users_are_meant_by_name_or_number() {
        let text = "[[local.users]]\nuser = \"www-data\"\naddresses = [\"shop@example.org\"]\n\
                    recipients_per_day = 9\n[[local.users]]\nuser = \"1000\"\n";
        let settings = settings(text).unwrap();
        let user = |uid, name: &str| LocalUser {
            uid,
            name: name.to_owned(),
            address: Address::parse("x@mx.example.org").unwrap(),
        };
        let meant = |user: &LocalUser| -> Vec<&str> {
            let grants = settings.local.users.iter();
            grants.filter(|grant| grant.is_for(user)).map(|grant| grant.user.as_str()).collect()
        };
        let none: Vec<&str> = Vec::new();
        assert_eq!(meant(&user(33, "www-data")), ["www-data"]);
        assert_eq!(meant(&user(1000, "anna")), ["1000"]);
        assert_eq!(meant(&user(100, "ben")), none);
        assert_eq!(settings.local.users.first().unwrap().recipients_per_day, Some(9));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, expected) in [
            ("[[local.users]]\naddresses = []\n", "`user` is missing"),
            ("[[local.users]]\nuser = \"\"\n", "`user` is empty"),
            ("[[local.users]]\nuser = \"a\"\naddresses = [\"nobody\"]\n", "is not a mail address"),
            ("[[local.users]]\nuser = \"a\"\nadresses = []\n", "there is no setting `adresses`"),
        ] {
            let told = settings(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
