#![expect(clippy::unwrap_used, reason = "tests")]

use super::AddressList;
use crate::Address;
use proptest::prelude::*;

/// `input` is read as `name <address>, ...`, with `!` before what is no address, `group:` before
/// members, and `ODD` at the end of what programs could read differently.
fn check(input: &str, expected: &str) {
    let list = AddressList::parse(input.as_bytes());
    let mut shown: Vec<String> = Vec::new();
    for (mailbox, view) in list.mailboxes.iter().zip(list.view()) {
        let group = mailbox.group.as_ref().map(|g| format!("{g}: ")).unwrap_or_default();
        let mark = if view.valid { "" } else { "!" };
        let name = view.name.map(|name| format!("{name} ")).unwrap_or_default();
        shown.push(format!("{group}{name}<{mark}{}>", view.address));
    }
    shown.extend(list.odd.then(|| "ODD".to_owned()));
    assert_eq!(shown.join(", "), expected, "for {input:?}");
}

#[test]
fn mailboxes() {
    check("a@b.example", "<a@b.example>");
    check("<a@b.example>", "<a@b.example>");
    check("Anna Smith <a@b.example>", "Anna Smith <a@b.example>");
    check("\"Smith, Anna\" <a@b.example>, c@d.example", "Smith, Anna <a@b.example>, <c@d.example>");
    check("=?utf-8?q?J=C3=BCrgen?= <j@b.example>", "Jürgen <j@b.example>");
    check("\"=?utf-8?q?J=C3=BCrgen?=\" <j@b.example>", "Jürgen <j@b.example>");
    check("J. R. Smith <j@b.example>", "J. R. Smith <j@b.example>");
    check("\"a b\"@c.example", "<\"a b\"@c.example>");
    check("a@[192.0.2.1]", "<a@[192.0.2.1]>");
    check("jürgen@bücher.example", "<jürgen@xn--bcher-kva.example>");
    check("", "");
    check(" , ,a@b.example,", "<a@b.example>");
}

#[test]
fn comments_and_folding() {
    check("a@b.example (Anna (the) Smith)", "Anna (the) Smith <a@b.example>");
    check("a(x)@(y)b.example(z)", "z <a@b.example>");
    check("Anna (x) <a@b.example> (y)", "Anna <a@b.example>");
    check("(a@evil.example) b@c.example", "a@evil.example <b@c.example>");
    check("a\t@ b.example", "<a@b.example>");
}

#[test]
fn groups() {
    check("undisclosed-recipients:;", "");
    check(
        "The team: a@b.example, C <c@d.example>;, e@f.example",
        "The team: <a@b.example>, The team: C <c@d.example>, <e@f.example>",
    );
    check("open: a@b.example", "open: <a@b.example>, ODD");
    check("a@b.example; c@d.example", "<a@b.example>, <c@d.example>, ODD");
}

#[test]
fn obsolete_forms() {
    check("a . b @ c . example", "<a.b@c.example>");
    check("\"a\".b@c.example", "<a.b@c.example>");
    check("<@x.example,@y.example:a@b.example>", "<a@b.example>");
    check("Anna <@x.example:a@b.example>", "Anna <a@b.example>");
}

#[test]
fn malformed() {
    check("Anna", "<!Anna>, ODD");
    check("<>", "<!>, ODD");
    check("<a@b.example", "<a@b.example>, ODD");
    check("a@b.example <c@d.example>", "<a@b.example>, a@b.example <c@d.example>, ODD");
    check("\"a@b.example\" <c@d.example>", "a@b.example <c@d.example>");
    check("<a@b.example> <c@d.example>", "<a@b.example>, <c@d.example>, ODD");
    check("<a@b.example> x", "<a@b.example>, <!x>, ODD");
    check("Anna a@b.example", "<a@b.example>, ODD");
    check("a@b.example c@d.example", "<a@b.example>, <c@d.example>, ODD");
    check("a@b@c.example", "<a@b>, <b@c.example>, ODD");
    check("\"open a@b.example", "<a@b.example>, ODD");
    check("(open a@b.example", "<a@b.example>, ODD");
    check("a..b@c.example", "<!a..b@c.example>, ODD");
    check("a@b.example)", "<a@b.example>, ODD");
}

#[test]
fn hostile_fields_take_linear_time() {
    for unit in ["\"", "(", "[", "<", "@a", "\"\\\"", "a@b.example,", ":", "a.", "=?"] {
        let field = unit.repeat(256 * 1024 / unit.len());
        let field = format!("{}@{field}", "x ".repeat(64 * 1024));
        assert!(AddressList::parse(field.as_bytes()).mailboxes.len() <= super::MAILBOXES_MAX);
    }
}

proptest! {
    #[test]
    fn anything_can_be_read(input in "[a-z<>@,;:.()\\[\\]\"\\\\ =?\u{fc}\0]{0,60}") {
        AddressList::parse(input.as_bytes());
    }

    #[test]
    fn what_is_written_is_read_back(
        name in "[A-Za-z ,.@<>]{0,20}",
        local in "[A-Za-z0-9 .@\"\\\\]{1,20}",
    ) {
        let domain = crate::Domain::parse("b.example").unwrap();
        let address = Address::at(&local, &domain).unwrap();
        let list = AddressList::parse(format!("\"{name}\" <{address}>, {address}").as_bytes());
        prop_assert!(!list.odd);
        prop_assert_eq!(list.into_addresses().collect::<Vec<_>>(), [address.clone(), address]);
    }
}
