//! Name servers that mean harm, asked by the real resolver: each question ends, after few on the
//! wire.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{DnsError, Dnssec, HickoryResolver, Kind, Name as AnyName, Record as Found, Resolver};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::{CNAME, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// Questions on the wire that one question to the resolver may take, repetitions among them.
const ASKED_MAX: usize = 20;
const LIMIT: Duration = Duration::from_secs(2);

/// A name server over UDP, which truncates what is long, and TCP; it counts what it is asked.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let (by_udp, by_tcp) = (Arc::clone(&asked), Arc::clone(&asked));
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((size, peer)) = udp.recv_from(&mut buffer).await {
            by_udp.fetch_add(1, Ordering::Relaxed);
            let mut answer = answer(buffer.get(..size).unwrap());
            if answer.to_vec().unwrap().len() > 1_200 {
                answer.answers.clear();
                answer.metadata.truncation = true;
            }
            udp.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let by_tcp = Arc::clone(&by_tcp);
            tokio::spawn(async move {
                while let Ok(size) = stream.read_u16().await {
                    let mut question = vec![0; usize::from(size)];
                    stream.read_exact(&mut question).await.unwrap();
                    by_tcp.fetch_add(1, Ordering::Relaxed);
                    let answer = answer(&question).to_vec().unwrap();
                    stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&answer).await.unwrap();
                }
            });
        }
    });
    (address, asked)
}

fn answer(question: &[u8]) -> Message {
    let question = Message::from_vec(question).unwrap();
    let query = question.queries.first().unwrap().clone();
    let name = query.name().clone();
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    let alias = |to: &str| RData::CNAME(CNAME(Name::from_ascii(to).unwrap()));
    let add = |answer: &mut Message, name: &Name, data: RData| {
        answer.add_answers([Record::from_rdata(name.clone(), 60, data)]);
    };
    let text = name.to_ascii();
    match (text.as_str(), query.query_type()) {
        ("self.example.", _) => add(&mut answer, &name, alias("self.example.")),
        ("ping.example.", _) => add(&mut answer, &name, alias("pong.example.")),
        ("pong.example.", _) => add(&mut answer, &name, alias("ping.example.")),
        // Both halves of the loop in one answer.
        ("both.example.", _) => {
            add(&mut answer, &name, alias("back.example."));
            add(&mut answer, &Name::from_ascii("back.example.").unwrap(), alias("both.example."));
        }
        // Each name is another's alias, for ever.
        (text, _) if text.ends_with("chain.example.") => {
            let count: usize = text.split('.').next().unwrap().parse().unwrap_or(0);
            add(&mut answer, &name, alias(&format!("{}.chain.example.", count + 1)));
        }
        // All that fits a message, as one text and as many.
        ("long.example.", RecordType::TXT) => {
            let text = TXT::new(vec!["x".repeat(255); 250]);
            add(&mut answer, &name, RData::TXT(text));
        }
        ("many.example.", RecordType::TXT) => {
            for n in 0..1_000 {
                add(&mut answer, &name, RData::TXT(TXT::new(vec![format!("v=spf1 {n}")])));
            }
        }
        ("hundred.example.", RecordType::TXT) => {
            for n in 0..100 {
                let text = TXT::new(vec!["x".repeat(255), n.to_string()]);
                add(&mut answer, &name, RData::TXT(text));
            }
        }
        _ => {}
    }
    answer
}

/// What comes of a question for texts, within the limits: without a proof and with one.
async fn ask(name: &str) -> [Result<Vec<Found>, DnsError>; 2] {
    let asked_for = AnyName::parse(name).unwrap();
    let (address, asked) = server().await;
    let resolver = HickoryResolver::asking_within(&[address], LIMIT, Dnssec::TrustAd).unwrap();
    let within = |begun: Instant| {
        let asked = asked.swap(0, Ordering::Relaxed);
        assert!((1..=ASKED_MAX).contains(&asked), "{name}: {asked} questions");
        assert!(begun.elapsed() < LIMIT * 2, "{name}: {:?}", begun.elapsed());
    };
    let begun = Instant::now();
    let found = resolver.records(&asked_for, Kind::Txt).await;
    within(begun);
    let begun = Instant::now();
    let proven = resolver.proven(&asked_for, Kind::Txt).await;
    within(begun);
    [found, proven.map(|proven| proven.records)]
}

#[tokio::test]
async fn aliases_that_lead_nowhere_end() {
    for name in ["self.example", "ping.example", "both.example", "chain.example", "1.chain.example"]
    {
        for found in ask(name).await {
            let error = found.unwrap_err();
            assert!(!matches!(error, DnsError::Unusable(_)), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn texts_without_measure_are_unusable_as_a_whole() {
    for name in ["long.example", "many.example"] {
        for found in ask(name).await {
            let error = found.unwrap_err();
            assert!(matches!(error, DnsError::Unusable(_)), "{name}: {error}");
        }
    }
    for hundred in ask("hundred.example").await {
        assert_eq!(hundred.unwrap().len(), super::RECORDS_MAX);
    }
}
