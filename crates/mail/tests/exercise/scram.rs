//! What must hold for any messages of a client of SCRAM, shared by the fuzz target and the test
//! that replays its corpus.
//!
//! The first byte chooses: 1 with channel binding, 2 a connection that has none, 4 messages that
//! are base64 already. The rest is what the client sends, a message a line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::scram::{Ask, Bindings, Exchange, Salt, Told};

const NONCE: &str = "ours";

/// A log-in that is told everything it asks for.
pub(crate) fn exercise(bytes: &[u8]) {
    let Some((choice, sent)) = bytes.split_first() else { return };
    let plus = choice & 1 != 0;
    let mut exchange = Exchange::new(plus);
    let (mut salted, mut signed) = (false, false);
    for message in sent.split(|byte| *byte == b'\n').take(8) {
        let text = match choice & 4 {
            0 => STANDARD.encode(message),
            _ => String::from_utf8_lossy(message).into_owned(),
        };
        let told = match exchange.message(&text) {
            Err(_) => break,
            Ok(Ask::Salt { user }) => {
                assert!(!salted && !user.is_empty() && !user.contains(char::is_control));
                salted = true;
                Told::Salt(salt(choice & 2 == 0))
            }
            Ok(Ask::Proof(attempt)) => {
                assert!(salted && !signed && attempt.plus == plus);
                let parts: Vec<&str> = attempt.auth_message.split(',').collect();
                let nonces = parts.iter().filter(|part| part.starts_with("r=")).count();
                assert!(nonces >= 3 && parts.iter().any(|part| part.ends_with(NONCE)));
                assert!(!plus || choice & 2 == 0, "bound to what has no binding");
                signed = true;
                Told::Signature([1; 32])
            }
            Ok(Ask::Enter) => {
                assert!(signed && exchange.is_entering());
                assert!(exchange.told(Told::Signature([1; 32])).is_none());
                break;
            }
        };
        assert!(!exchange.is_entering());
        let challenge = exchange.told(told).unwrap_or_default();
        let is_base64 = STANDARD.decode(&challenge).is_ok_and(|bytes| !bytes.is_empty());
        assert!(is_base64 && challenge.len() <= 480, "not a challenge: {challenge}");
    }
    assert!(exchange.message("biws").is_err() || !salted, "it goes on for ever");
}

fn salt(bound: bool) -> Salt {
    let bindings = match bound {
        true => Bindings { exporter: Some([b'7'; 32]), end_point: Some(vec![b'9'; 32]) },
        false => Bindings::default(),
    };
    Salt { salt: vec![1; 16], iterations: 4_096, nonce: NONCE.to_owned(), bindings }
}
