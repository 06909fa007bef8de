//! Archives behind something else: the program that unpacks them, or a picture that hides them.

/// How far from the front programs look (7-Zip and WinRAR: 1 MiB).
const FRONT_MAX: usize = 1 << 20;

/// The first place in the front of a file where `magic` stands and `check` agrees.
pub(super) fn starts(
    bytes: &[u8],
    magic: &[u8],
    check: impl Fn(usize) -> Option<()>,
) -> Option<usize> {
    let front = bytes.get(..FRONT_MAX).unwrap_or(bytes);
    super::bytes::places(front, magic).find(|at| check(*at).is_some())
}
