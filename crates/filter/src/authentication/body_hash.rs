//! Hashes of a body: every form that some signature wants, in one pass over the body.

use super::canonical::{BodyCanonicalizer, Canonicalization};
use aws_lc_rs::digest::{Context, Digest, SHA256};

/// Bytes that are gathered before they are hashed, and so the memory that a form takes.
const BUFFER_MAX: usize = 64 * 1024;

/// A form of the body that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) how: Canonicalization,
    /// Bytes of the canonical form that are covered (RFC 6376 §3.5, `l=`); `None` is all of them.
    pub(crate) length: Option<u64>,
}

/// The hash of a form, by SHA-256.
#[derive(Debug, Clone)]
pub(crate) struct BodyDigest {
    pub(crate) wanted: Wanted,
    pub(crate) digest: Digest,
    /// Bytes that the whole canonical form has.
    pub(crate) size: u64,
}

/// The hashes of a whole body.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyDigests(Vec<BodyDigest>);

impl BodyDigests {
    pub(crate) fn find(&self, wanted: Wanted) -> Option<&BodyDigest> {
        self.0.iter().find(|digest| digest.wanted == wanted)
    }
}

/// The hashes of a body that is on its way.
pub(crate) struct BodyHashes {
    streams: Vec<Stream>,
}

/// One canonicalisation, and the hashes that are taken of what it gives.
struct Stream {
    how: Canonicalization,
    canonicalizer: BodyCanonicalizer,
    hashed: Hashed,
    /// What comes out in small pieces, gathered; kept for the next window.
    buffer: Vec<u8>,
}

/// The canonical form as far as it is known.
#[derive(Default)]
struct Hashed {
    hashes: Vec<Hash>,
    size: u64,
}

struct Hash {
    length: Option<u64>,
    context: Context,
}

impl BodyHashes {
    /// Prepares the forms that are wanted; what is wanted twice is made once.
    pub(crate) fn of(wanted: impl IntoIterator<Item = Wanted>) -> Self {
        let mut streams: Vec<Stream> = Vec::new();
        for Wanted { how, length } in wanted {
            let at = streams.iter().position(|stream| stream.how == how);
            let at = at.unwrap_or_else(|| {
                streams.push(Stream::new(how));
                streams.len() - 1
            });
            if let Some(stream) = streams.get_mut(at)
                && !stream.hashed.hashes.iter().any(|hash| hash.length == length)
            {
                stream.hashed.hashes.push(Hash { length, context: Context::new(&SHA256) });
            }
        }
        Self { streams }
    }

    /// Whether nothing is wanted: then the body need not be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Takes the next bytes of the body.
    pub(crate) fn push(&mut self, window: &[u8]) {
        for stream in &mut self.streams {
            let Stream { canonicalizer, hashed, buffer, .. } = stream;
            canonicalizer.push(window, &mut |bytes| {
                buffer.extend_from_slice(bytes);
                // A body of empty lines comes out all at once when something follows them.
                if buffer.len() > BUFFER_MAX {
                    hashed.update(buffer);
                    buffer.clear();
                }
            });
            hashed.update(buffer);
            buffer.clear();
        }
    }

    /// Ends the body.
    pub(crate) fn finish(self) -> BodyDigests {
        BodyDigests(self.streams.into_iter().flat_map(Stream::finish).collect())
    }
}

impl Stream {
    fn new(how: Canonicalization) -> Self {
        let canonicalizer = BodyCanonicalizer::new(how);
        Self { how, canonicalizer, hashed: Hashed::default(), buffer: Vec::new() }
    }

    fn finish(mut self) -> Vec<BodyDigest> {
        let mut end = Vec::new();
        self.canonicalizer.finish(&mut |bytes| end.extend_from_slice(bytes));
        self.hashed.update(&end);
        let (how, size) = (self.how, self.hashed.size);
        let digest = |Hash { length, context }| BodyDigest {
            wanted: Wanted { how, length },
            digest: context.finish(),
            size,
        };
        self.hashed.hashes.into_iter().map(digest).collect()
    }
}

impl Hashed {
    fn update(&mut self, bytes: &[u8]) {
        for hash in &mut self.hashes {
            let left = hash.length.map_or(u64::MAX, |length| length.saturating_sub(self.size));
            let covered = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            hash.context.update(bytes.get(..covered).unwrap_or_default());
        }
        self.size += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{BodyHashes, Canonicalization, Wanted};
    use aws_lc_rs::digest::{SHA256, digest};

    #[test]
    fn empty_lines_take_no_memory() {
        let relaxed = Wanted { how: Canonicalization::Relaxed, length: None };
        let mut hashes = BodyHashes::of([relaxed]);
        let body = [b"\r\n".repeat(500_000), b"x".to_vec()].concat();
        for piece in body.chunks(50_000) {
            hashes.push(piece);
            let held: usize = hashes.streams.iter().map(|stream| stream.buffer.capacity()).sum();
            assert!(held < 300_000, "{held}");
        }
        let expected = digest(&SHA256, &[&body, &b"\r\n"[..]].concat());
        let digests = hashes.finish();
        assert_eq!(digests.find(relaxed).unwrap().digest.as_ref(), expected.as_ref());
    }

    #[test]
    fn each_form_is_hashed_as_far_as_it_is_covered() {
        let relaxed = Canonicalization::Relaxed;
        let wanted = |how, length| Wanted { how, length };
        let all = [
            (wanted(relaxed, None), "a b\r\nc\r\n", 8),
            (wanted(relaxed, Some(4)), "a b\r", 8),
            (wanted(relaxed, Some(0)), "", 8),
            (wanted(relaxed, Some(8)), "a b\r\nc\r\n", 8),
            (wanted(relaxed, Some(u64::MAX)), "a b\r\nc\r\n", 8),
            (wanted(Canonicalization::Simple, None), "a \t b\r\nc \r\n", 11),
        ];
        let mut hashes = BodyHashes::of(all.iter().chain(&all).map(|(wanted, ..)| *wanted));
        assert_eq!(hashes.streams.iter().map(|s| s.hashed.hashes.len()).sum::<usize>(), all.len());
        for piece in b"a \t b\r\nc \r\n\r\n".chunks(3) {
            hashes.push(piece);
        }
        let digests = hashes.finish();
        for (wanted, text, size) in all {
            let found = digests.find(wanted).unwrap();
            let expected = digest(&SHA256, text.as_bytes());
            assert_eq!(found.digest.as_ref(), expected.as_ref(), "{wanted:?}");
            assert_eq!(found.size, size, "{wanted:?}");
        }
        assert!(digests.find(wanted(Canonicalization::Simple, Some(1))).is_none());
    }
}
