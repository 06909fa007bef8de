//! SCRAM (RFC 5802, RFC 7677), the server's side, for the machines of every protocol: the client's
//! messages go in, in base64 as SASL lines carry them; challenges and questions come out.
//!
//! Pure, and without cryptography: the machine reads messages, binds the exchange to its TLS
//! connection and to its nonces, and asks for the rest ([`Ask`]). Whether a proof is right is
//! decided by `policy`, which holds the verifiers. Served under TLS only, always together with
//! `-PLUS`: a client that says it saw none (`y`) was lied to by somebody between (RFC 5802 §6).
//!
//! The user name is not prepared here (RFC 5802 §5.1 would have SASLprep): `policy` finds an
//! account by an address, which has its own rules of what is alike.

mod message;

use crate::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use message::{ClientFinal, ClientFirst, Flag};

/// The mechanism without channel binding.
pub const SCRAM: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// Bytes of an SHA-256 hash: of proofs, signatures and stored keys.
pub const HASH: usize = 32;
/// Longest nonce of a client: clients send 18 to 40 bytes, and the first challenge, which repeats
/// it, has to fit a reply line of 512 bytes in base64.
pub const NONCE_MAX: usize = 256;

/// What the exchange wants to know.
#[derive(Debug, Clone)]
pub enum Ask {
    /// How are this name's verifiers salted? Answered by [`Told::Salt`], for every name alike.
    Salt {
        /// The name, not empty, without control characters.
        user: String,
    },
    /// Is this proof right? Answered by [`Told::Signature`], or by a refusal.
    Proof(Box<Attempt>),
    /// The client took our signature for good: it is logged in.
    Enter,
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone)]
pub enum Told {
    /// See [`Salt`].
    Salt(Salt),
    /// HMAC(ServerKey, AuthMessage): by it the client knows that we know it (RFC 5802 §3).
    Signature([u8; HASH]),
}

/// What the server's first message says, and what the connection is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt {
    /// Given to PBKDF2 with the password.
    pub salt: Vec<u8>,
    /// How often it hashes.
    pub iterations: u32,
    /// Our part of the nonce: printable ASCII without commas, never used twice.
    pub nonce: String,
    /// What identifies the TLS connection.
    pub bindings: Bindings,
}

/// What identifies a TLS connection to both of its ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    /// `tls-exporter` (RFC 9266), where the version of TLS makes it safe.
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 §4): a hash of our certificate.
    pub end_point: Option<Vec<u8>>,
}

/// A client's proof that it knows the password, with all that is needed to check it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The name.
    pub user: String,
    /// Whether it is bound to the connection.
    pub plus: bool,
    /// The salt that the client was told.
    pub salt: Vec<u8>,
    /// The iterations that it was told.
    pub iterations: u32,
    /// What is signed (RFC 5802 §3).
    pub auth_message: String,
    /// ClientProof. With a stored key it gives the client's key away, so it is never printed.
    pub proof: Secret<[u8; HASH]>,
}

/// Why an exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not base64, or not the message that is due.
    Unreadable,
    /// The nonce is not the one of this exchange: an old message sent again.
    Nonce,
    /// Bound to another connection than this, or not as it must be; the text says which.
    Binding(&'static str),
}

/// One log-in.
#[derive(Debug)]
pub struct Exchange {
    plus: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    First,
    Salting(ClientFirst),
    Final(Box<Open>),
    Proving,
    Confirming,
    Entering,
    Over,
}

/// What the client's last message has to fit.
#[derive(Debug)]
struct Open {
    first: ClientFirst,
    salt: Salt,
    server_first: String,
}

impl Exchange {
    /// A log-in by [`SCRAM`], or by [`SCRAM_PLUS`].
    pub fn new(plus: bool) -> Self {
        Self { plus, state: State::First }
    }

    /// Takes the client's next message, and says what has to be asked.
    ///
    /// # Errors
    /// The exchange ends; nobody is logged in.
    pub fn message(&mut self, base64: &str) -> Result<Ask, Fault> {
        let state = std::mem::replace(&mut self.state, State::Over);
        let bytes = Secret::new(STANDARD.decode(base64).map_err(|_| Fault::Unreadable)?);
        let text = std::str::from_utf8(bytes.expose()).map_err(|_| Fault::Unreadable)?;
        match state {
            State::First => {
                let first = ClientFirst::parse(text).ok_or(Fault::Unreadable)?;
                self.check_flag(&first.flag)?;
                let user = first.user.clone();
                self.state = State::Salting(first);
                Ok(Ask::Salt { user })
            }
            State::Final(open) => {
                let attempt = open.close(text, self.plus)?;
                self.state = State::Proving;
                Ok(Ask::Proof(Box::new(attempt)))
            }
            // SMTP and POP3 have no success with data: our signature is one more challenge, and
            // the client answers with nothing (RFC 4954 §4, RFC 5034 §4).
            State::Confirming if text.is_empty() => {
                self.state = State::Entering;
                Ok(Ask::Enter)
            }
            _ => Err(Fault::Unreadable),
        }
    }

    /// Takes the answer to the question asked last; gives the next challenge, in base64. `None` if
    /// it is the answer to another question.
    pub fn told(&mut self, told: Told) -> Option<String> {
        match (std::mem::replace(&mut self.state, State::Over), told) {
            (State::Salting(first), Told::Salt(salt)) => {
                let server_first = message::server_first(&first.nonce, &salt);
                let challenge = STANDARD.encode(&server_first);
                self.state = State::Final(Box::new(Open { first, salt, server_first }));
                Some(challenge)
            }
            (State::Proving, Told::Signature(signature)) => {
                self.state = State::Confirming;
                Some(STANDARD.encode(format!("v={}", STANDARD.encode(signature))))
            }
            _ => None,
        }
    }

    /// Whether the last question was [`Ask::Enter`]: only then an account may be entered.
    pub fn is_entering(&self) -> bool {
        matches!(self.state, State::Entering)
    }

    /// RFC 5802 §6: the flag has to fit the mechanism.
    fn check_flag(&self, flag: &Flag) -> Result<(), Fault> {
        match (self.plus, flag) {
            (true, Flag::Bound(_)) | (false, Flag::Unable) => Ok(()),
            (true, _) => Err(Fault::Binding("PLUS without a binding")),
            (false, Flag::Bound(_)) => Err(Fault::Binding("a binding without PLUS")),
            (false, Flag::Unoffered) => Err(Fault::Binding("PLUS was hidden from the client")),
        }
    }
}

impl Open {
    fn close(self, text: &str, plus: bool) -> Result<Attempt, Fault> {
        let last = ClientFinal::parse(text).ok_or(Fault::Unreadable)?;
        let nonce = format!("{}{}", self.first.nonce, self.salt.nonce);
        if last.nonce != nonce {
            return Err(Fault::Nonce);
        }
        let mut expected = self.first.header.clone().into_bytes();
        if let Flag::Bound(kind) = &self.first.flag {
            let bindings = &self.salt.bindings;
            let data = match kind.as_str() {
                "tls-exporter" => bindings.exporter.as_ref().map(|data| data.as_slice()),
                "tls-server-end-point" => bindings.end_point.as_deref(),
                _ => None,
            };
            expected.extend_from_slice(data.ok_or(Fault::Binding("a kind that is not there"))?);
        }
        if last.binding != expected {
            return Err(Fault::Binding("another connection"));
        }
        let without_proof = last.without_proof;
        let auth_message = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        let Salt { salt, iterations, .. } = self.salt;
        let proof = last.proof;
        Ok(Attempt { user: self.first.user, plus, salt, iterations, auth_message, proof })
    }
}

#[cfg(test)]
mod tests;
