use super::*;

fn check(line: &str, expected: &str) {
    let shown = match parse(line.as_bytes()) {
        Ok(Command::Helo { name, greeting }) => {
            format!("helo {name} {}", greeting != Greeting::Helo)
        }
        Ok(Command::Mail(Mail { path, size, body, smtputf8, auth, require_tls, .. })) => {
            let demand = if require_tls { " tls" } else { "" };
            format!("mail {path} {size:?} {body:?} {smtputf8} {auth}{demand}")
        }
        Ok(Command::Rcpt { path, ascii, .. }) => format!("rcpt {path} {ascii}"),
        Ok(Command::Auth(argument)) => format!("auth {}", argument.expose()),
        Ok(other) => format!("{other:?}"),
        Err(Fault::SenderSyntax(error) | Fault::RecipientSyntax(error)) => {
            format!("address: {error}")
        }
        Err(fault) => format!("{fault:?}"),
    };
    assert_eq!(shown, expected, "for {line:?}");
}

#[test]
fn verbs() {
    check("NOOP", "Noop");
    check("nOoP x y", "Noop");
    check("RSET  ", "Rset");
    check("RSET x", "Argument");
    check("DATA\t", "Data");
    check("NOOPX", "Unknown");
    check("", "Unknown");
    check(" QUIT", "Unknown");
    check("vrfy postmaster", "Disabled");
    check("NOOP \u{7f}", "NotText");
    check("NOOP \u{e4}", "Noop");
    check("AUTH", "auth ");
    check("auth  PLAIN  x", "auth PLAIN  x");
}

#[test]
fn names() {
    check("EHLO mail.example.org", "helo mail.example.org true");
    check("HELO localhost", "helo localhost false");
    check("EHLO [IPv6:fe80::1%eth0]", "helo [IPv6:fe80::1%eth0] true");
    check("EHLO b\u{fc}cher.example", "helo b\u{fc}cher.example true");
    check("EHLO", "HeloName");
    check("EHLO a b", "HeloName");
    check("EHLO a]", "HeloName");
    check("EHLO [a]b]", "HeloName");
    check("EHLO \"quoted\"", "HeloName");
}

#[test]
fn senders() {
    check("MAIL FROM:<a@b.example>", "mail a@b.example None SevenBit false false");
    check("mail from:<> size=10", "mail <> Some(10) SevenBit false false");
    check("MAIL FROM:  <a@b.example>", "mail a@b.example None SevenBit false false");
    check(
        "MAIL FROM:<a@b.example> BODY=8bitMIME  AUTH=<> SMTPUTF8",
        "mail a@b.example None EightBitMime true true",
    );
    check(
        "MAIL FROM:<\"x>y\"@b.example> SIZE=1",
        "mail \"x>y\"@b.example Some(1) SevenBit false false",
    );
    check(
        "MAIL FROM:<a@b.example> SIZE=99999999999999999999",
        "mail a@b.example Some(18446744073709551615) SevenBit false false",
    );
    check("MAIL FROM:<a@b.example> SIZE=1 size=1", "BadParameter");
    check("MAIL FROM:<a@b.example> AUTH=", "BadParameter");
    check("MAIL FROM:<a@b.example> requiretls", "mail a@b.example None SevenBit false false tls");
    check("MAIL FROM:<a@b.example> REQUIRETLS=", "BadParameter");
    check("MAIL FROM:<a@b.example> REQUIRETLS RequireTLS", "BadParameter");
    check("MAIL FROM:<a@b.example> DELIVERBY=1", "UnknownParameter");
    check("MAIL FROM:<a@b.example>x", "SenderPath");
    check("MAIL FROM <a@b.example>", "SenderPath");
    check("MAIL FR\u{e4}M:<a@b.example>", "SenderPath");
    check("MAIL", "SenderPath");
    check("MAIL FROM:<\u{e4}@b.example>", "NeedsSmtputf8");
    check(
        "MAIL FROM:<\u{e4}@b.example> SMTPUTF8",
        "mail \u{e4}@b.example None SevenBit true false",
    );
    check("MAIL FROM:<b.example>", "address: there is no @ (at byte 10)");
}

#[test]
fn recipients() {
    check("RCPT TO:<a@b.example>", "rcpt a@b.example true");
    check("RCPT TO:<POSTMASTER>", "rcpt Postmaster true");
    check("RCPT TO:<@x.example:a@b.example>", "rcpt a@b.example true");
    check("RCPT TO:<\u{e4}@b.example>", "rcpt \u{e4}@b.example false");
    check("RCPT TO:<a@b.example> RRVS=x", "UnknownParameter");
    check("RCPT TO:a@b.example", "RecipientPath");
    check("RCPT TO:<a@b.example", "RecipientPath");
    check("RCPT TO:<\"a\\\">@b.example>", "RecipientPath");
}

/// What MAIL or RCPT says of reports, as it would be handed on.
fn reports(line: &str) -> String {
    match parse(line.as_bytes()) {
        Ok(Command::Mail(Mail { dsn: EnvelopeDsn { ret, id }, .. })) => {
            let id = id.as_ref().map_or("-", |id| id.as_str());
            format!("{} {id}", ret.map_or("-", Return::word))
        }
        Ok(Command::Rcpt { dsn: RecipientDsn { notify, original }, .. }) => {
            let original = original.as_ref().map_or("-", |original| original.as_str());
            format!("{} {original}", notify.map_or("-".to_owned(), |notify| notify.to_string()))
        }
        Ok(other) => format!("{other:?}"),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn what_mail_says_of_reports() {
    let check = |parameters: &str, expected: &str| {
        assert_eq!(reports(&format!("MAIL FROM:<a@b.example> {parameters}")), expected);
    };
    check("", "- -");
    check("ret=full envid=QQ+2B1", "FULL QQ+2B1");
    check("RET=HDRS", "HDRS -");
    check(&format!("ENVID={}", "x".repeat(100)), &format!("- {}", "x".repeat(100)));
    let long = format!("ENVID={}", "x".repeat(101));
    let bad = ["RET=ALL", "RET", "RET=", "RET=FULL RET=FULL", "ENVID=", "ENVID", &long];
    let escapes = ["ENVID=a=b", "ENVID=a+2", "ENVID=a+2b", "ENVID=a+0D+0AX:+20y", "ENVID=+7F"];
    for bad in bad.into_iter().chain(escapes) {
        check(bad, "BadParameter");
    }
    check("NOTIFY=NEVER", "UnknownParameter");
}

#[test]
fn what_rcpt_says_of_reports() {
    let check = |parameters: &str, expected: &str| {
        assert_eq!(reports(&format!("RCPT TO:<a@b.example> {parameters}")), expected);
    };
    check("", "- -");
    check("notify=never", "NEVER -");
    check("NOTIFY=DELAY,success", "SUCCESS,DELAY -");
    check("NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@c.example", "FAILURE rfc822;a+2Bb@c.example");
    check("ORCPT=X-400;/S=x", "BadParameter");
    check("ORCPT=utf-8;\u{e4}@b.example", "- utf-8;\\x{E4}@b.example");
    let most = format!("rfc822;{}", "x".repeat(493));
    check(&format!("ORCPT={most}"), &format!("- {most}"));
    let long = format!("ORCPT=rfc822;{}", "x".repeat(494));
    let notify = ["", "=", "=NEVER,DELAY", "=DELAY,", "=DELAY,DELAY", "=ALL", "=,"];
    let notify = notify.map(|value| format!("NOTIFY{value}"));
    let original = ["", "=", "=rfc822", "=rfc822;", "=;x", "=rfc822;a+0A", "=a b;x", "=x;\u{e4}"];
    let original = original.map(|value| format!("ORCPT{value}"));
    for bad in notify.iter().chain(&original).chain([&long]) {
        check(bad, "BadParameter");
    }
    check("RET=FULL", "UnknownParameter");
}

#[test]
fn limits() {
    assert_eq!(line_limit(b"NOOP"), 512);
    assert_eq!(line_limit(b"mail FROM:"), 1_192);
    assert_eq!(line_limit(b"rcpt to:"), 1_048);
    assert_eq!(line_limit(b"Auth PLAIN"), 12_288);
    assert_eq!(line_limit(b"AUTHX"), 512);
    assert!(is_secret(b"auth plain x") && !is_secret(b"NOOP auth"));
}
