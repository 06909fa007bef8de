//! The messages of SCRAM as they are written (RFC 5802 §5, §7).

use super::{HASH, NONCE_MAX, Salt};
use crate::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a client says of channel binding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flag {
    /// `n`: it knows none.
    Unable,
    /// `y`: it knows some, and thinks that we do not.
    Unoffered,
    /// `p=`: it binds by this kind.
    Bound(String),
}

/// The first message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst {
    pub(super) flag: Flag,
    /// `gs2-header`, as it was written.
    pub(super) header: String,
    /// What stands behind it.
    pub(super) bare: String,
    /// The name, unescaped.
    pub(super) user: String,
    pub(super) nonce: String,
}

/// The last message of a client.
#[derive(Debug)]
pub(super) struct ClientFinal<'t> {
    /// `cbind-input`: the header again, and the data of the binding.
    pub(super) binding: Vec<u8>,
    pub(super) nonce: &'t str,
    pub(super) without_proof: &'t str,
    pub(super) proof: Secret<[u8; HASH]>,
}

impl ClientFirst {
    /// `flag,[a=authzid],n=user,r=nonce[,extensions]`. Acting for another is not offered: an
    /// authorization identity may only repeat the name. Extensions that must be understood (`m=`)
    /// are not; others are passed over (RFC 5802 §5.1).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (flag, rest) = text.split_once(',')?;
        let (for_whom, bare) = rest.split_once(',')?;
        let header = text.get(..text.len() - bare.len())?.to_owned();
        let flag = match flag.split_once('=') {
            None if flag == "n" => Flag::Unable,
            None if flag == "y" => Flag::Unoffered,
            Some(("p", kind)) if is_binding_name(kind) => Flag::Bound(kind.to_owned()),
            _ => return None,
        };
        let mut parts = bare.split(',');
        let user = name(parts.next()?.strip_prefix("n=")?)?;
        let nonce = parts.next()?.strip_prefix("r=")?;
        if !for_whom.is_empty() && name(for_whom.strip_prefix("a=")?)? != user {
            return None;
        }
        let good = (1..=NONCE_MAX).contains(&nonce.len())
            && nonce.bytes().all(|byte| byte.is_ascii_graphic())
            && parts.all(is_attribute);
        let (bare, nonce) = (bare.to_owned(), nonce.to_owned());
        good.then_some(Self { flag, header, bare, user, nonce })
    }
}

impl<'t> ClientFinal<'t> {
    /// `c=binding,r=nonce[,extensions],p=proof`.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut parts = without_proof.split(',');
        let binding = STANDARD.decode(parts.next()?.strip_prefix("c=")?).ok()?;
        let nonce = parts.next()?.strip_prefix("r=")?;
        let proof = Secret::new(STANDARD.decode(proof).ok()?);
        let proof = Secret::new(<[u8; HASH]>::try_from(proof.expose().as_slice()).ok()?);
        parts.all(is_attribute).then_some(Self { binding, nonce, without_proof, proof })
    }
}

/// The server's first message: `r=nonce,s=salt,i=iterations`.
pub(super) fn server_first(client_nonce: &str, salt: &Salt) -> String {
    let Salt { salt, iterations, nonce, .. } = salt;
    format!("r={client_nonce}{nonce},s={},i={iterations}", STANDARD.encode(salt))
}

/// `cb-name` (RFC 5056 §7).
fn is_binding_name(kind: &str) -> bool {
    !kind.is_empty()
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

/// `attr-val`, of an extension that may be passed over.
fn is_attribute(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|letter| letter.is_ascii_alphabetic() && letter != b'm')
        && bytes.next() == Some(b'=')
        && bytes.next().is_some_and(|byte| byte != 0)
        && bytes.all(|byte| byte != 0)
}

/// `saslname`: `=2C` is a comma, `=3D` an equals sign, nothing else begins with one.
fn name(escaped: &str) -> Option<String> {
    let mut parts = escaped.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = match part.split_at_checked(2)? {
            ("2C", rest) => (',', rest),
            ("3D", rest) => ('=', rest),
            _ => return None,
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    let good = !plain.is_empty() && !plain.chars().any(char::is_control);
    good.then_some(plain)
}
