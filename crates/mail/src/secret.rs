//! A value that cannot be printed by accident.

use zeroize::Zeroize;

/// Holds a password, key or token; prints as `***`, is wiped when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: call only where it is used, never to store or print it.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Changes it where it stands, so that no copy is left.
    pub fn change(&mut self, change: impl FnOnce(&mut T)) {
        change(&mut self.0);
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
