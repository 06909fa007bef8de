//! How much of a message the index keeps. What is beyond a limit is noted as an ambiguity, so that
//! nobody takes it for clean.

/// The limits of an [`IndexBuilder`](super::IndexBuilder).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes kept of the top header: four times what Sendmail takes by default, because lists of
    /// recipients and authentication results grow.
    pub header_bytes_max: usize,
    /// Bytes kept of the headers of all parts together.
    pub part_header_bytes_max: usize,
    /// Fields looked at in one header.
    pub fields_max: usize,
    /// Parts listed. Digests and picture mails have some hundreds.
    pub parts_max: usize,
    /// How deep parts may nest. Mail that was forwarded ten times as attachment needs 30.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes_max: 256 * 1024,
            part_header_bytes_max: 1024 * 1024,
            fields_max: 2_000,
            parts_max: 1_000,
            depth_max: 50,
        }
    }
}

/// A delimiter line is looked at as far as the longest open boundary and this many bytes more:
/// dashes, line end, and as many blanks as somebody may have put there.
pub(super) const DELIMITER_TAIL_MAX: usize = 128;

/// Bytes of a preamble that are kept to see whether it is the usual note about MIME.
pub(super) const PREAMBLE_KEPT: usize = 256;
