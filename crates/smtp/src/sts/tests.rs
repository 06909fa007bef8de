#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Fault, Mode, Policy, ReportTo, announced, report_to};
use mail::Domain;

const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: \
     backupmx.example.com\r\nmax_age: 604800\r\n";

#[test]
fn policies_are_read_as_the_standard_has_them() {
    let policy = Policy::parse(GOOD).unwrap();
    assert_eq!((policy.mode, policy.max_age, policy.mx.len()), (Mode::Enforce, 604_800, 3));
    assert_eq!(Policy::parse(&GOOD.replace('\r', "")), Ok(policy.clone()));
    let more = format!("{GOOD}\nodd: thing\nmode: none\nmax_age: 5\n");
    assert_eq!(Policy::parse(&more), Ok(policy));
    for (from, to, expected) in [
        ("STSv1", "STSv2", Err(Fault::Version)),
        ("version: STSv1\r\n", "", Err(Fault::Version)),
        ("enforce", "testing", Ok(Mode::Testing)),
        ("enforce", "none", Ok(Mode::None)),
        ("enforce", "Enforce", Err(Fault::Mode)),
        ("mode: enforce\r\n", "", Err(Fault::Mode)),
        ("604800", "-1", Err(Fault::MaxAge)),
        ("604800", "+1", Err(Fault::MaxAge)),
        ("604800", "", Err(Fault::MaxAge)),
        ("604800", "99999999999", Err(Fault::MaxAge)),
        ("604800", "0", Ok(Mode::Enforce)),
        ("mail.example.com", "a b", Err(Fault::Mx)),
        ("mail.example.com", "*.*.example.com", Err(Fault::Mx)),
        ("mail.example.com", "", Err(Fault::Mx)),
        ("mode: enforce", "mode enforce", Err(Fault::Line)),
        ("mode: enforce", "mode :\tenforce ", Ok(Mode::Enforce)),
    ] {
        let found = Policy::parse(&GOOD.replace(from, to)).map(|policy| policy.mode);
        assert_eq!(found, expected, "{from} -> {to}");
    }
    let none = "version: STSv1\nmode: none\nmax_age: 60\n";
    assert!(Policy::parse(none).is_ok(), "no servers are needed for no policy");
    assert_eq!(Policy::parse(&none.replace("none", "testing")), Err(Fault::Mx));
    assert_eq!(Policy::parse(&none.replace("60", "9999999999")).unwrap().max_age, 31_557_600);
    let many = format!("{GOOD}{}", "mx: a.example\n".repeat(98));
    assert_eq!(Policy::parse(&many), Err(Fault::Mx));
    assert_eq!(Policy::parse(""), Err(Fault::Version));
}

#[test]
fn a_star_is_one_label() {
    let policy = Policy::parse(GOOD).unwrap();
    for (server, expected) in [
        ("mail.example.com", true),
        ("MAIL.example.com", true),
        ("x.mail.example.com", false),
        ("a.example.net", true),
        ("a.b.example.net", false),
        ("example.net", false),
        ("aexample.net", false),
        ("mail.example.com.evil.example", false),
    ] {
        assert_eq!(policy.names(&server.parse::<Domain>().unwrap()), expected, "{server}");
    }
}

#[test]
fn one_record_announces_a_policy() {
    for (texts, expected) in [
        (&["v=STSv1; id=20160831085700Z;"][..], Some("20160831085700Z")),
        (&["v=STSv1;id=1"], Some("1")),
        (&["v=STSv1 ; x=y; id = 1 "], Some("1")),
        (&["other", "v=STSv1; id=1"], Some("1")),
        (&["v=STSv1; id=1", "v=STSv1; id=2"], None),
        (&["v=STSv1; id="], None),
        (&["v=STSv1; id=a-b"], None),
        (&["v=STSv1; id=123456789012345678901234567890123"], None),
        (&["v=STSv10; id=1"], None),
        (&["V=stsv1; id=1"], None),
        (&["id=1; v=STSv1"], None),
        (&[], None),
    ] {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(announced(&texts).as_deref(), expected, "{texts:?}");
    }
}

#[test]
fn reports_go_where_they_are_wanted() {
    let check = |text: &str, expected: &[&str]| {
        let found = report_to(&[text.to_owned()]);
        let shown: Vec<String> = found
            .iter()
            .map(|to| match to {
                ReportTo::Mail(address) => format!("mail {address}"),
                ReportTo::Https(url) => format!("post {url}"),
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    };
    check("v=TLSRPTv1;rua=mailto:reports@example.com", &["mail reports@example.com"]);
    check(
        "v=TLSRPTv1; rua=https://r.example.com/v1/tlsrpt , MAILTO:a@b.example?x",
        &["post https://r.example.com/v1/tlsrpt", "mail a@b.example"],
    );
    check("v=TLSRPTv1; rua=http://r.example.com/,ftp:x,mailto:,nothing", &[]);
    check("v=TLSRPTv1; rua=mailto:a@b.example\r\nBcc: c", &[]);
    check("v=TLSRPTv2; rua=mailto:a@b.example", &[]);
    check("v=TLSRPTv1;", &[]);
    let many = format!("v=TLSRPTv1; rua={}", ["mailto:a@b.example"; 9].join(","));
    check(&many, &["mail a@b.example"; 4]);
    let twice = ["v=TLSRPTv1; rua=mailto:a@b.example"; 2].map(str::to_owned);
    assert_eq!(report_to(&twice), []);
}
