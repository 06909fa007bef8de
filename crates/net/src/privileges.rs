//! Giving root up, before any thread starts: privileges belong to threads.

use nix::unistd::{Uid, User, geteuid, getuid, initgroups, setgid, setuid};
use std::ffi::CString;

/// Why root was not given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The user is not there.
    #[error("the user {0} does not exist")]
    NoSuchUser(String),
    /// The user is root again.
    #[error("the user {0} is root")]
    Root(String),
    /// The system says no.
    #[error("{0}: {1}")]
    System(&'static str, nix::Error),
    /// Root came back.
    #[error("root could be taken back")]
    NotDropped,
}

/// Becomes `user` if this process is root; else does nothing.
///
/// # Errors
/// The user does not exist or is root, or the system refuses.
pub fn drop_to(user: &str) -> Result<(), PrivilegeError> {
    if !geteuid().is_root() && !getuid().is_root() {
        return Ok(());
    }
    let found = User::from_name(user).map_err(|e| PrivilegeError::System("the user list", e))?;
    let found = found.ok_or_else(|| PrivilegeError::NoSuchUser(user.to_owned()))?;
    if found.uid.is_root() {
        return Err(PrivilegeError::Root(user.to_owned()));
    }
    let name = CString::new(user).map_err(|_| PrivilegeError::NoSuchUser(user.to_owned()))?;
    initgroups(&name, found.gid).map_err(|e| PrivilegeError::System("initgroups", e))?;
    setgid(found.gid).map_err(|e| PrivilegeError::System("setgid", e))?;
    setuid(found.uid).map_err(|e| PrivilegeError::System("setuid", e))?;
    // A proof that it worked: root must not come back.
    if setuid(Uid::from_raw(0)).is_ok() {
        return Err(PrivilegeError::NotDropped);
    }
    Ok(())
}

/// Whether this process is not root in any sense.
///
/// # Errors
/// It is.
pub fn refuse_root() -> Result<(), PrivilegeError> {
    if geteuid().is_root() || getuid().is_root() {
        return Err(PrivilegeError::Root("this process".to_owned()));
    }
    Ok(())
}

/// Raises the soft limit of open files to the hard one: each connection is a file.
pub fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}
