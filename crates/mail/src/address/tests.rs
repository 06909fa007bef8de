use super::{Address, ForwardPath, ReversePath};

fn check(input: &str, expected: &str) {
    let shown = match Address::parse(input) {
        Ok(address) => address.to_string(),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(shown, expected, "for {input:?}");
}

#[test]
fn mailboxes() {
    check("Anna.Smith@Example.ORG", "Anna.Smith@example.org");
    check("\"a b\"@example.org", "\"a b\"@example.org");
    check("\"ab\"@example.org", "ab@example.org");
    check("a@[192.0.2.1]", "a@[192.0.2.1]");
    check("a@[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]");
    check("jürgen@bücher.example", "jürgen@xn--bcher-kva.example");
    check(
        "a..b@example.org",
        "error: the local part has a character that needs quotes, or a stray dot (at byte 2)",
    );
    check("nobody", "error: there is no @ (at byte 6)");
}

#[test]
fn paths() {
    assert_eq!(ReversePath::parse("<>"), Ok(ReversePath::Null));
    assert_eq!(ForwardPath::parse("<PostMaster>"), Ok(ForwardPath::Postmaster));
    let routed = ForwardPath::parse("<@a.example,@b.example:c@d.example>");
    assert!(
        matches!(routed, Ok(ForwardPath::Address { source_route, .. }) if source_route.len() == 2)
    );
}
