#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{
    DnsError, Dnssec, HickoryResolver, Kind, Mx, Name as AnyName, Record as Found, Resolver,
    ZoneResolver, reverse_name,
};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::tlsa::{
    CertUsage, Matching as WireMatching, Selector as WireSelector,
};
use hickory_resolver::proto::rr::rdata::{A, CNAME, MX, PTR, SRV, TLSA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use mail::Domain;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

const ZONE: &str = "\
; a zone for tests
$TTL 1h
$ORIGIN example.org.
@       IN SOA ns hostmaster (
            2026112400 ; serial
            1h 15m 30d 1h )
        NS      ns
        MX      20 backup.example.net.
        MX      10 mail
        TXT     \"v=spf1 \" \"mx; -all\"
mail    A       192.0.2.1
        300 IN A 192.0.2.2
        IN 300  AAAA 2001:db8::1
www     CNAME   mail
loop    CNAME   loop2.example.org.
loop2   CNAME   loop
none    MX      0 .
_pop3s._tcp SRV 0 1 995 mail
_pop3._tcp SRV 0 0 0 .
_25._tcp.mail TLSA 3 1 1 ( 00ff
        A1 )
odd     TXT     plain \"a \\\"quote\\\"; and \\092\"
deep.down TXT   x
$ORIGIN 2.0.192.in-addr.arpa.
1       PTR     mail.example.org.
$ORIGIN .
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR MAIL.example.org
";

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mx(preference: u16, exchange: &str) -> Mx {
    Mx { preference, exchange: Some(domain(exchange)) }
}

fn zone() -> ZoneResolver {
    ZoneResolver::parse(ZONE, Path::new("test.zone")).unwrap()
}

#[tokio::test]
async fn a_zone_answers_as_the_real_one_would() {
    let zone = zone();
    let asked = domain("example.org");
    let expected = vec![mx(10, "mail.example.org"), mx(20, "backup.example.net")];
    assert_eq!(zone.mx(&asked).await, Ok(expected));
    assert_eq!(zone.txt(&asked).await, Ok(vec!["v=spf1 mx; -all".to_owned()]));
    let addresses = vec![ip("2001:db8::1"), ip("192.0.2.1"), ip("192.0.2.2")];
    for name in ["mail.example.org", "MAIL.EXAMPLE.ORG.", "www.example.org"] {
        assert_eq!(zone.addresses(&domain(name)).await, Ok(addresses.clone()), "{name}");
    }
    let null = vec![Mx { preference: 0, exchange: None }];
    assert_eq!(zone.mx(&domain("none.example.org")).await, Ok(null));
    let odd = vec!["plaina \"quote\"; and \\".to_owned()];
    assert_eq!(zone.txt(&domain("odd.example.org")).await, Ok(odd));
    for (asked, kind, expected) in [
        ("_pop3s._tcp.example.org", Kind::Srv, "0 1 995 mail.example.org."),
        ("_pop3._tcp.example.org", Kind::Srv, "0 0 0 ."),
        ("_25._tcp.mail.example.org", Kind::Tlsa, "3 1 1 00ffa1"),
    ] {
        let found = zone.records(&AnyName::parse(asked).unwrap(), kind).await.unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{asked}");
    }
    for address in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"] {
        let names = Ok(vec![domain("mail.example.org")]);
        assert_eq!(zone.ptr(ip(address)).await, names, "{address}");
    }
}

#[tokio::test]
async fn what_is_not_in_a_zone_is_told_apart() {
    let zone = zone();
    let mail = domain("mail.example.org");
    assert_eq!(zone.mx(&mail).await, Err(DnsError::NoRecords));
    let down = domain("down.example.org");
    assert_eq!(zone.txt(&down).await, Err(DnsError::NoRecords), "it is above another name");
    assert_eq!(zone.mx(&domain("nobody.example")).await, Err(DnsError::NoSuchName));
    assert_eq!(zone.ptr(ip("198.51.100.1")).await, Err(DnsError::NoSuchName));
    let circle = zone.addresses(&domain("loop.example.org")).await.unwrap_err();
    assert!(circle.is_temporary() && !circle.is_nothing(), "{circle}");
}

fn check_fault(text: &str, expected: &str) {
    let error = ZoneResolver::parse(text, Path::new("test.zone")).unwrap_err().to_string();
    assert_eq!(error, format!("test.zone:{expected}"), "for {text:?}");
}

#[test]
fn faults_of_a_zone_have_their_line() {
    check_fault(
        "a.example. A 192.0.2.1\nb.example. A 192.0.2\n",
        "2: 192.0.2 is not an IPv4 address",
    );
    check_fault("a. AAAA 192.0.2.1", "1: 192.0.2.1 is not an IPv6 address");
    check_fault("a. A", "1: an IPv4 address is missing");
    check_fault("a. A 192.0.2.1 x", "1: there is more after the A record");
    check_fault("a. MX mail.example.", "1: mail.example. is not a preference from 0 to 65535");
    check_fault("a. MX 10", "1: a name is missing");
    check_fault("a. TXT", "1: a text is missing");
    check_fault("a. SRV 0 1", "1: a port up to 65535 is missing");
    check_fault("a. SRV 0 1 99999 b.", "1: 99999 is not a port up to 65535");
    check_fault("a. SRV 0 1 995", "1: a name is missing");
    check_fault("a. SRV 0 1 995 b. c", "1: there is more after the SRV record");
    for words in ["3 1 256 00", "3 1 1", "3 1 1 0", "3 1 1 0g", "3 1 1 +1"] {
        let fault = "1: TLSA needs three numbers and hexadecimal digits";
        check_fault(&format!("a. TLSA {words}"), fault);
    }
    check_fault(
        &format!("a. TXT {}", "x".repeat(256)),
        "1: a string has more than 255 bytes: write it as several",
    );
    check_fault("a. HINFO x y", "1: records of type HINFO are not supported");
    check_fault("a. CH A 192.0.2.1", "1: the class CH is not supported");
    check_fault("a.", "1: the record's type is missing");
    check_fault("  A 192.0.2.1", "1: no record before has a name to go on with");
    check_fault("$INCLUDE other.zone", "1: $INCLUDE is not supported");
    check_fault("$TTL soon", "1: $TTL needs a time");
    check_fault("$ORIGIN", "1: $ORIGIN needs a name");
    check_fault("\n\na. TXT \"open\n", "3: a quote is not closed on its line");
    check_fault("a. MX ( 10\nmail.\n", "1: a parenthesis is not closed");
    check_fault("a. MX 10 mail.)", "1: unexpected )");
    check_fault("a. TXT \\", "1: a backslash needs a character or three digits");
    check_fault("a. TXT \\25x", "1: a backslash needs a character or three digits");
    check_fault("a. TXT \\200", "1: only ASCII characters can be written as digits");
    check_fault(
        "*.a. A 192.0.2.1",
        "1: *.a. is no name: the domain has a character that no domain may have",
    );
    check_fault("a. CNAME b.\na. A 192.0.2.1", "2: a has an alias (CNAME) and another record");
    check_fault("a. A 192.0.2.1\n  CNAME b.", "2: a has an alias (CNAME) and another record");
}

#[test]
fn zone_files_that_are_not_there_are_named() {
    let error = ZoneResolver::load(Path::new("/nowhere/test.zone")).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/test.zone: No such file or directory (os error 2)");
    // Who prints an error with its sources would say the same twice.
    assert!(std::error::Error::source(&error).is_none());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("good.zone");
    std::fs::write(&file, ZONE).unwrap();
    assert!(ZoneResolver::load(&file).is_ok());
}

#[test]
fn reverse_names() {
    assert_eq!(reverse_name(ip("192.0.2.1")).as_str(), "1.2.0.192.in-addr.arpa");
    assert_eq!(
        reverse_name(ip("2001:db8::1")).as_str(),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    );
}

/// A name server of one answer for each kind of question, over UDP as far as that holds, and over
/// TCP; silent for `silent.example.`.
async fn server() -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((size, peer)) = udp.recv_from(&mut buffer).await {
            if let Some(mut answer) = answer(buffer.get(..size).unwrap()) {
                if answer.answers.len() > 50 {
                    answer.answers.clear();
                    answer.metadata.truncation = true;
                }
                udp.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let answer = answer(&question).unwrap().to_vec().unwrap();
            stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    address
}

fn answer(question: &[u8]) -> Option<Message> {
    let question = Message::from_vec(question).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().clone();
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    let host = |name: &str| Name::from_ascii(name).unwrap();
    let text = name.to_ascii();
    // It has checked, as it says to who asks for that (RFC 6840 §5.7).
    let asked = question.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
    answer.metadata.authentic_data = asked && text.starts_with("signed.");
    let records = match (text.as_str(), query.query_type()) {
        ("silent.example.", _) => return None,
        ("missing.example.", _) => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            vec![]
        }
        ("broken.example.", _) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            vec![]
        }
        ("a.example.", RecordType::MX) => vec![
            RData::MX(MX::new(20, host("b.example."))),
            RData::MX(MX::new(10, host("A.example."))),
        ],
        ("null.example.", RecordType::MX) => vec![RData::MX(MX::new(0, Name::root()))],
        ("signed.example.", RecordType::TLSA) => {
            let (usage, selector, matching) =
                (CertUsage::DaneEe, WireSelector::Spki, WireMatching::Sha256);
            vec![RData::TLSA(TLSA::new(usage, selector, matching, vec![7; 32]))]
        }
        ("a.example." | "signed.example.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 1))],
        ("a.example.", RecordType::TXT) => {
            vec![RData::TXT(TXT::new(vec!["v=spf1 ".to_owned(), "-all".to_owned()]))]
        }
        ("1.2.0.192.in-addr.arpa.", RecordType::PTR) => {
            let odd = Name::from_labels([&b"no host"[..]]).unwrap();
            vec![RData::PTR(PTR(host("a.example."))), RData::PTR(PTR(odd))]
        }
        ("_pop3s._tcp.example.", RecordType::SRV) => {
            let odd = Name::from_labels([&b"a.b"[..]]).unwrap();
            let hosts = [host("a.example."), Name::root(), odd];
            hosts.into_iter().map(|host| RData::SRV(SRV::new(0, 1, 995, host))).collect()
        }
        ("_25._tcp.a.example.", RecordType::TLSA) => {
            let (usage, selector, matching) = (3.into(), 1.into(), 1.into());
            vec![RData::TLSA(TLSA::new(usage, selector, matching, vec![0, 255]))]
        }
        ("foo\\:bar\\\\baz.example.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 7))],
        ("alias.example.", _) => vec![RData::CNAME(CNAME(host("end.example.")))],
        ("many.example.", RecordType::A) => {
            (0..101).map(|n| RData::A(A::new(198, 51, 100, n))).collect()
        }
        _ => vec![],
    };
    answer.add_answers(records.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)));
    Some(answer)
}

#[tokio::test]
async fn the_real_resolver_asks_a_real_server() {
    let resolver = HickoryResolver::asking(&[server().await], Dnssec::Off).unwrap();
    let a = domain("a.example");
    let expected = vec![mx(10, "a.example"), mx(20, "b.example")];
    assert_eq!(resolver.mx(&a).await, Ok(expected));
    assert_eq!(resolver.addresses(&a).await, Ok(vec![ip("192.0.2.1")]));
    assert_eq!(resolver.txt(&a).await, Ok(vec!["v=spf1 -all".to_owned()]));
    assert_eq!(resolver.ptr(ip("192.0.2.1")).await, Ok(vec![a]));
    let null = vec![Mx { preference: 0, exchange: None }];
    assert_eq!(resolver.mx(&domain("null.example")).await, Ok(null));
    assert_eq!(resolver.mx(&domain("missing.example")).await, Err(DnsError::NoSuchName));
    assert_eq!(resolver.mx(&domain("other.example")).await, Err(DnsError::NoRecords));
    let broken = resolver.mx(&domain("broken.example")).await.unwrap_err();
    assert!(broken.is_temporary(), "{broken}");
    let many = resolver.addresses(&domain("many.example")).await.unwrap_err();
    assert!(matches!(many, DnsError::Unusable(_)), "{many}");
    let odd = AnyName::parse("FOO:bar\\baz.example").unwrap();
    let found = Ok(vec![Found::Ipv4("192.0.2.7".parse().unwrap())]);
    assert_eq!(resolver.records(&odd, Kind::Ipv4).await, found);
    assert_eq!(resolver.records(&odd, Kind::Ipv6).await, Err(DnsError::NoRecords));
    let nobody = resolver.records(&reverse_name(ip("192.0.2.1")), Kind::Ptr).await;
    assert_eq!(nobody.unwrap().len(), 2, "a name that is no host is a name");
    for (asked, kind, expected) in [
        ("_pop3s._tcp.example", Kind::Srv, &["0 1 995 a.example.", "0 1 995 ."][..]),
        ("_25._tcp.a.example", Kind::Tlsa, &["3 1 1 00ff"]),
    ] {
        let found = resolver.records(&AnyName::parse(asked).unwrap(), kind).await.unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{asked}");
    }
    let alias = resolver.txt(&domain("alias.example")).await;
    assert_eq!(alias, Err(DnsError::NoRecords));
}

#[tokio::test]
async fn no_question_takes_longer_than_its_deadline() {
    let limit = Duration::from_millis(200);
    let resolver = HickoryResolver::asking_within(&[server().await], limit, Dnssec::Off).unwrap();
    let before = Instant::now();
    let answer = resolver.addresses(&domain("silent.example")).await;
    assert_eq!(answer, Err(DnsError::TimedOut));
    assert!(before.elapsed() < limit * 3);
}

#[tokio::test]
async fn a_proof_is_believed_from_whom_it_may_be() {
    let server = server().await;
    for (dnssec, believed) in [(Dnssec::Local, true), (Dnssec::TrustAd, true), (Dnssec::Off, false)]
    {
        let resolver = HickoryResolver::asking(&[server], dnssec).unwrap();
        assert_eq!(resolver.proves(), believed, "{dnssec:?}");
        for (name, kind, secure) in [
            ("signed.example", Kind::Ipv4, believed),
            ("signed.example", Kind::Tlsa, believed),
            ("a.example", Kind::Ipv4, false),
        ] {
            let name = AnyName::parse(name).unwrap();
            let found = resolver.proven(&name, kind).await.unwrap();
            assert_eq!(found.is_secure, secure, "{dnssec:?} {name}");
            assert_eq!(found.name, name);
            assert_eq!(resolver.records(&name, kind).await, Ok(found.records));
        }
        for (name, error) in
            [("missing.example", DnsError::NoSuchName), ("empty.example", DnsError::NoRecords)]
        {
            let name = AnyName::parse(name).unwrap();
            assert_eq!(resolver.proven(&name, Kind::Tlsa).await, Err(error), "{dnssec:?}");
        }
        let name = AnyName::parse("broken.example").unwrap();
        let failed = resolver.proven(&name, Kind::Tlsa).await.unwrap_err();
        assert!(failed.is_temporary(), "{dnssec:?} {failed}");
    }
    // One that is not on this machine is not asked for a proof.
    let far = HickoryResolver::asking(&["192.0.2.53:53".parse().unwrap()], Dnssec::Local);
    assert!(!far.unwrap().proves());
}

#[tokio::test]
async fn what_cannot_be_checked_here_is_not_taken() {
    // It has no signatures, and cannot show why: it might be forged.
    let resolver = HickoryResolver::asking(&[server().await], Dnssec::Validate).unwrap();
    let name = AnyName::parse("signed.example").unwrap();
    let error = resolver.proven(&name, Kind::Ipv4).await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    // Who asks for no proof is answered.
    assert!(resolver.records(&name, Kind::Ipv4).await.is_ok());
}

#[tokio::test]
async fn a_zone_says_what_is_proven() {
    let text = "plain.example. A 192.0.2.1\n$DNSSEC secure\nsigned.example. A 192.0.2.2\n\
                half.example. CNAME plain.example.\nwhole.example. CNAME signed.example.\n\
                _25._tcp.signed.example. TLSA ( 3 1 1\n 00ff00ff )\n\
                $DNSSEC bogus\nforged.example. A 192.0.2.3\nsigned.example. AAAA 2001:db8::1\n";
    let zone = ZoneResolver::parse(text, Path::new("zone")).unwrap();
    for (name, kind, expected) in [
        ("plain.example", Kind::Ipv4, Ok((false, "plain.example"))),
        ("signed.example", Kind::Ipv4, Ok((true, "signed.example"))),
        ("signed.example", Kind::Ipv6, Err(DnsError::Bogus)),
        ("half.example", Kind::Ipv4, Ok((false, "plain.example"))),
        ("whole.example", Kind::Ipv4, Ok((true, "signed.example"))),
        ("_25._tcp.signed.example", Kind::Tlsa, Ok((true, "_25._tcp.signed.example"))),
        ("forged.example", Kind::Ipv4, Err(DnsError::Bogus)),
        ("forged.example", Kind::Ipv6, Err(DnsError::NoRecords)),
    ] {
        let asked = AnyName::parse(name).unwrap();
        let found = zone.proven(&asked, kind).await;
        let found = found.as_ref().map(|found| (found.is_secure, found.name.as_str()));
        assert_eq!(found, expected.as_ref().copied(), "{name}");
    }
    check_fault("$DNSSEC maybe", "1: $DNSSEC needs secure, insecure or bogus");
}
