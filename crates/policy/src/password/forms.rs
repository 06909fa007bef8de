//! The forms of stored passwords, read strictly: what passes here is safe and cheap to check.

use super::{HashError, LANES, MEMORY_KIB, PASSES};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// A stored password, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PHC notation; `fresh` where it is Argon2id at today's cost or above.
    Argon2 { phc: String, fresh: bool },
    /// What crypt(3) knows: `$1$`, `$5$`, `$6$`, `$2a$`, `$2b$`, `$2y$`, DES.
    Crypt(String),
    /// A bare hash over password and salt (the salt may be empty).
    Digest { kind: DigestKind, sum: Vec<u8>, salt: Vec<u8> },
    /// Dovecot's PBKDF2 with HMAC-SHA-1.
    Pbkdf2 { rounds: u32, salt: Vec<u8>, sum: Vec<u8> },
    /// A password in the clear: good for an import, which hashes it at once.
    Plain(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DigestKind {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// Each about half a second of one core, or 64 MiB: what a log-in may cost at the most.
const ARGON2_MEMORY_MAX_KIB: u32 = 65_536;
const ARGON2_PASSES_MAX: u32 = 10;
const ARGON2_LANES_MAX: u32 = 4;
const BCRYPT_COST_MAX: u32 = 13;
const SHA_CRYPT_ROUNDS_MAX: u32 = 1_000_000;
const PBKDF2_ROUNDS_MAX: u32 = 1_000_000;
/// No form that we know is longer.
const TEXT_MAX: usize = 512;

impl DigestKind {
    fn len(self) -> usize {
        match self {
            DigestKind::Md5 => 16,
            DigestKind::Sha1 => 20,
            DigestKind::Sha256 => 32,
            DigestKind::Sha512 => 64,
        }
    }
}

/// Reads a stored password; what it returns is within the limits of cost.
pub(super) fn parse(text: &str) -> Result<Form, HashError> {
    if text.len() > TEXT_MAX || text.is_empty() || text.chars().any(char::is_control) {
        return malformed("password hash", "empty, too long, or with control characters");
    }
    match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((scheme, rest)) => scheme_form(&scheme.to_ascii_uppercase(), rest),
        None => crypt_form(text),
    }
}

/// Dovecot's `{SCHEME}` or `{SCHEME.encoding}` before the hash.
fn scheme_form(scheme: &str, rest: &str) -> Result<Form, HashError> {
    let (name, encoding) = scheme.split_once('.').unwrap_or((scheme, ""));
    if let Some((form, kind, salted, usual)) = digest_scheme(name) {
        let bytes = decode(rest, if encoding.is_empty() { usual } else { encoding })
            .ok_or(HashError::Malformed { form, why: "neither base64 nor hexadecimal" })?;
        let Some((sum, salt)) = bytes.split_at_checked(kind.len()) else {
            return malformed(form, "too short");
        };
        if salt.is_empty() == salted {
            return malformed(form, "of the wrong length");
        }
        return Ok(Form::Digest { kind, sum: sum.to_vec(), salt: salt.to_vec() });
    }
    let text = match encoding {
        "" => rest.to_owned(),
        encoding => decode(rest, encoding)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(HashError::Malformed { form: "{SCHEME}", why: "the encoding does not fit" })?,
    };
    match name {
        "PLAIN" | "CLEARTEXT" | "CLEAR" if !text.is_empty() => Ok(Form::Plain(text.into_bytes())),
        "CRYPT" | "BLF-CRYPT" | "SHA256-CRYPT" | "SHA512-CRYPT" | "MD5-CRYPT" | "MD5"
        | "DES-CRYPT" | "ARGON2ID" | "ARGON2I" => crypt_form(&text),
        "PBKDF2" => pbkdf2_form(&text),
        "SCRAM-SHA-1" | "SCRAM-SHA-256" | "CRAM-MD5" | "HMAC-MD5" | "DIGEST-MD5" | "OTP"
        | "NTLM" | "LANMAN" | "RPA" => Err(HashError::Unsupported(
            "a verifier of another protocol, not a hash of the password: set a new password",
        )),
        _ => Err(HashError::Unsupported("a scheme that is not known here: set a new password")),
    }
}

/// Name for messages, hash, whether salted, and how Dovecot writes it when nothing is said.
fn digest_scheme(name: &str) -> Option<(&'static str, DigestKind, bool, &'static str)> {
    Some(match name {
        "SHA" | "SHA1" => ("{SHA}", DigestKind::Sha1, false, "B64"),
        "SSHA" => ("{SSHA}", DigestKind::Sha1, true, "B64"),
        "SHA256" => ("{SHA256}", DigestKind::Sha256, false, "B64"),
        "SSHA256" => ("{SSHA256}", DigestKind::Sha256, true, "B64"),
        "SHA512" => ("{SHA512}", DigestKind::Sha512, false, "B64"),
        "SSHA512" => ("{SSHA512}", DigestKind::Sha512, true, "B64"),
        "PLAIN-MD5" => ("{PLAIN-MD5}", DigestKind::Md5, false, "HEX"),
        "LDAP-MD5" => ("{LDAP-MD5}", DigestKind::Md5, false, "B64"),
        "SMD5" => ("{SMD5}", DigestKind::Md5, true, "B64"),
        _ => return None,
    })
}

fn crypt_form(text: &str) -> Result<Form, HashError> {
    let Some(rest) = text.strip_prefix('$') else { return des_form(text) };
    let (id, rest) = rest.split_once('$').unwrap_or((rest, ""));
    match id {
        "argon2id" | "argon2i" | "argon2d" => argon2_form(text),
        "1" => md5_crypt_form(text, rest),
        "5" => sha_crypt_form("SHA256-CRYPT", text, rest, 43),
        "6" => sha_crypt_form("SHA512-CRYPT", text, rest, 86),
        "2a" | "2b" | "2y" => bcrypt_form(text, rest),
        "y" | "gy" | "7" => Err(HashError::Unsupported(
            "yescrypt and scrypt (as in /etc/shadow) are not known here: set a new password",
        )),
        _ => Err(HashError::Unsupported("a crypt form that is not known here: set a new password")),
    }
}

/// The oldest crypt: 13 characters. Only the first eight characters of the password count.
fn des_form(text: &str) -> Result<Form, HashError> {
    if text.starts_with(['!', '*']) {
        return Err(HashError::Unsupported("a locked account has no password: set a new one"));
    }
    if text.len() != 13 || !text.bytes().all(is_hash64) {
        return Err(HashError::Unsupported(
            "not a password hash; a password in the clear is written {PLAIN}password",
        ));
    }
    Ok(Form::Crypt(text.to_owned()))
}

fn md5_crypt_form(text: &str, rest: &str) -> Result<Form, HashError> {
    let fits = rest.split_once('$').is_some_and(|(salt, sum)| {
        is_salt(salt, 8) && sum.len() == 22 && sum.bytes().all(is_hash64)
    });
    if !fits {
        return malformed("MD5-CRYPT", "not of the form $1$salt$hash");
    }
    Ok(Form::Crypt(text.to_owned()))
}

fn sha_crypt_form(
    form: &'static str,
    text: &str,
    rest: &str,
    len: usize,
) -> Result<Form, HashError> {
    let rest = match rest.strip_prefix("rounds=") {
        None => rest,
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').unwrap_or((rest, ""));
            // Fewer than 1,000 are never written by crypt(3): it raises them itself.
            match number(rounds) {
                Some(1_000..=SHA_CRYPT_ROUNDS_MAX) => rest,
                Some(rounds) if rounds > SHA_CRYPT_ROUNDS_MAX => {
                    return costly(form, "the number of rounds", SHA_CRYPT_ROUNDS_MAX);
                }
                _ => return malformed(form, "the number of rounds is wrong"),
            }
        }
    };
    let fits = rest.split_once('$').is_some_and(|(salt, sum)| {
        is_salt(salt, 16) && sum.len() == len && sum.bytes().all(is_hash64)
    });
    if !fits {
        return malformed(form, "not of the form $id$salt$hash, or a salt of other characters");
    }
    Ok(Form::Crypt(text.to_owned()))
}

fn bcrypt_form(text: &str, rest: &str) -> Result<Form, HashError> {
    let Some((cost, sum)) = rest.split_once('$') else {
        return malformed("BLF-CRYPT", "not of the form $2y$cost$hash");
    };
    if cost.len() != 2 || sum.len() != 53 || !sum.bytes().all(is_hash64) {
        return malformed("BLF-CRYPT", "not of the form $2y$cost$hash");
    }
    match number(cost) {
        Some(4..=BCRYPT_COST_MAX) => Ok(Form::Crypt(text.to_owned())),
        Some(cost) if cost > BCRYPT_COST_MAX => costly("BLF-CRYPT", "the cost", BCRYPT_COST_MAX),
        _ => malformed("BLF-CRYPT", "the cost is wrong"),
    }
}

fn argon2_form(text: &str) -> Result<Form, HashError> {
    const FORM: &str = "ARGON2";
    let Ok(hash) = argon2::PasswordHash::new(text) else {
        return malformed(FORM, "not in PHC notation");
    };
    let (Some(_), Some(_)) = (hash.salt.as_ref(), hash.hash.as_ref()) else {
        return malformed(FORM, "without salt or hash");
    };
    let Ok(params) = argon2::Params::try_from(&hash) else {
        return malformed(FORM, "its parameters are wrong");
    };
    if params.m_cost() > ARGON2_MEMORY_MAX_KIB {
        return costly(FORM, "memory in KiB", ARGON2_MEMORY_MAX_KIB);
    }
    if params.t_cost() > ARGON2_PASSES_MAX {
        return costly(FORM, "the number of passes", ARGON2_PASSES_MAX);
    }
    if params.p_cost() > ARGON2_LANES_MAX {
        return costly(FORM, "the number of lanes", ARGON2_LANES_MAX);
    }
    let fresh = text.starts_with("$argon2id$v=19$")
        && params.m_cost() >= MEMORY_KIB
        && params.t_cost() >= PASSES
        && params.p_cost() >= LANES;
    Ok(Form::Argon2 { phc: text.to_owned(), fresh })
}

/// `$1$salt$rounds$sum`, the sum in hexadecimal.
fn pbkdf2_form(text: &str) -> Result<Form, HashError> {
    const FORM: &str = "{PBKDF2}";
    let mut pieces = text.strip_prefix("$1$").unwrap_or_default().split('$');
    let (Some(salt), Some(rounds), Some(sum), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return malformed(FORM, "not of the form $1$salt$rounds$hash");
    };
    let rounds = match number(rounds) {
        Some(rounds @ 1..=PBKDF2_ROUNDS_MAX) => rounds,
        Some(rounds) if rounds > PBKDF2_ROUNDS_MAX => {
            return costly(FORM, "the number of rounds", PBKDF2_ROUNDS_MAX);
        }
        _ => return malformed(FORM, "the number of rounds is wrong"),
    };
    match decode(sum, "HEX") {
        Some(sum) if sum.len() == 20 => {
            Ok(Form::Pbkdf2 { rounds, salt: salt.as_bytes().to_vec(), sum })
        }
        _ => malformed(FORM, "the hash is not of 40 hexadecimal digits"),
    }
}

fn decode(text: &str, encoding: &str) -> Option<Vec<u8>> {
    match encoding {
        "B64" | "BASE64" => STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok(),
        "HEX" => {
            let digits: Option<Vec<u8>> =
                text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
            let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
            let pairs = digits.chunks_exact(2);
            Some(pairs.map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect())
        }
        _ => None,
    }
}

/// A decimal number without sign; one that overflows is as large as can be.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

fn is_hash64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'.' || b == b'/'
}

fn is_salt(salt: &str, max: usize) -> bool {
    salt.len() <= max && salt.bytes().all(is_hash64)
}

fn malformed<T>(form: &'static str, why: &'static str) -> Result<T, HashError> {
    Err(HashError::Malformed { form, why })
}

fn costly<T>(form: &'static str, what: &'static str, limit: u32) -> Result<T, HashError> {
    Err(HashError::TooCostly { form, what, limit })
}
