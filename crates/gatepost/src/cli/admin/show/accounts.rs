//! Accounts and what belongs to them, for people.

use super::ends;
use crate::output;
use ::admin::{AccountView, AppPasswordView};
use mail::Timestamp;

pub(super) const HEAD: &[&str] =
    &["Account", "State", "Role", "Quota", "Sends also as", "App passwords"];

pub(super) fn row(account: &AccountView) -> Vec<String> {
    vec![
        account.address.to_string(),
        if account.disabled { "disabled" } else { "active" }.to_owned(),
        if account.admin { "administrator" } else { "" }.to_owned(),
        account.quota.map(|quota| quota.to_string()).unwrap_or_default(),
        account.grants.join("\n"),
        account.app_passwords.to_string(),
    ]
}

pub(super) fn one(account: &AccountView, app_passwords: &[AppPasswordView]) -> String {
    let table = output::table(HEAD, &[row(account)]);
    match app_passwords {
        [] => table,
        rows => format!("{table}\n{}", self::app_passwords(rows)),
    }
}

pub(super) fn app_passwords(rows: &[AppPasswordView]) -> String {
    if rows.is_empty() {
        return "There are no app passwords.".to_owned();
    }
    let head = &["Name", "For", "From", "Made", "Ends", "Last used", "There"];
    output::table(head, &rows.iter().map(app_password).collect::<Vec<_>>())
}

fn app_password(app: &AppPasswordView) -> Vec<String> {
    let protocols: Vec<_> = app.protocols.iter().map(|protocol| protocol.word()).collect();
    vec![
        app.name.clone(),
        protocols.join("\n"),
        if app.networks.is_empty() { "anywhere".to_owned() } else { app.networks.join("\n") },
        app.created.rfc3339(),
        ends(app.expires, app.ended),
        app.last.map(Timestamp::rfc3339).unwrap_or_else(|| "never".to_owned()),
        app.place.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::{app_passwords, one};
    use ::admin::{AccountView, AppPasswordView};
    use mail::{Address, Protocol, Timestamp};

    fn phone() -> AppPasswordView {
        AppPasswordView {
            id: 1,
            name: "phone".to_owned(),
            protocols: vec![Protocol::Submission, Protocol::Pop3],
            networks: Vec::new(),
            created: Timestamp(1_795_545_915_042),
            expires: Some(Timestamp(1_795_545_915_042)),
            ended: true,
            last: None,
            place: String::new(),
        }
    }

    #[test]
    fn an_account_is_shown_with_all_that_opens_it() {
        let Ok(address) = Address::parse("anna@example.org") else { return };
        let account = AccountView {
            address,
            disabled: true,
            admin: false,
            quota: None,
            grants: vec!["info@example.org".to_owned(), "@example.net".to_owned()],
            app_passwords: 2,
        };
        let place = "192.0.2.1/32".to_owned();
        let networks = vec!["192.0.2.0/24".to_owned()];
        let last = Some(Timestamp(1_795_545_900_000));
        let scanner = AppPasswordView { networks, last, place, expires: None, ..phone() };
        let shown = one(&account, &[phone(), scanner]);
        for words in [
            "anna@example.org",
            "disabled",
            "@example.net",
            "submission",
            "anywhere",
            "2026-11-24T18:45:15.042Z",
            "(ended)",
            "never",
            "192.0.2.0/24",
            "2026-11-24T18:45:00.000Z",
            "192.0.2.1/32",
        ] {
            assert!(shown.contains(words), "{words} is not in:\n{shown}");
        }
        assert_eq!(app_passwords(&[]), "There are no app passwords.");
    }
}
