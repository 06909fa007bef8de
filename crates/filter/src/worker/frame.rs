//! What goes through the pipes between pool and worker, all numbers big-endian.
//!
//! The worker begins: `u32` length, and its proof as JSON. Then for each job the pool sends `u32`
//! length of the request, `u64` length of the message, request, message; the worker answers with
//! `u8` (1: it can take another job, 0: it ends now), `u64` length, and the answer.

/// The longest proof: a line of text.
pub(super) const PROOF_MAX: usize = 4096;
/// The longest request: an administrator's lists of hashes and patterns. A worker's memory
/// ([`sandbox::MEMORY_PER_JOB`]) has room for them twice, as they come and as they are used.
pub const REQUEST_MAX: usize = 8 << 20;
/// The longest answer: facts about every part, and a message that was written anew. A worker's
/// memory ([`sandbox::MEMORY_PER_JOB`]) has room for it and its making.
pub const ANSWER_MAX: u64 = 48 << 20;

/// Bytes before request and message.
pub(super) const ASK_HEAD: usize = 12;
/// Bytes before an answer.
pub(super) const ANSWER_HEAD: usize = 9;

/// The head of a job.
pub(super) fn ask_head(request: u32, message: u64) -> [u8; ASK_HEAD] {
    let mut head = [0; ASK_HEAD];
    let (one, other) = head.split_at_mut(4);
    one.copy_from_slice(&request.to_be_bytes());
    other.copy_from_slice(&message.to_be_bytes());
    head
}

/// The lengths of request and message.
pub(super) fn read_ask_head(head: [u8; ASK_HEAD]) -> (u32, u64) {
    let [a, b, c, d, message @ ..] = head;
    (u32::from_be_bytes([a, b, c, d]), u64::from_be_bytes(message))
}

/// The head of an answer.
pub(super) fn answer_head(again: bool, length: u64) -> [u8; ANSWER_HEAD] {
    let mut head = [u8::from(again); ANSWER_HEAD];
    let (_, rest) = head.split_at_mut(1);
    rest.copy_from_slice(&length.to_be_bytes());
    head
}

/// Whether the worker can take another job, and the length of its answer.
pub(super) fn read_answer_head(head: [u8; ANSWER_HEAD]) -> (bool, u64) {
    let [again, length @ ..] = head;
    (again == 1, u64::from_be_bytes(length))
}

#[cfg(test)]
mod tests {
    use super::{answer_head, ask_head, read_answer_head, read_ask_head};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn heads_are_read_as_they_were_written(request: u32, message: u64, again: bool) {
            prop_assert_eq!(read_ask_head(ask_head(request, message)), (request, message));
            prop_assert_eq!(read_answer_head(answer_head(again, message)), (again, message));
        }
    }
}
