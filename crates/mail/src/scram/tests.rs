#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::message::{ClientFinal, ClientFirst, Flag};
use super::{Ask, Bindings, Exchange, Fault, NONCE_MAX, Salt, Told};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// RFC 7677 §3.
const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
    p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

fn salt() -> Salt {
    Salt {
        salt: STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(),
        iterations: 4_096,
        nonce: NONCE.to_owned(),
        bindings: Bindings { exporter: Some([7; 32]), end_point: Some(vec![9; 48]) },
    }
}

/// Says the first message and is given the challenge.
fn begun(plus: bool, first: &str) -> Result<(Exchange, String), Fault> {
    let mut exchange = Exchange::new(plus);
    exchange.message(&STANDARD.encode(first))?;
    let challenge = exchange.told(Told::Salt(salt())).unwrap();
    Ok((exchange, String::from_utf8(STANDARD.decode(challenge).unwrap()).unwrap()))
}

fn last(plus: bool, first: &str, last: &str) -> Result<Ask, Fault> {
    begun(plus, first)?.0.message(&STANDARD.encode(last))
}

#[test]
fn the_example_of_rfc_7677() {
    let mut exchange = Exchange::new(false);
    let asked = exchange.message(&STANDARD.encode(FIRST)).unwrap();
    assert!(matches!(asked, Ask::Salt { user } if user == "user"));
    let challenge = exchange.told(Told::Salt(salt())).unwrap();
    assert_eq!(STANDARD.decode(challenge).unwrap(), SERVER_FIRST.as_bytes());
    let Ask::Proof(attempt) = exchange.message(&STANDARD.encode(FINAL)).unwrap() else {
        panic!("no proof")
    };
    let without_proof = FINAL.split(",p=").next().unwrap();
    let expected = format!("n=user,r=rOprNGfwEbeRWgbNEkqO,{SERVER_FIRST},{without_proof}");
    assert_eq!(attempt.auth_message, expected);
    assert!(!format!("{attempt:?}").contains("116"), "a proof is printed");
    let signature = STANDARD.decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    let signature = Told::Signature(signature.try_into().unwrap());
    let challenge = exchange.told(signature).unwrap();
    let expected = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(STANDARD.decode(challenge).unwrap(), expected);
    assert!(!exchange.is_entering(), "the client has not agreed");
    assert!(matches!(exchange.message(""), Ok(Ask::Enter)));
    assert!(exchange.is_entering());
}

#[test]
fn first_messages() {
    let read = |text: &str| ClientFirst::parse(text).map(|first| (first.flag, first.user));
    let bound = |kind: &str| Flag::Bound(kind.to_owned());
    for (text, flag, user) in [
        (FIRST, Flag::Unable, "user"),
        ("y,,n=a,r=x", Flag::Unoffered, "a"),
        ("p=tls-exporter,,n=a,r=x", bound("tls-exporter"), "a"),
        ("n,a=a,n=a,r=x", Flag::Unable, "a"),
        ("n,a=a=2Cb,n=a=2Cb,r=x", Flag::Unable, "a,b"),
        ("n,,n==3D=2C=3D,r=x", Flag::Unable, "=,="),
        ("n,,n=\u{fc}ber@b\u{fc}cher.example,r=x", Flag::Unable, "\u{fc}ber@b\u{fc}cher.example"),
        ("n,,n=a,r=x,e=extension,z==", Flag::Unable, "a"),
    ] {
        assert_eq!(read(text), Some((flag, user.to_owned())), "{text}");
    }
    let long = format!("n,,n=a,r={}", "x".repeat(NONCE_MAX + 1));
    for text in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=a",
        "n,,n=a,",
        "n,,n=a,r=",
        "n,,r=x,n=a",
        "n,,n=,r=x",
        "q,,n=a,r=x",
        "N,,n=a,r=x",
        "p,,n=a,r=x",
        "p=,,n=a,r=x",
        "p=tls exporter,,n=a,r=x",
        "n=x,,n=a,r=x",
        "y=x,,n=a,r=x",
        "n,a=b,n=a,r=x",
        "n,b=a,n=a,r=x",
        "n,,m=new,n=a,r=x",
        "n,,n=a=,r=x",
        "n,,n=a=2,r=x",
        "n,,n=a=2c,r=x",
        "n,,n=a=41,r=x",
        "n,,n=a=\u{fc},r=x",
        "n,,n=a\nb,r=x",
        "n,,n=a\0b,r=x",
        "n,,n=a,r=x y",
        "n,,n=a,r=\u{fc}",
        "n,,n=a,r=x,",
        "n,,n=a,r=x,mm=1",
        "n,,n=a,r=x,m=1",
        "n,,n=a,r=x,e=",
        "n,,n=a,r=x,e=\0",
        &long,
    ] {
        assert_eq!(ClientFirst::parse(text), None, "{text:?}");
    }
}

#[test]
fn last_messages() {
    let proof = STANDARD.encode([1; 32]);
    let good = format!("c=biws,r=xy,e=1,p={proof}");
    let read = ClientFinal::parse(&good).unwrap();
    assert_eq!((read.binding.as_slice(), read.nonce), (&b"n,,"[..], "xy"));
    assert_eq!((read.without_proof, read.proof.expose()), ("c=biws,r=xy,e=1", &[1; 32]));
    let short = STANDARD.encode([1; 31]);
    for text in [
        String::new(),
        format!("c=biws,r=xy,p={proof},e=1"),
        format!("c=biws,r=xy,p={short}"),
        format!("c=biws,r=xy,p={proof}="),
        format!("c=biws,r=xy,m=1,p={proof}"),
        format!("c=bi*s,r=xy,p={proof}"),
        format!("r=xy,c=biws,p={proof}"),
        format!("c=biws,p={proof}"),
        format!("p={proof}"),
        "c=biws,r=xy".to_owned(),
        "c=biws,r=xy,p=".to_owned(),
    ] {
        assert!(ClientFinal::parse(&text).is_none(), "{text:?}");
    }
}

/// Which bindings hold, and which are told apart from a message that cannot be read.
#[test]
fn an_exchange_is_bound_to_its_connection() {
    let nonce = format!("x{NONCE}");
    let says = |header: &str, data: &[u8]| {
        let binding = STANDARD.encode([header.as_bytes(), data].concat());
        format!("c={binding},r={nonce},p={}", STANDARD.encode([1; 32]))
    };
    let check = |plus: bool, header: &str, message: String, expected: Option<Fault>| {
        let found = last(plus, &format!("{header}n=a,r=x"), &message);
        match expected {
            None => assert!(matches!(&found, Ok(Ask::Proof(found)) if found.plus == plus)),
            Some(fault) => assert_eq!(found.unwrap_err(), fault, "{header} {message}"),
        }
    };
    let (exporter, end_point) = ("p=tls-exporter,,", "p=tls-server-end-point,,");
    check(false, "n,,", says("n,,", b""), None);
    check(true, exporter, says(exporter, &[7; 32]), None);
    check(true, end_point, says(end_point, &[9; 48]), None);
    let other = Some(Fault::Binding("another connection"));
    check(false, "n,,", says("y,,", b""), other);
    check(false, "n,,", says("n,,", b"x"), other);
    check(false, "n,a=a,", says("n,,", b""), other);
    check(true, exporter, says(exporter, &[8; 32]), other);
    check(true, exporter, says(exporter, &[7; 31]), other);
    check(true, exporter, says(exporter, b""), other);
    check(true, exporter, says(end_point, &[9; 48]), other);
    check(true, end_point, says(end_point, &[7; 32]), other);
    let unique = "p=tls-unique,,";
    let missing = Some(Fault::Binding("a kind that is not there"));
    check(true, unique, says(unique, b""), missing);
    // The flag does not fit the mechanism: known before anything is told.
    for (plus, header) in [(false, exporter), (false, "y,,"), (true, "n,,"), (true, "y,,")] {
        assert!(matches!(begun(plus, &format!("{header}n=a,r=x")), Err(Fault::Binding(_))));
    }
}

#[test]
fn without_bindings_nothing_is_bound() {
    let mut exchange = Exchange::new(true);
    exchange.message(&STANDARD.encode("p=tls-exporter,,n=a,r=x")).unwrap();
    let bindings = Bindings::default();
    exchange.told(Told::Salt(Salt { bindings, ..salt() })).unwrap();
    let binding = STANDARD.encode("p=tls-exporter,,");
    let message = format!("c={binding},r=x{NONCE},p={}", STANDARD.encode([1; 32]));
    let found = exchange.message(&STANDARD.encode(message)).unwrap_err();
    assert_eq!(found, Fault::Binding("a kind that is not there"));
}

#[test]
fn old_messages_and_odd_orders_end_it() {
    let proof = STANDARD.encode([1; 32]);
    for nonce in ["x", NONCE, &format!("x{NONCE}x"), &format!("x{NONCE}")[1..], ""] {
        let message = format!("c=biws,r={nonce},p={proof}");
        assert_eq!(last(false, "n,,n=a,r=x", &message).unwrap_err(), Fault::Nonce, "{nonce}");
    }
    for junk in ["*", "bi", "biws====", "\u{fc}", "b i w s", "/////w=="] {
        let (mut exchange, _) = begun(false, FIRST).unwrap();
        assert_eq!(exchange.message(junk).unwrap_err(), Fault::Unreadable, "{junk}");
        assert_eq!(exchange.message(&STANDARD.encode(FINAL)).unwrap_err(), Fault::Unreadable);
    }
    // What nobody asked for ends it as well, and nobody is in.
    let (mut exchange, _) = begun(false, FIRST).unwrap();
    assert_eq!(exchange.told(Told::Signature([0; 32])), None);
    assert_eq!(exchange.message(&STANDARD.encode(FINAL)).unwrap_err(), Fault::Unreadable);
    assert!(!exchange.is_entering());
    assert_eq!(Exchange::new(false).told(Told::Salt(salt())), None);
    let (mut exchange, _) = begun(false, FIRST).unwrap();
    exchange.message(&STANDARD.encode(FINAL)).unwrap();
    exchange.told(Told::Signature([0; 32])).unwrap();
    assert_eq!(exchange.message(&STANDARD.encode("no")).unwrap_err(), Fault::Unreadable);
    assert_eq!(exchange.message("").unwrap_err(), Fault::Unreadable);
}

#[test]
fn the_first_challenge_fits_a_reply_line() {
    let nonce = "x".repeat(NONCE_MAX);
    let mut exchange = Exchange::new(false);
    exchange.message(&STANDARD.encode(format!("n,,n=a,r={nonce}"))).unwrap();
    let told = Salt { salt: vec![0; 16], nonce: "y".repeat(24), iterations: 99_999, ..salt() };
    let challenge = exchange.told(Told::Salt(told)).unwrap();
    assert!(challenge.len() <= 480, "{}", challenge.len());
}
