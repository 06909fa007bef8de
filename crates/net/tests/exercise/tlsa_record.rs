//! TLSA: any text is a record or none, and any bytes are held against it.

use net::Tlsa;
use net::tls::dane::matches;

/// The first line is a record; what follows it is held against it as a certificate.
pub(crate) fn exercise(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    let certificate = rest.get(1..).unwrap_or_default();
    let Some(record) = Tlsa::parse(&String::from_utf8_lossy(line)) else { return };
    assert_eq!(Tlsa::parse(&record.to_string()).as_ref(), Some(&record));
    let usable = record.terms().is_some();
    assert!(usable || !matches(&record, certificate), "one that is not usable matches");
    // Whatever the bytes are: all of them match themselves.
    let all = Tlsa { usage: 3, selector: 0, matching: 0, data: certificate.to_vec() };
    assert_eq!(matches(&all, certificate), !certificate.is_empty());
    let key = Tlsa { selector: 1, ..record };
    matches(&key, certificate);
}
