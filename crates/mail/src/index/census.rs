//! Counts and looks for single bytes: one pass over everything that is received.

use memchr::{memchr, memchr_iter};

/// What a stretch of bytes holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Census {
    /// LF bytes.
    pub(super) lines: u64,
    /// Place of the first NUL.
    pub(super) nul: Option<usize>,
    /// Place of the first byte that is not LF though a CR stands before it.
    pub(super) bare_cr: Option<usize>,
    /// Place of the first LF without a CR before it.
    pub(super) bare_lf: Option<usize>,
    /// Whether bytes above 127 were there.
    pub(super) eight_bit: bool,
}

/// Takes the census of `bytes`; `previous` is the byte before them.
pub(super) fn take(previous: u8, bytes: &[u8]) -> Census {
    let Some(&first) = bytes.first() else { return Census::default() };
    // Without branches, so that the compiler does many bytes at a time.
    let odd_pair = |a: u8, b: u8| (a == b'\r') != (b == b'\n');
    let mut odd = odd_pair(previous, first);
    let behind = bytes.get(1..).unwrap_or_default();
    for (&a, &b) in bytes.iter().zip(behind) {
        odd |= odd_pair(a, b);
    }
    let mut census = Census {
        lines: memchr_iter(b'\n', bytes).count() as u64,
        nul: memchr(0, bytes),
        eight_bit: !bytes.is_ascii(),
        ..Census::default()
    };
    if odd {
        let all =
            || std::iter::once((&previous, &first)).chain(bytes.iter().zip(behind)).enumerate();
        let find = |wanted: fn(u8, u8) -> bool| {
            all().find(|(_, (a, b))| wanted(**a, **b)).map(|(at, _)| at)
        };
        census.bare_cr = find(|a, b| a == b'\r' && b != b'\n');
        census.bare_lf = find(|a, b| a != b'\r' && b == b'\n');
    }
    census
}

#[cfg(test)]
mod tests {
    use super::{Census, take};

    fn check(previous: u8, bytes: &[u8], expected: Census) {
        assert_eq!(take(previous, bytes), expected, "for {bytes:?} after {previous}");
    }

    #[test]
    fn finds_the_first_of_each() {
        check(b'x', b"", Census::default());
        check(b'x', b"a\r\nb\r\n", Census { lines: 2, ..Census::default() });
        check(b'\r', b"\n", Census { lines: 1, ..Census::default() });
        check(b'x', b"\n", Census { lines: 1, bare_lf: Some(0), ..Census::default() });
        check(b'\r', b"x", Census { bare_cr: Some(0), ..Census::default() });
        check(
            b'x',
            b"a\rb\n\0\xff",
            Census { lines: 1, nul: Some(4), bare_cr: Some(2), bare_lf: Some(3), eight_bit: true },
        );
        // CR CR LF: the first CR is bare, the LF is not.
        check(b'x', b"\r\r\n", Census { lines: 1, bare_cr: Some(1), ..Census::default() });
    }
}
