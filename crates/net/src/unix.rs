//! Local sockets for people on this machine: the administrator's door.
//!
//! The kernel says who is on the other side; nobody has to be asked for a password. Only the user
//! that the server runs as and root may come in ([`UnixDoor::accept`] tells the others apart).

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// What a connection to a local socket may take: nothing answers that slowly but a hung server.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A listening local socket, readable and writable by its owner alone; removed when dropped.
#[derive(Debug)]
pub struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixDoor {
    /// Opens the socket at `path`, in place of one that a dead server left behind.
    ///
    /// # Errors
    /// A living server answers there (`AddrInUse`), something that is no socket is in the way, or
    /// the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Ok(known) = std::fs::symlink_metadata(path) {
            let alive = std::os::unix::net::UnixStream::connect(path).is_ok();
            if alive || !known.file_type().is_socket() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "the socket is in use"));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let door = Self { listener, path: path.to_owned() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(door)
    }

    /// The next connection, with the user id of who made it.
    ///
    /// # Errors
    /// As `accept(2)`; the caller waits a moment and tries again.
    pub async fn accept(&self) -> io::Result<(UnixStream, u32)> {
        let (stream, _) = self.listener.accept().await?;
        let uid = stream.peer_cred()?.uid();
        Ok((stream, uid))
    }

    /// Whether this user may administer: root, or whoever the server runs as.
    pub fn admits(uid: u32) -> bool {
        uid == 0 || uid == nix::unistd::geteuid().as_raw()
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        // Gone already or not removable: the next start clears it away.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Connects to a local socket.
///
/// # Errors
/// Nobody listens there, or this user may not.
pub async fn connect(path: &Path) -> io::Result<UnixStream> {
    tokio::time::timeout(CONNECT_LIMIT, UnixStream::connect(path)).await?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{UnixDoor, connect};
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn the_socket_is_private_tells_who_comes_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let door = UnixDoor::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (accepted, connected) = tokio::join!(door.accept(), connect(&path));
        let uid = accepted.unwrap().1;
        assert!(connected.is_ok());
        assert!(UnixDoor::admits(uid));
        assert!(!UnixDoor::admits(uid + 54_321));
        drop(door);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let left = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(UnixDoor::bind(&path).is_err());
        drop(left);
        assert!(UnixDoor::bind(&path).is_ok());
        std::fs::write(&path, "not a socket").unwrap();
        assert!(UnixDoor::bind(&path).is_err());
    }
}
