#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::Fault;
use super::Structured;
use proptest::prelude::*;

/// `input` is read as `value|parameter=reading/other reading|...`.
fn check(input: &str, expected: &str, faults: &[Fault]) {
    let structured = Structured::parse(input.as_bytes());
    let mut shown = vec![structured.value.clone()];
    let mut names: Vec<&str> = Vec::new();
    for parameter in &structured.parameters {
        let name = parameter.name.split('*').next().unwrap();
        if !names.contains(&name) {
            names.push(name);
            shown.push(format!("{name}={}", structured.readings(name).join("/")));
        }
    }
    assert_eq!(shown.join("|"), expected, "for {input:?}");
    assert_eq!(structured.faults, faults, "for {input:?}");
}

#[test]
fn well_formed() {
    check("text/plain", "text/plain", &[]);
    check(" Text/PLAIN ; CharSet = utf-8 ;", "text/plain|charset=utf-8", &[Fault::BlankInValue]);
    check("text/plain;a=b;c=\"d;e\"", "text/plain|a=b|c=d;e", &[]);
    check("attachment; filename=\"a \\\"b\\\".txt\"", "attachment|filename=a \"b\".txt", &[]);
    check("text/plain (a comment); a=b", "text/plain|a=b", &[]);
}

#[test]
fn extended() {
    check("a; f*=utf-8''%e2%82%ac.txt", "a|f=€.txt", &[]);
    check("a; f*=iso-8859-1'de'%fc", "a|f=ü", &[]);
    check("a; f*0*=utf-8''%e2; f*1*=%82%ac; f*2=\" x\"", "a|f=€ x", &[]);
    check("a; f*0=a; f*1=b", "a|f=ab", &[]);
    check("a; f*=utf-16''%00A%00B", "a|f=AB", &[]);
    check("a; f*=utf-8''%3D?utf-8?b?YQ%3D%3D?%3D", "a|f==?utf-8?b?YQ==?=/a", &[]);
    check("a; f=\"=?utf-8?q?=C3=BC?=\"", "a|f=ü/=?utf-8?q?=C3=BC?=", &[]);
    check("a; f*0=\"=?utf-8?q?=C3\"; f*1=\"=BC?=\"", "a|f=ü", &[]);
}

#[test]
fn extended_and_odd() {
    check("a; f*1=b; f*0=a", "a|f=ab/ba", &[Fault::Continuation]);
    check("a; f*0=a; f*2=c", "a|f=ac", &[Fault::Continuation]);
    check("a; f*0=a; f*0=b", "a|f=ab", &[Fault::Continuation, Fault::Doubled]);
    check("a; f=x; f*0=a; f*1=b", "a|f=ab/x", &[Fault::Continuation]);
    check("a; f*00=a", "a|f=", &[Fault::Continuation]);
    check("a; f*x=a", "a|f=", &[Fault::Continuation]);
    check("a; f*=plain", "a|f=plain", &[Fault::Percent]);
    check("a; f*=utf-8''%zz", "a|f=%zz", &[Fault::Percent]);
    check("a; f*=no-such''a", "a|f=a", &[Fault::UnknownCharset]);
}

#[test]
fn malformed() {
    check("", "", &[Fault::OddValue]);
    check("; a=b", "|a=b", &[Fault::OddValue]);
    check("text/plain a=b", "text/plain|a=b", &[Fault::OddValue]);
    check("a; f=\"open; g=h", "a|f=open; g=h", &[Fault::OddQuote]);
    check("a; f=x\"y\"", "a|f=x\"y\"", &[Fault::OddQuote]);
    check("a; f=\"b\"c; g=h", "a|f=b|g=h", &[Fault::MissingSemicolon, Fault::BareParameter]);
    check("a; f=\"b\" g=h", "a|f=b|g=h", &[Fault::MissingSemicolon]);
    check("a; f=b g=h", "a|f=b|g=h", &[Fault::MissingSemicolon]);
    check("a; f=b c.exe", "a|f=b c.exe", &[Fault::BlankInValue]);
    check("a; f=b (c)", "a|f=b", &[Fault::Comment]);
    check("a; f=b (c).exe", "a|f=b (c).exe", &[Fault::Comment, Fault::BlankInValue]);
    check("a; (c) f=b", "a|f=b", &[Fault::Comment]);
    check("a; f", "a", &[Fault::BareParameter]);
    check("a; =b; f=c", "a|f=c", &[Fault::BareParameter]);
    check("a; f=\"C:\\dir\\b\"", "a|f=C:dirb", &[Fault::Backslash]);
    check("a; f=b; F=c", "a|f=b/c", &[Fault::Doubled]);
    check("a; f=\"b\u{1}\"", "a|f=b\u{1}", &[Fault::Control]);
    check("a; f=ü", "a|f=ü", &[Fault::EightBit]);
    check("a; f=", "a|f=", &[]);
}

#[test]
fn many_parameters_are_bounded() {
    for unit in ["=b ", "; =b", "f=b ", "f ", "(", "\"", "=\"", ";", "f*0=("] {
        let field = unit.repeat(256 * 1024 / unit.len());
        assert!(Structured::parse(field.as_bytes()).parameters.len() <= super::PARAMETERS_MAX);
    }
    let many = format!("a{}", "; f=b".repeat(1_000));
    let structured = Structured::parse(many.as_bytes());
    assert_eq!(structured.parameters.len(), super::PARAMETERS_MAX);
    assert!(structured.faults.contains(&Fault::TooManyParameters));
}

proptest! {
    #[test]
    fn anything_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let structured = Structured::parse(&bytes);
        for parameter in &structured.parameters {
            structured.readings(&parameter.name);
        }
    }

    #[test]
    fn quoted_values_are_read_back(value in "[^\r\n\0\u{1}-\u{1f}\u{7f}]{0,40}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let structured = Structured::parse(format!("a; f=\"{escaped}\"; g=h").as_bytes());
        prop_assert_eq!(structured.plain("f").next().unwrap(), value.as_bytes());
        prop_assert_eq!(structured.get("g").unwrap(), "h");
    }

    #[test]
    fn extended_values_are_read_back(value in "[^\r\n\0\u{feff}]{0,40}", cut in 1_usize..20) {
        let sections = value.as_bytes().chunks(cut).enumerate().map(|(number, bytes)| {
            let mark = if number == 0 { "utf-8''" } else { "" };
            let escaped: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
            format!("; f*{number}*={mark}{escaped}")
        });
        let structured = Structured::parse(format!("a{}", sections.collect::<String>()).as_bytes());
        prop_assert_eq!(structured.get("f").unwrap_or_default(), value);
        prop_assert!(structured.faults.is_empty());
    }
}
