//! Real handshakes with servers whose certificates the DNS names, or does not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

use aws_lc_rs::digest;
use mail::{Domain, Host};
use net::{ClientTls, Flaw, ServerTls, Stream, Tlsa, client};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd,
};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "mx.example.net";

/// What a server shows: its certificate first, then what stands above it.
struct Shown {
    chain: Vec<Certificate>,
    key: KeyPair,
}

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(expired: bool) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Authority { certificate, issuer: Issuer::new(params, key) }
}

fn leaf(name: &str, expired: bool) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    params
}

fn alone(name: &str, expired: bool) -> Shown {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf(name, expired).self_signed(&key).unwrap();
    Shown { chain: vec![certificate], key }
}

fn signed(name: &str, expired: bool, by: &Authority, sent: bool) -> Shown {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf(name, expired).signed_by(&key, &by.issuer).unwrap();
    let above = sent.then(|| by.certificate.clone());
    Shown { chain: std::iter::once(certificate).chain(above).collect(), key }
}

/// A record about a certificate.
fn tlsa(usage: u8, selector: u8, matching: u8, certificate: &Certificate) -> Tlsa {
    let der = certificate.der();
    let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
    let key = parsed.tbs_certificate.subject_pki.raw;
    let selected: &[u8] = if selector == 0 { der } else { key };
    let data = match matching {
        0 => selected.to_vec(),
        1 => digest::digest(&digest::SHA256, selected).as_ref().to_vec(),
        _ => digest::digest(&digest::SHA512, selected).as_ref().to_vec(),
    };
    Tlsa { usage, selector, matching, data }
}

/// The result of a handshake with a server that shows this.
async fn shake(shown: &Shown, tls: &ClientTls) -> Result<(), Flaw> {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let chain: String = shown.chain.iter().map(Certificate::pem).collect();
    std::fs::write(&certificate, chain).unwrap();
    std::fs::write(&key, shown.key.serialize_pem()).unwrap();
    let server = ServerTls::load(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        // Its fate is the client's to tell.
        drop(Stream::Plain(stream).start_tls(&server, LIMIT).await);
    };
    let connect = async {
        let stream = client::connect(address, None, LIMIT).await.unwrap();
        let name = Host::Domain(Domain::parse(NAME).unwrap());
        stream.connect_tls(tls, &name, LIMIT).await
    };
    let ((), connected) = tokio::join!(accept, connect);
    connected.map(drop).map_err(|error| error.flaw())
}

async fn check(what: &str, shown: &Shown, records: &[Tlsa], expected: Result<(), Flaw>) {
    let names = [NAME, "example.net"].map(|name| Domain::parse(name).unwrap());
    let tls = ClientTls::dane(records, &names).unwrap();
    assert_eq!(shake(shown, &tls).await, expected, "{what}");
}

#[tokio::test]
async fn a_record_of_the_server_is_about_its_key_alone() {
    let good = alone(NAME, false);
    let own = &good.chain[0];
    for selector in 0..=1 {
        for matching in 0..=2 {
            let record = tlsa(3, selector, matching, own);
            check(&record.to_string(), &good, std::slice::from_ref(&record), Ok(())).await;
        }
    }
    let odd = alone("another.example", true);
    check("expired, other name", &odd, &[tlsa(3, 1, 1, &odd.chain[0])], Ok(())).await;
    let other = &odd.chain[0];
    let wrong = Err(Flaw::NotNamed);
    check("another's", &good, &[tlsa(3, 1, 1, other)], wrong).await;
    let both = [tlsa(3, 1, 1, other), tlsa(3, 0, 2, own)];
    check("one of two", &good, &both, Ok(())).await;
    check("none", &good, &[], wrong).await;
    let unusable = [tlsa(1, 1, 1, own), Tlsa { matching: 7, ..tlsa(3, 1, 1, own) }];
    check("none that can be used", &good, &unusable, wrong).await;
    let mixed_up = Tlsa { selector: 0, ..tlsa(3, 1, 1, own) };
    check("the key's hash for the certificate", &good, &[mixed_up], wrong).await;
}

#[tokio::test]
async fn a_record_of_an_authority_is_about_the_chain_and_the_name() {
    let (ca, other) = (authority(false), authority(false));
    let sent = signed(NAME, false, &ca, true);
    let named = |selector, matching| [tlsa(2, selector, matching, &ca.certificate)];
    for selector in 0..=1 {
        for matching in 0..=2 {
            let records = named(selector, matching);
            check(&records[0].to_string(), &sent, &records, Ok(())).await;
        }
    }
    let unsent = signed(NAME, false, &ca, false);
    check("not sent", &unsent, &named(0, 1), Err(Flaw::NotNamed)).await;
    check("in the record itself", &unsent, &named(0, 0), Ok(())).await;
    let domains = signed("example.net", false, &ca, true);
    check("the domain's name", &domains, &named(1, 1), Ok(())).await;
    let wrong_name = signed("another.example", false, &ca, true);
    check("another name", &wrong_name, &named(1, 1), Err(Flaw::WrongName)).await;
    let late = signed(NAME, true, &ca, true);
    check("expired", &late, &named(1, 1), Err(Flaw::Expired)).await;
    let foreign = [tlsa(2, 1, 1, &other.certificate)];
    check("another authority", &sent, &foreign, Err(Flaw::NotNamed)).await;
    // It sends the authority that is named, which did not sign its certificate.
    let mut borrowed = signed(NAME, false, &other, false);
    borrowed.chain.push(ca.certificate.clone());
    check("a borrowed authority", &borrowed, &named(1, 1), Err(Flaw::NotTrusted)).await;
    let old = authority(true);
    let by_old = signed(NAME, false, &old, true);
    let records = [tlsa(2, 1, 1, &old.certificate)];
    check("an old authority", &by_old, &records, Err(Flaw::NotNamed)).await;
}

#[tokio::test]
async fn an_authority_that_is_trusted_vouches_for_names_in_time() {
    let ca = authority(false);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("authorities.pem");
    std::fs::write(&file, ca.certificate.pem()).unwrap();
    let tls = ClientTls::verified(Some(&file)).unwrap();
    for (what, shown, expected) in [
        ("good", signed(NAME, false, &ca, false), Ok(())),
        ("another name", signed("b.example", false, &ca, false), Err(Flaw::WrongName)),
        ("expired", signed(NAME, true, &ca, false), Err(Flaw::Expired)),
        ("unknown", signed(NAME, false, &authority(false), true), Err(Flaw::NotTrusted)),
    ] {
        assert_eq!(shake(&shown, &tls).await, expected, "{what}");
    }
    std::fs::write(&file, "none").unwrap();
    assert!(ClientTls::verified(Some(&file)).is_err());
}
