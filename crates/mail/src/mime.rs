//! The small grammars of MIME: encoded words, parameters, charsets, transfer encodings.
//!
//! Pure functions over header bytes, called by [`crate::index`] and [`crate::address_list`]. Every
//! reader here is lenient, gives the reading that most programs give, and names as a [`Fault`]
//! whatever another program could read differently. None of them sees a body.

pub mod charset;
pub mod encoding;
pub mod parameters;
pub mod words;

pub use encoding::TransferEncoding;
pub use parameters::{Parameter, Structured};
pub(crate) use words::hex_pair;

/// Something in a header value that programs read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// An encoded word that does not end, has blanks inside, or an encoding other than B and Q.
    OddWord,
    /// Base64 of an encoded word with characters outside the alphabet or misplaced padding.
    WordBase64,
    /// A charset that we cannot decode.
    UnknownCharset,
    /// Bytes above 127 outside encoded words.
    EightBit,
    /// The value before the parameters is missing or has something behind it.
    OddValue,
    /// A quoted string that does not end, or begins in the middle of a value.
    OddQuote,
    /// Text between the end of a parameter and the next semicolon.
    MissingSemicolon,
    /// A parameter without `=` or without a name.
    BareParameter,
    /// Blanks inside an unquoted value or around the `=`.
    BlankInValue,
    /// A comment among the parameters.
    Comment,
    /// A backslash before a character that needs none.
    Backslash,
    /// A control character in a value.
    Control,
    /// The same parameter twice.
    Doubled,
    /// Continuations (RFC 2231 §3) with gaps, doubled, out of order or beside a plain value.
    Continuation,
    /// A broken percent escape or charset mark (RFC 2231 §4).
    Percent,
    /// More parameters than we read.
    TooManyParameters,
}

impl Fault {
    /// What it is, for people.
    pub fn text(self) -> &'static str {
        match self {
            Fault::OddWord => "encoded word that is not well formed",
            Fault::WordBase64 => "encoded word with broken base64",
            Fault::UnknownCharset => "unknown charset",
            Fault::EightBit => "bytes above 127",
            Fault::OddValue => "value missing or followed by something",
            Fault::OddQuote => "quoted string without end or in the middle",
            Fault::MissingSemicolon => "text before the next semicolon",
            Fault::BareParameter => "parameter without = or name",
            Fault::BlankInValue => "blank in an unquoted value",
            Fault::Comment => "comment among the parameters",
            Fault::Backslash => "needless backslash",
            Fault::Control => "control character",
            Fault::Doubled => "parameter given twice",
            Fault::Continuation => "continuation out of order",
            Fault::Percent => "broken percent encoding",
            Fault::TooManyParameters => "too many parameters",
        }
    }
}

/// Takes the line ends of folding out (RFC 5322 §2.2.3): those before a blank, and the last one.
pub fn unfold(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|&b| b == b'\n') {
        out.extend_from_slice(without_line_end(line));
    }
    out
}

/// A line without its CRLF or LF.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A field's value as people read it: unfolded, words decoded, blanks around it gone.
pub fn text(raw: &[u8]) -> String {
    words::decode(&unfold(raw)).trim().to_owned()
}

/// Length of the comment that `bytes` begin with (RFC 5322 §3.2.2); all of it if it does not end.
pub(crate) fn comment_len(bytes: &[u8]) -> usize {
    comment_end(bytes).unwrap_or(bytes.len())
}

/// Where the comment that `bytes` begin with ends, if it does.
pub(crate) fn comment_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, &b) in bytes.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => (),
        }
    }
    None
}
