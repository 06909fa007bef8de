//! The worker's side: locks itself down, proves it, and does one job after the other.

use super::frame::{ANSWER_MAX, ASK_HEAD, REQUEST_MAX, answer_head, read_ask_head};
use sandbox::Locked;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

/// What a worker ends with that could not be locked down; what it complained of says why.
pub(super) const UNLOCKED: u8 = 71;

/// What a worker does: from a request and a message to an answer.
pub type Work = fn(request: &[u8], message: Vec<u8>) -> Vec<u8>;

/// Runs this process as a worker until nobody writes to it any more: the whole of
/// `gatepost worker`, which does nothing before. No message is longer than `message_max` bytes.
pub fn serve(message_max: u64, work: Work) -> ExitCode {
    let mut locked = match sandbox::lock(message_max) {
        Ok(locked) => locked,
        Err(error) => {
            // The pool reads it; where nobody does, nobody is to be told.
            let _ = writeln!(io::stderr(), "not locked down: {error}");
            return ExitCode::from(UNLOCKED);
        }
    };
    match jobs(&mut locked, message_max, work) {
        Ok(()) => ExitCode::SUCCESS,
        // The server is gone: that ends a worker.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn jobs(locked: &mut Locked, message_max: u64, work: Work) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let proof = serde_json::to_vec(&locked.proof)?;
    let length = u32::try_from(proof.len()).map_err(io::Error::other)?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&proof)?;
    output.flush()?;
    let mut head = [0; ASK_HEAD];
    while let Some((request, message)) = next(&mut input, &mut head)? {
        if request as usize > REQUEST_MAX || message > message_max {
            return Err(ErrorKind::InvalidInput.into());
        }
        // Before anything of the message is read.
        locked.allow(message).map_err(io::Error::other)?;
        let mut asked = vec![0; request as usize];
        input.read_exact(&mut asked)?;
        let mut bytes = Vec::with_capacity(usize::try_from(message).map_err(io::Error::other)?);
        input.by_ref().take(message).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < message {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let answer = work(&asked, bytes);
        let length = answer.len() as u64;
        let again = locked.is_fresh() && length <= ANSWER_MAX;
        output.write_all(&answer_head(again, length))?;
        output.write_all(&answer)?;
        output.flush()?;
        if !again {
            return Ok(());
        }
    }
    Ok(())
}

/// The lengths of the next request and message; none when the pool has no more.
fn next(input: &mut impl Read, head: &mut [u8; ASK_HEAD]) -> io::Result<Option<(u32, u64)>> {
    match input.read_exact(head) {
        Ok(()) => Ok(Some(read_ask_head(*head))),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
