//! What this program is when the server starts it for itself: `gatepost spawner`, which starts
//! workers, and `gatepost worker`, which looks at what a stranger wrote.
//!
//! Neither is a command for people: they are told apart before anything else happens, so that a
//! worker locks itself down with nothing read and nothing open.

use filter::worker::{inside, spawner};
use std::process::ExitCode;

/// The longest message of a worker that nobody told, which is one that a person started.
const MESSAGE_MAX: u64 = 36_700_160;

/// Runs as spawner or worker, if that is what the first argument says.
pub(crate) fn asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let role = arguments.next()?;
    if role == spawner::WORKER {
        let said = arguments.next().and_then(|max| max.to_str()?.parse().ok());
        return Some(inside::serve(said.unwrap_or(MESSAGE_MAX), content::examination::work));
    }
    (role == spawner::SPAWNER).then(spawner::serve)
}
