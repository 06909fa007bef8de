//! Tokens by which a recipient can ask for a release without logging in: by a reply to a notice, or
//! by a link in it.
//!
//! A token is a number and a keyed hash of that number and of how many tokens of the row were used
//! before: nothing of it has to be kept, it cannot be guessed, and it is good once.
//!
//! A message has a token too (`m` before its number), for parts that were taken out of it: the text
//! in their place is written before any row has a number. It is good for the rows of that message
//! that hold parts and were not asked for yet.

use super::list::{Held, HeldFilter, HeldKind, HeldState};
use super::release::Actor;
use crate::directory::key;
use crate::{Error, Store};
use aws_lc_rs::{constant_time, hmac};
use mail::{Id, MessageId, Secret};
use std::fmt::Write as _;

/// The name of the key among the secrets.
const KEY: &str = "quarantine-token";
/// The same of the key of forms.
const FORM_KEY: &str = "web-form";
/// Bytes of the hash that a token bears: 128 bits, which nobody guesses.
const HASH_BYTES: usize = 16;
/// Bytes of the longest token: a letter, a number, a dash, the hash in hexadecimal digits.
const TOKEN_MAX: usize = 1 + 20 + 1 + 2 * HASH_BYTES;
/// What stands before the number of a message.
const MESSAGE: char = 'm';
/// Rows of one message that its token is good for: as many recipients as a session may name.
const ROWS_MAX: usize = 1_000;

impl Store {
    /// The token that is in force for something that is held.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is held no more; the database's.
    pub async fn quarantine_token(&self, id: Id) -> Result<String, Error> {
        let held = self.quarantined(id).await?;
        if held.state != HeldState::Held {
            return Err(Error::Invalid(format!("{id} is held no more")));
        }
        Ok(format!("{id}-{}", self.token_hash(&held).await?))
    }

    /// The token of a message of which parts are held, good for every row of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn message_token(&self, message: MessageId) -> Result<String, Error> {
        Ok(format!("{MESSAGE}{message}-{}", self.message_hash(message).await?))
    }

    /// What a token is for: one row, or of a message every row that holds parts and was not asked
    /// for. Nothing where it is wrong, or was used, or the thing is held no more.
    ///
    /// # Errors
    /// The database's.
    pub async fn held_by_token(&self, token: &str) -> Result<Vec<Held>, Error> {
        if token.len() > TOKEN_MAX {
            return Ok(Vec::new());
        }
        let Some((number, hash)) = token.split_once('-') else { return Ok(Vec::new()) };
        match number.strip_prefix(MESSAGE) {
            Some(number) => self.parts_by_token(number, hash).await,
            None => Ok(self.row_by_token(number, hash).await?.into_iter().collect()),
        }
    }

    async fn row_by_token(&self, number: &str, hash: &str) -> Result<Option<Held>, Error> {
        let Ok(id) = number.parse::<Id>() else { return Ok(None) };
        let held = match self.quarantined(id).await {
            Err(Error::NotFound(_)) => return Ok(None),
            held => held?,
        };
        let is_it = is_same(&self.token_hash(&held).await?, hash);
        Ok(Some(held).filter(|held| is_it && held.state == HeldState::Held))
    }

    async fn parts_by_token(&self, number: &str, hash: &str) -> Result<Vec<Held>, Error> {
        let Ok(message) = number.parse::<Id>().map(MessageId) else { return Ok(Vec::new()) };
        if !is_same(&self.message_hash(message).await?, hash) {
            return Ok(Vec::new());
        }
        let of = HeldFilter { message: Some(message), ..HeldFilter::default() };
        let mut rows = self.quarantine_list(0, &of, ROWS_MAX).await?;
        rows.retain(|held| held.kind == HeldKind::Part && held.requested_at.is_none());
        Ok(rows)
    }

    /// What a token is for, the first of it where it is a message's; none as
    /// [`Store::held_by_token`] gives nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn quarantine_by_token(&self, token: &str) -> Result<Option<Held>, Error> {
        Ok(self.held_by_token(token).await?.into_iter().next())
    }

    /// Asks for a release by a token, of all that it is for; it is good no more then. The first of
    /// what was asked for; none where it was not.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_by_token(
        &self,
        token: &str,
        who: &str,
        by: Actor<'_>,
    ) -> Result<Option<Held>, Error> {
        let mut first = None;
        for held in self.held_by_token(token).await? {
            if self.request_held(&held, who, by).await? && first.is_none() {
                first = Some(self.quarantined(held.id).await?);
            }
        }
        Ok(first)
    }

    /// Asks for a release of what a token was found to be for; false where another was quicker with
    /// it.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_held(&self, held: &Held, who: &str, by: Actor<'_>) -> Result<bool, Error> {
        match self.ask(held, who, by).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The key by which the forms of web pages are known to be this store's own.
    ///
    /// # Errors
    /// The database's.
    pub async fn form_key(&self) -> Result<Secret<[u8; 32]>, Error> {
        key(&*self.db, FORM_KEY).await
    }

    async fn token_hash(&self, held: &Held) -> Result<String, Error> {
        self.keyed_hash(&format!("{} {}", held.id, held.tokens)).await
    }

    async fn message_hash(&self, message: MessageId) -> Result<String, Error> {
        self.keyed_hash(&format!("message {message}")).await
    }

    async fn keyed_hash(&self, of: &str) -> Result<String, Error> {
        let key = key(&*self.db, KEY).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let tag = hmac::sign(&key, of.as_bytes());
        let mut hash = String::with_capacity(2 * HASH_BYTES);
        for byte in tag.as_ref().iter().take(HASH_BYTES) {
            let _ = write!(hash, "{byte:02x}");
        }
        Ok(hash)
    }
}

fn is_same(expected: &str, hash: &str) -> bool {
    constant_time::verify_slices_are_equal(expected.as_bytes(), hash.as_bytes()).is_ok()
}
