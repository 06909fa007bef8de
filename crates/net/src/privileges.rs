//! Root is for opening doors; what goes in and out of them is no business of root's.

use nix::unistd::{Gid, Uid, User, getegid, geteuid, initgroups, setgid, setuid};
use std::ffi::CString;

/// Why the process does not run as it should.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The system knows no such user.
    #[error("there is no user {0} on this system")]
    NoSuchUser(String),
    /// The named user is root, or in root's place.
    #[error("the user {0} is root: the server needs a user of its own")]
    UserIsRoot(String),
    /// The system did not let us.
    #[error("cannot become the user {user}: {cause}")]
    Refused {
        /// Whom we wanted to become.
        user: String,
        /// What the system says.
        cause: nix::Error,
    },
    /// Root can be had back, so it was not given up.
    #[error("root's rights could be taken back after becoming {0}")]
    Recoverable(String),
    /// We are root, and must not be.
    #[error("the process runs as root")]
    StillRoot,
}

/// Becomes `user` for ever, with that user's groups and no capabilities. Nothing to do, and no
/// error, where the process is not root's to begin with.
///
/// Must be called before any thread starts: the answer of the system is for the whole process,
/// but what a thread already holds open or cached is not undone.
///
/// # Errors
/// The user does not exist or is root, or the system refuses. The process must then end.
pub fn drop_to(user: &str) -> Result<(), PrivilegeError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let found = find(user)?;
    become_user(user, found.uid, found.gid)
}

/// Whether a server may become `user`: that user exists, and is not root.
///
/// # Errors
/// Says why not.
pub fn check_user(user: &str) -> Result<(), PrivilegeError> {
    find(user).map(drop)
}

/// Makes sure that the process is not root.
///
/// # Errors
/// [`PrivilegeError::StillRoot`].
pub fn refuse_root() -> Result<(), PrivilegeError> {
    if geteuid().is_root() { Err(PrivilegeError::StillRoot) } else { Ok(()) }
}

fn find(user: &str) -> Result<User, PrivilegeError> {
    let found = User::from_name(user)
        .map_err(|cause| PrivilegeError::Refused { user: user.to_owned(), cause })?
        .ok_or_else(|| PrivilegeError::NoSuchUser(user.to_owned()))?;
    if found.uid.is_root() {
        return Err(PrivilegeError::UserIsRoot(user.to_owned()));
    }
    Ok(found)
}

fn become_user(user: &str, uid: Uid, gid: Gid) -> Result<(), PrivilegeError> {
    let refused = |cause| PrivilegeError::Refused { user: user.to_owned(), cause };
    let name = CString::new(user).map_err(|_| PrivilegeError::NoSuchUser(user.to_owned()))?;
    // Groups first: without root's user id they cannot be changed any more.
    initgroups(&name, gid).map_err(refused)?;
    setgid(gid).map_err(refused)?;
    setuid(uid).map_err(refused)?;
    if setuid(Uid::from_raw(0)).is_ok() || geteuid() != uid || getegid() != gid {
        return Err(PrivilegeError::Recoverable(user.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PrivilegeError, check_user, drop_to, find, refuse_root};
    use nix::unistd::geteuid;

    #[test]
    fn root_and_strangers_are_no_users_for_a_server() {
        assert!(matches!(find("root"), Err(PrivilegeError::UserIsRoot(_))));
        let unknown = find("no-such-user-here");
        assert!(matches!(unknown, Err(PrivilegeError::NoSuchUser(name)) if name.contains("such")));
        assert!(check_user("nobody").is_ok() && check_user("root").is_err());
    }

    /// Dropping itself would take the rights of every other test in this process; the
    /// whole-server scenarios prove it (`tests/`, as root).
    #[test]
    fn says_what_the_process_is() {
        assert_eq!(refuse_root().is_err(), geteuid().is_root());
        if geteuid().is_root() {
            assert!(drop_to("no-such-user-here").is_err());
            assert!(drop_to("root").is_err());
        } else {
            assert!(drop_to("no-such-user-here").is_ok(), "there is nothing to drop");
        }
    }
}
