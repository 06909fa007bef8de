#![expect(clippy::expect_used, reason = "tests")]

use super::{IprevResult, NAMES_MAX, check};
use crate::authentication::testing::{Dns, block_on, name, soon, zone};
use net::{DnsError, Kind, Record};

#[test]
fn an_address_and_its_name_lead_to_one_another() {
    let zone = zone(
        "1.2.0.192.in-addr.arpa PTR liar.example\n1.2.0.192.in-addr.arpa PTR mail.example\n\
         mail.example A 192.0.2.1\nmail.example AAAA 2001:db8::1\nliar.example A 192.0.2.9\n\
         2.2.0.192.in-addr.arpa PTR liar.example\n3.2.0.192.in-addr.arpa PTR gone.example\n\
         1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.example",
    );
    for (ip, result, name) in [
        ("192.0.2.1", IprevResult::Pass, Some("mail.example")),
        ("::ffff:192.0.2.1", IprevResult::Pass, Some("mail.example")),
        ("2001:db8::1", IprevResult::Pass, Some("mail.example")),
        ("192.0.2.2", IprevResult::Fail, None),
        ("192.0.2.3", IprevResult::Fail, None),
        ("192.0.2.4", IprevResult::PermError, None),
    ] {
        let outcome = block_on(check(&zone, ip.parse().expect("an address"), soon()));
        assert_eq!((outcome.result, outcome.name.as_deref()), (result, name), "{ip}");
    }
}

#[test]
fn an_address_of_many_names_is_looked_at_for_a_while_only() {
    let ip = "192.0.2.1".parse().expect("an address");
    let failed = || Some(Err(DnsError::Failed("SERVFAIL".to_owned())));
    for (last, expected) in [
        (NAMES_MAX - 1, IprevResult::Pass),
        // Beyond the limit it is as if it were not there.
        (NAMES_MAX, IprevResult::TempError),
    ] {
        let dns = Dns::new(|asked, kind| match kind {
            Kind::Ptr => {
                Some(Ok((0..100).map(|n| Record::Ptr(name(&format!("h{n}.x")))).collect()))
            }
            _ if asked == format!("h{last}.x") => {
                Some(Ok(vec![Record::Ipv4([192, 0, 2, 1].into())]))
            }
            _ => failed(),
        });
        assert_eq!(block_on(check(&dns, ip, soon())).result, expected);
        assert_eq!(dns.asked().len(), NAMES_MAX + 1);
    }
    let dns = Dns::new(|_, _| failed());
    assert_eq!(block_on(check(&dns, ip, soon())).result, IprevResult::TempError);
}
