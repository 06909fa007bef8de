//! Keeps what a package installs from starting: a test machine is not to run a mail server.
//!
//! Debian asks `/usr/sbin/policy-rc.d` before a package starts its service. Ours forbids it and is
//! put away afterwards; one that was there before is put back as it was. Signals wait meanwhile:
//! an interrupted installation would leave more behind than ours.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// 101: forbidden by policy.
const FORBID: &str = "#!/bin/sh\nexit 101\n";

/// Does `install` while no service may be started.
pub(super) fn without_starting(install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let result = forbid(Path::new(POLICY)).and_then(|forbidden| {
        let installed = install();
        forbidden.lift().and(installed)
    });
    signals.thread_unblock()?;
    result
}

/// Our policy in place of the machine's own.
struct Forbidden {
    policy: PathBuf,
    saved: PathBuf,
}

fn forbid(policy: &Path) -> Result<Forbidden> {
    let saved = policy.with_extension("d.before-gatepost");
    let forbidden = Forbidden { policy: policy.to_owned(), saved };
    // Left by a run that was killed: what it saved is the machine's own.
    if !forbidden.saved.exists() && policy.exists() && fs::read_to_string(policy)? != FORBID {
        fs::rename(policy, &forbidden.saved).context(POLICY)?;
    }
    fs::write(policy, FORBID).context(POLICY)?;
    fs::set_permissions(policy, fs::Permissions::from_mode(0o755))?;
    Ok(forbidden)
}

impl Forbidden {
    fn lift(self) -> Result<()> {
        if self.saved.exists() {
            return fs::rename(&self.saved, &self.policy).context(POLICY);
        }
        fs::remove_file(&self.policy).context(POLICY)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{FORBID, forbid};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_policy_that_was_there_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        fs::write(&policy, "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(&policy, fs::Permissions::from_mode(0o700)).unwrap();
        let forbidden = forbid(&policy).unwrap();
        assert_eq!(fs::read_to_string(&policy).unwrap(), FORBID);
        // A run that is killed here leaves both; the next one must still know the first.
        drop(forbidden);
        forbid(&policy).unwrap().lift().unwrap();
        assert_eq!(fs::read_to_string(&policy).unwrap(), "#!/bin/sh\nexit 0\n");
        assert_eq!(fs::metadata(&policy).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn where_no_policy_was_none_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        drop(forbid(&policy).unwrap());
        forbid(&policy).unwrap().lift().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
