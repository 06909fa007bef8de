//! Deflated streams within documents, paid for while they come out.

use crate::{Budget, Trouble};
use flate2::read::{DeflateDecoder, ZlibDecoder};
use std::io::Read;

/// Bytes that are asked for at a time.
const STEP: usize = 64 * 1024;

/// What comes out of a zlib stream, or of deflate without its frame: as far as it is whole. The
/// caller releases its length.
///
/// # Errors
/// A limit, by which nothing is held. Damage ends it, as it does in the programs that read it.
pub(super) fn inflate(bytes: &[u8], budget: &mut Budget) -> Result<Vec<u8>, Trouble> {
    let out = drain(&mut ZlibDecoder::new(bytes), bytes.len(), budget)?;
    if out.is_empty() {
        return drain(&mut DeflateDecoder::new(bytes), bytes.len(), budget);
    }
    Ok(out)
}

fn drain(from: &mut dyn Read, went_in: usize, budget: &mut Budget) -> Result<Vec<u8>, Trouble> {
    let mut out = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let count = match from.read(&mut step) {
            Ok(0) | Err(_) => return Ok(out),
            Ok(count) => count,
        };
        let sum = (out.len() + count) as u64;
        let paid = budget.unpacked(count as u64, went_in as u64, sum);
        if let Err(trouble) = paid.and_then(|()| budget.hold(count)) {
            budget.release(out.len());
            return Err(trouble);
        }
        out.extend_from_slice(step.get(..count).unwrap_or_default());
    }
}
