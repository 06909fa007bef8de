//! Content-Transfer-Encoding (RFC 2045 §6).

use serde::Serialize;

/// How the bytes of a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferEncoding {
    /// As they are; lines of ASCII. Also where nothing is said.
    #[default]
    SevenBit,
    /// As they are; lines of bytes.
    EightBit,
    /// As they are; any bytes.
    Binary,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// A word that the standard does not have.
    Unknown,
}

impl TransferEncoding {
    /// Reads an unfolded value; also says whether it is written exactly as the standard has it.
    pub fn parse(unfolded: &[u8]) -> (Self, bool) {
        let trimmed = unfolded.trim_ascii();
        let word: &[u8] = trimmed
            .split(|b| matches!(b, b' ' | b'\t' | b';' | b'(' | b',' | b'"'))
            .find(|word| !word.is_empty())
            .unwrap_or_default();
        let known = [
            (&b"7bit"[..], Self::SevenBit),
            (b"8bit", Self::EightBit),
            (b"binary", Self::Binary),
            (b"base64", Self::Base64),
            (b"quoted-printable", Self::QuotedPrintable),
        ];
        let found = known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        (found.map_or(Self::Unknown, |(_, encoding)| *encoding), word.len() == trimmed.len())
    }

    /// Whether the bytes of the body are the content.
    pub fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}
