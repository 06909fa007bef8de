use super::*;

fn check(line: &str, expected: &str) {
    let shown = match parse(line.as_bytes()) {
        Ok(Command::Helo { name, esmtp }) => format!("helo {name} {esmtp}"),
        Ok(Command::Mail(Mail { path, size, body, smtputf8, auth })) => {
            format!("mail {path} {size:?} {body:?} {smtputf8} {auth}")
        }
        Ok(Command::Rcpt { path, ascii }) => format!("rcpt {path} {ascii}"),
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
    check("MAIL FROM:<a@b.example> RET=FULL", "UnknownParameter");
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
    check("RCPT TO:<a@b.example> NOTIFY=NEVER", "UnknownParameter");
    check("RCPT TO:a@b.example", "RecipientPath");
    check("RCPT TO:<a@b.example", "RecipientPath");
    check("RCPT TO:<\"a\\\">@b.example>", "RecipientPath");
}

#[test]
fn limits() {
    assert_eq!(line_limit(b"NOOP"), 512);
    assert_eq!(line_limit(b"mail FROM:"), 1_065);
    assert_eq!(line_limit(b"Auth PLAIN"), 12_288);
    assert_eq!(line_limit(b"AUTHX"), 512);
    assert!(is_secret(b"auth plain x") && !is_secret(b"NOOP auth"));
}
