//! What can go wrong in the store, sorted by what the caller can do about it.

/// Why the store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A statement did not meet its expectation, or broke a constraint: the whole write was rolled
    /// back and nothing of it is kept. The caller looks again, or refuses.
    #[error("statement {statement} of the write found other rows than it expected")]
    Conflict {
        /// Which statement of the write, counted from 0.
        statement: usize,
    },
    /// No room: the disk is full, or a limit of the store's own is reached. Later may work (452).
    #[error("the storage is full: {0}")]
    Full(String),
    /// The engine cannot do it now: an I/O error, a lost connection. Later may work (451). Whether
    /// the write was kept is not known.
    #[error("the storage is not available: {0}")]
    Unavailable(String),
    /// What is stored contradicts itself; an administrator has to look (`gatepost fsck`).
    #[error("the stored data is damaged: {0}")]
    Corrupt(String),
    /// The schema was written by a newer Gatepost.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: \
         it needs a newer Gatepost"
    )]
    TooNew {
        /// The version found.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another process has the data folder.
    #[error("{0}")]
    Locked(String),
    /// There is no such thing; the text names it.
    #[error("there is no {0}")]
    NotFound(String),
    /// It is there already; the text names it.
    #[error("{0} exists already")]
    Exists(String),
    /// What was asked for cannot be; the text says why.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// An I/O error of the operating system, at what is told by `doing`.
    pub fn io(doing: &str, error: &std::io::Error) -> Self {
        let text = format!("{doing}: {error}");
        match error.kind() {
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge => Error::Full(text),
            _ => Error::Unavailable(text),
        }
    }

    /// Whether the same thing may work later without anybody changing the question.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Error::Full(_) | Error::Unavailable(_) | Error::Locked(_))
    }
}
