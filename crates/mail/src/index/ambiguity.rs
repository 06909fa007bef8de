//! What two mail programs could read differently: a closed list.

use serde::Serialize;

/// What two readers of an ambiguity would disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Affects {
    /// Which parts there are.
    Structure,
    /// The bytes of a part.
    Content,
    /// The name or type of a part.
    Name,
    /// The text of a header field.
    Text,
}

macro_rules! ambiguities {
    ($($(#[doc = $doc:literal])+ $affects:ident $name:ident = $word:literal,)+) => {
        /// Something that two mail programs could read differently.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Ambiguity { $($(#[doc = $doc])+ $name,)+ }

        impl Ambiguity {
            /// Every ambiguity, in the order of the list.
            pub const ALL: &'static [Ambiguity] = &[$(Ambiguity::$name,)+];

            /// Its word, in snake case.
            pub fn word(self) -> &'static str {
                match self { $(Ambiguity::$name => $word,)+ }
            }

            /// What it is, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Ambiguity::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// What two readers would disagree about.
            pub fn affects(self) -> Affects {
                match self { $(Ambiguity::$name => Affects::$affects,)+ }
            }
        }
    };
}

ambiguities! {
    // Header fields.
    /// A field that may stand once stands more than once.
    Text DoubledField = "doubled_field",
    /// Content-Type stands more than once.
    Structure DoubledContentType = "doubled_content_type",
    /// Content-Transfer-Encoding stands more than once.
    Content DoubledEncoding = "doubled_encoding",
    /// Content-Disposition stands more than once.
    Name DoubledDisposition = "doubled_disposition",
    /// Blanks between a field's name and its colon.
    Structure BlankBeforeColon = "blank_before_colon",
    /// A line in a header that is neither a field nor a continuation of one.
    Structure OddHeaderLine = "odd_header_line",
    /// A line of blanks only in a header: a continuation to some, the end to others.
    Structure BlankHeaderLine = "blank_header_line",
    /// A delimiter line inside a header.
    Structure DelimiterInHeader = "delimiter_in_header",
    /// Bytes above 127 in a header: an error unless the envelope said SMTPUTF8 (RFC 6532 §3.2).
    Text EightBitHeader = "eight_bit_header",
    /// A control character other than tab in a header.
    Text ControlInHeader = "control_in_header",
    /// An encoded word that is not well formed (RFC 2047).
    Text OddEncodedWord = "odd_encoded_word",
    /// A charset that is not known, in a header.
    Text UnknownCharset = "unknown_charset",

    // What a part is.
    /// Content-Type and its kin without MIME-Version (RFC 2045 §4).
    Structure MissingMimeVersion = "missing_mime_version",
    /// A Content-Type that is no type.
    Structure OddContentType = "odd_content_type",
    /// Parameters that are not well formed: open quotes, missing semicolons, comments, blanks.
    Name OddParameters = "odd_parameters",
    /// A parameter stands more than once.
    Name DoubledParameter = "doubled_parameter",
    /// Continued parameters with gaps, doubled, out of order or beside a plain one (RFC 2231 §3).
    Name OddContinuation = "odd_continuation",
    /// The names that are given for a part differ.
    Name NamesDisagree = "names_disagree",

    // Boundaries and delimiters.
    /// A multipart type without a boundary.
    Structure MissingBoundary = "missing_boundary",
    /// A boundary of no characters.
    Structure EmptyBoundary = "empty_boundary",
    /// More than one boundary.
    Structure DoubledBoundary = "doubled_boundary",
    /// A boundary with other characters or longer than the standard has (RFC 2046 §5.1.1).
    Structure OddBoundary = "odd_boundary",
    /// The boundary of an enclosing multipart again.
    Structure RepeatedBoundary = "repeated_boundary",
    /// A boundary that begins like another one that is open.
    Structure BoundaryPrefix = "boundary_prefix",
    /// A delimiter line with other text behind the boundary.
    Structure DelimiterWithText = "delimiter_with_text",
    /// A delimiter line with blanks behind the boundary.
    Structure DelimiterWithBlanks = "delimiter_with_blanks",
    /// A multipart in which no delimiter line was found.
    Structure MissingDelimiter = "missing_delimiter",
    /// A multipart that does not end with its close delimiter.
    Structure MissingCloseDelimiter = "missing_close_delimiter",
    /// A delimiter line of a multipart that was closed already.
    Structure DelimiterAfterClose = "delimiter_after_close",
    /// Text before the first part that is not the usual note about MIME.
    Structure Preamble = "preamble",
    /// Text behind the last part.
    Structure Epilogue = "epilogue",

    /// A boundary that two programs would read differently.
    Structure BoundaryReadings = "boundary_readings",
    /// A boundary for a type that has no parts.
    Structure BoundaryWithoutMultipart = "boundary_without_multipart",
    /// A line in a text that is a delimiter to some readers: before a field of MIME.
    Structure StrayDelimiter = "stray_delimiter",
    /// A text that begins like a message with fields of MIME.
    Structure StrayHeader = "stray_header",

    // Bodies.
    /// A transfer encoding that the standard does not have.
    Content UnknownEncoding = "unknown_encoding",
    /// A transfer encoding that is not written as the standard has it.
    Content OddEncoding = "odd_encoding",
    /// A multipart or message type with a transfer encoding (RFC 2045 §6.4).
    Structure EncodedComposite = "encoded_composite",
    /// Base64 with characters outside its alphabet.
    Content Base64Junk = "base64_junk",
    /// Base64 with padding where none is due.
    Content Base64EarlyPadding = "base64_early_padding",
    /// Base64 that goes on behind its padding.
    Content Base64AfterPadding = "base64_after_padding",
    /// Base64 with a line that ends inside a group of four.
    Content Base64OddLine = "base64_odd_line",
    /// Base64 that ends inside a group of four.
    Content Base64CutShort = "base64_cut_short",
    /// Quoted-printable with an escape that is none.
    Content QuotedPrintableOdd = "quoted_printable_odd",
    /// Quoted-printable with lower-case digits (RFC 2045 §6.7).
    Content QuotedPrintableLowerCase = "quoted_printable_lower_case",

    // Bytes anywhere.
    /// A NUL byte.
    Content Nul = "nul",
    /// A CR without LF.
    Structure BareCr = "bare_cr",
    /// An LF without CR.
    Structure BareLf = "bare_lf",

    // Limits: what was not looked at.
    /// The header is larger than what is kept of it.
    Structure HeaderTooLarge = "header_too_large",
    /// The headers of all parts are larger than what is kept of them.
    Structure PartHeadersTooLarge = "part_headers_too_large",
    /// More fields in a header than are looked at.
    Structure TooManyFields = "too_many_fields",
    /// More parts than are looked at.
    Structure TooManyParts = "too_many_parts",
    /// Parts nested deeper than is looked at.
    Structure TooDeep = "too_deep",
    /// More ambiguities of a kind than are listed.
    Structure TooManyAmbiguities = "too_many_ambiguities",
}

impl std::fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Ambiguity {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

/// An ambiguity and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Offset in the message of the first byte concerned.
    pub at: u64,
    /// What it is.
    pub ambiguity: Ambiguity,
    /// The part it belongs to, as an index into the parts.
    pub part: usize,
    /// The field, parameter or values concerned, at most [`DETAIL_MAX`] bytes.
    pub detail: String,
}

/// Longest detail of a sighting.
pub const DETAIL_MAX: usize = 200;

/// Sightings listed of one kind; what comes after is told by `too_many_ambiguities`.
pub const PER_KIND_MAX: usize = 20;

/// Collects sightings, at most [`PER_KIND_MAX`] of a kind, so that the list is bounded and does not
/// depend on the order in which kinds are noticed.
#[derive(Debug, Clone)]
pub(super) struct Sightings {
    list: Vec<Sighting>,
    /// How many were noticed of each kind, in the order of [`Ambiguity::ALL`].
    seen: Vec<usize>,
}

impl Sightings {
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), seen: vec![0; Ambiguity::ALL.len()] }
    }

    pub(super) fn note(&mut self, ambiguity: Ambiguity, part: usize, at: u64, detail: &str) {
        let Some(seen) = self.seen.get_mut(ambiguity as usize) else { return };
        *seen += 1;
        if *seen <= PER_KIND_MAX {
            let detail = detail.get(..detail.floor_char_boundary(DETAIL_MAX)).unwrap_or_default();
            self.list.push(Sighting { at, ambiguity, part, detail: detail.to_owned() });
        } else if *seen == PER_KIND_MAX + 1 {
            let (ambiguity, detail) = (Ambiguity::TooManyAmbiguities, ambiguity.word().to_owned());
            self.list.push(Sighting { at, ambiguity, part, detail });
        }
    }

    /// The list in the order of the message.
    pub(super) fn finish(mut self) -> Vec<Sighting> {
        self.list.sort();
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::Ambiguity;
    use std::collections::HashSet;

    #[test]
    fn words_are_unique_and_in_snake_case() {
        let words: HashSet<_> = Ambiguity::ALL.iter().map(|a| a.word()).collect();
        assert_eq!(words.len(), Ambiguity::ALL.len());
        for word in words {
            let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(word.chars().all(proper) && !word.starts_with('_'), "{word}");
        }
    }

    #[test]
    fn meanings_are_sentences() {
        for ambiguity in Ambiguity::ALL {
            assert!(ambiguity.meaning().ends_with('.'), "{ambiguity}");
        }
    }
}
