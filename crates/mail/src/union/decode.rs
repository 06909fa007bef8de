//! Transfer encodings, by whatever word they are given.

use crate::mime::TransferEncoding;
use memchr::memmem;

/// A way to decode a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// Uuencode, with or without its first line.
    Uuencode,
    /// yEnc.
    Yenc,
    /// BinHex 4.0.
    BinHex,
}

/// Words in a value that stand for an encoding to somebody; lower case.
const WORDS: [(&[u8], Encoding); 15] = [
    (b"base64", Encoding::Base64),
    (b"base-64", Encoding::Base64),
    (b"base_64", Encoding::Base64),
    (b"base 64", Encoding::Base64),
    (b"b64", Encoding::Base64),
    (b"quoted", Encoding::QuotedPrintable),
    (b"printable", Encoding::QuotedPrintable),
    (b"uuencode", Encoding::Uuencode),
    (b"x-uue", Encoding::Uuencode),
    (b"uue", Encoding::Uuencode),
    (b"yenc", Encoding::Yenc),
    (b"binhex", Encoding::BinHex),
    (b"hqx", Encoding::BinHex),
    (b"7bit", Encoding::Identity),
    (b"8bit", Encoding::Identity),
];

/// The ways to decode that an unfolded value stands for, the preferred one first.
pub(super) fn encodings(value: &[u8]) -> Vec<Encoding> {
    let (preferred, exact) = TransferEncoding::parse(value);
    let first = match preferred {
        TransferEncoding::Base64 => Encoding::Base64,
        TransferEncoding::QuotedPrintable => Encoding::QuotedPrintable,
        _ => Encoding::Identity,
    };
    let mut found = vec![first];
    if exact && preferred != TransferEncoding::Unknown {
        return found;
    }
    let lower = value.to_ascii_lowercase();
    let mut add = |encoding| {
        if !found.contains(&encoding) {
            found.push(encoding);
        }
    };
    let mut known = preferred != TransferEncoding::Unknown;
    for (word, encoding) in WORDS {
        if memmem::find(&lower, word).is_some() {
            known = true;
            add(encoding);
        }
    }
    // A reader that does not know a word takes the bytes as they are; one that guesses, guesses
    // the two that the standard has.
    add(Encoding::Identity);
    if !known && !lower.trim_ascii().is_empty() {
        add(Encoding::Base64);
        add(Encoding::QuotedPrintable);
    }
    found
}
