//! Worked examples of RFC 9989: what was sent, what was published, what follows.

use super::{of, scripted};
use crate::authentication::testing::Dns;
use net::{DnsError, Kind, Record};

/// Author and identifiers that passed; below them the records, each `NAME: TEXT` at `_dmarc.NAME`
/// with its version left out; behind `=>` the result, the disposition, and where the record that
/// applies is.
const EXAMPLES: &str = "
example.com dkim=example.com
    example.com: p=reject
    => pass none at example.com
mail.example.com dkim=news.example.com
    example.com: p=reject
    => pass none at example.com
mail.example.com dkim=news.example.com
    example.com: p=reject; adkim=s
    => fail reject at example.com
mail.example.com spf=news.example.com
    example.com: p=reject; adkim=s
    => pass none at example.com
mail.example.com spf=news.example.com
    example.com: p=reject; aspf=s
    => fail reject at example.com
mail.example.com
    example.com: p=reject; sp=quarantine
    => fail quarantine at example.com
no.example.com
    example.com: p=none; sp=quarantine; np=reject
    => fail reject at example.com
no.example.com
    example.com: p=none; sp=quarantine
    => fail quarantine at example.com
mail.example.com
    example.com: p=reject; np=none
    => fail reject at example.com
mail.example.com
    mail.example.com: p=none
    example.com: p=reject; sp=reject
    => fail none at mail.example.com
mail.example.com dkim=example.com
    mail.example.com: p=none
    example.com: p=reject; sp=reject
    => pass none at mail.example.com
a.b.example.com
    b.example.com: p=none
    example.com: p=reject
    => fail reject at example.com
a.b.example.com
    b.example.com: p=none; psd=n
    example.com: p=reject
    => fail none at b.example.com
mail.example.com dkim=example.com
    mail.example.com: p=reject
    => fail reject at mail.example.com
mail.example.com dkim=example.com
    mail.example.com: p=reject; psd=n
    example.com: p=reject
    => fail reject at mail.example.com
example.com dkim=mail.example.com
    example.com: p=reject
    mail.example.com: p=none; psd=n
    => fail reject at example.com
giant.bank.example dkim=mega.bank.example
    bank.example: p=reject; psd=y
    => fail reject at bank.example
mail.giant.bank.example dkim=giant.bank.example
    bank.example: p=reject; psd=y
    => pass none at bank.example
giant.bank.example
    giant.bank.example: p=none
    bank.example: p=reject; psd=y
    => fail none at giant.bank.example
bank.example spf=bank.example
    bank.example: p=reject; psd=y
    => pass none at bank.example
bank.example dkim=mail.bank.example
    bank.example: p=reject; psd=y
    => fail reject at bank.example
a.b.c.d.e.f.g.h.example.com
    c.d.e.f.g.h.example.com: p=none
    example.com: p=reject
    => fail reject at example.com
example.com dkim=example.com
    example.com: p=reject
    example.com: p=none
    => none none
mail.example.com
    mail.example.com: p=reject
    mail.example.com: p=none
    example.com: p=none; sp=quarantine
    => fail quarantine at example.com
example.com
    example.com: rua=mailto:d@example.com
    => fail none at example.com
example.com dkim=example.com
    example.com: adkim=s
    => none none at example.com
example.com
    example.com: p=reject; sp=bogus; rua=mailto:d@example.com
    => fail none at example.com
example.com
    example.com: p=reject; sp=bogus
    => none none at example.com
example.com
    example.com: p=reject; t=y
    => fail quarantine at example.com
example.com
    example.com: p=quarantine; t=Y
    => fail none at example.com
example.com
    example.com: p=reject; pct=0
    => fail reject at example.com
# A top-level domain that forgot psd=y does not make all its names one organisation.
example.com dkim=other.com
    example.com: p=reject
    com: p=none
    => fail reject at example.com
example.com dkim=other.com
    com: p=reject
    => none none
example.com dkim=other.com
    com: p=reject; psd=y
    => fail reject at com
no.example.com
    com: p=reject; psd=y; np=quarantine
    => fail quarantine at com
intranet spf=mail.intranet
    intranet: p=reject
    => fail reject at intranet
# A name that is only alike.
example.com dkim=badexample.com dkim=com
    example.com: p=reject
    => fail reject at example.com
";

fn check(sent: &str, records: &[&str], expected: &str) {
    let author = sent.split(' ').next().unwrap_or_default();
    let given = |key: &str| sent.split(' ').filter_map(|word| word.strip_prefix(key)).collect();
    let (spf, dkim): (Vec<&str>, Vec<&str>) = (given("spf="), given("dkim="));
    let published: Vec<(String, String)> = records
        .iter()
        .filter_map(|record| record.split_once(": "))
        .map(|(name, text)| (format!("_dmarc.{name}"), format!("v=DMARC1; {text}")))
        .collect();
    let dns = Dns::new(|asked, kind| {
        let found = published.iter().filter(|(name, _)| kind == Kind::Txt && name == asked);
        let found: Vec<Record> = found.map(|(_, text)| Record::Txt(text.clone())).collect();
        Some(match found.is_empty() {
            false => Ok(found),
            // Names exist, if without an address.
            true if asked.starts_with("no.") => Err(DnsError::NoSuchName),
            true => Err(DnsError::NoRecords),
        })
    });
    let outcome = of(&dns, author, spf.first().copied(), &dkim);
    let place = outcome.found.map(|found| format!(" at {}", found.domain)).unwrap_or_default();
    let told = format!("{} {}{place}", outcome.result.word(), outcome.disposition.word());
    assert_eq!(told, expected, "{sent} {records:?} {:?}", dns.asked());
}

#[test]
fn examples() {
    let (mut sent, mut records, mut count) = ("", Vec::new(), 0);
    for line in EXAMPLES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.trim_start() {
            whole if whole == line => sent = line,
            told => match told.strip_prefix("=> ") {
                None => records.push(told),
                Some(expected) => {
                    check(sent, &std::mem::take(&mut records), expected);
                    count += 1;
                }
            },
        }
    }
    assert_eq!(count, 37);
}

#[test]
fn what_does_not_begin_as_a_record_is_none() {
    for text in
        ["p=reject; v=DMARC1", "v=dmarc1; p=reject", "v=DMARC10; p=reject", "v=DMARC1,p=reject", ""]
    {
        let records = [("_dmarc.example.com", text)];
        let dns = Dns::new(scripted(&records));
        let outcome = of(&dns, "example.com", None, &["example.com"]);
        assert_eq!((outcome.result.word(), outcome.found), ("none", None), "{text:?}");
    }
}
