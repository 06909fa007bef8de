//! How much of a message is read. What is beyond a limit makes the reading incomplete.

/// The limits of one reading, over everything in the message together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnionLimits {
    /// Messages, blocks and encodings inside one another.
    pub depth_max: usize,
    /// Contents given: eight times what the index lists of parts, for other readings.
    pub seen_max: usize,
    /// Bytes given and read, in sizes of the message. The preferred reading takes one, a message
    /// in a part another; an ambiguous structure three or four.
    pub sizes_max: u64,
    /// Bytes given and read whatever the size, so that small messages have room.
    pub bytes_free: u64,
    /// Bytes of decoded contents that are held at one time: a body of 50 MiB in base64, or one of
    /// 30 MiB in base64 in base64. The process that reads has 64 MiB beside the message.
    pub held_max: u64,
    /// Lines that could be delimiters, where the structure is in doubt.
    pub cuts_max: usize,
    /// Beginnings of parts that are tried, where the structure is in doubt.
    pub starts_max: usize,
}

impl Default for UnionLimits {
    fn default() -> Self {
        Self {
            depth_max: 32,
            seen_max: 8_000,
            sizes_max: 6,
            bytes_free: 16 << 20,
            held_max: 40 << 20,
            cuts_max: 4_000,
            starts_max: 4_000,
        }
    }
}

/// Bytes of a header that are looked at where the structure is in doubt: what the index keeps.
pub(super) const HEADER_MAX: usize = 256 * 1024;

/// Names and types that are kept of one header; more than any honest part has.
pub(super) const NAMES_MAX: usize = 100;

/// Fields of MIME that are looked at in one header; an honest part has six.
pub(super) const FIELDS_MAX: usize = 200;

/// Longest value that is read of a parameter by simple means. File systems have 255 characters.
pub(super) const VALUE_MAX: usize = 2_048;
