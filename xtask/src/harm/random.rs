//! Random numbers that can be repeated: a run prints its seed.

/// SplitMix64: good enough to choose moments and sizes.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody chose.
    pub(crate) fn seed() -> u64 {
        let mut bytes = [0; 8];
        // Without the kernel's randomness the clock will do: it is a test's choice of moments.
        if getrandom::fill(&mut bytes).is_err() {
            return u64::from(std::process::id());
        }
        u64::from_le_bytes(bytes)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if `end` is.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// A generator of its own for a thread or an image.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }
}
