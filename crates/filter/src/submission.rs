//! What a message that a user submits still lacks, and what it must not tell: Date and Message-ID
//! are added where they are missing (RFC 6409 §8), From to what a program of this machine hands in;
//! Bcc is left out (RFC 5322 §3.6.3).
//!
//! Mail of others is never mended: who lacks these fields there is told by the spam rules.

use crate::Mail;
use mail::{Domain, Timestamp};
use std::fmt::Write;
use std::ops::Range;

/// The difference to what was submitted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mended {
    /// Fields to put before the message's own.
    pub(crate) added: String,
    /// What is not shown, in the message's order.
    pub(crate) removed: Vec<Range<u64>>,
}

/// Mends a message of a user who logged in, or of this machine; others stay as they are.
pub(crate) fn mended(mail: &Mail<'_>, hostname: &Domain, now: Timestamp) -> Mended {
    let mut mended = Mended::default();
    let peer = &mail.envelope.peer;
    if peer.submitter().is_none() {
        return mended;
    }
    if let Some(user) = &peer.user
        && mail.index.field("from").is_none()
    {
        let from = mail.envelope.sender.address().unwrap_or(&user.address);
        let _ = write!(mended.added, "From: {from}\r\n");
    }
    if mail.index.field("date").is_none() {
        let _ = write!(mended.added, "Date: {}\r\n", now.rfc5322());
    }
    if mail.index.message_id().is_none() {
        let (id, at) = (mail.id, now.0);
        let _ = write!(mended.added, "Message-ID: <{id}.{at}@{hostname}>\r\n");
    }
    let bcc = mail.index.fields_named("bcc");
    let range = |start: usize, len: usize| start as u64..(start + len) as u64;
    mended.removed = bcc.map(|field| range(field.start, field.bytes.len())).collect();
    mended
}
