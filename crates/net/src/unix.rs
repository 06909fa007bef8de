//! Local sockets for people and programs on this machine: the administrator's door, the one that
//! everybody submits mail at, and LMTP's.
//!
//! The kernel says who is on the other side; nobody has to be asked for a password. At the
//! administrator's door only the user that the server runs as and root may come in
//! ([`UnixDoor::accept`] tells the others apart).

use crate::listener::{finish, report};
use crate::{Admission, AdmissionGuard, Drain};
use mail::Reason;
use nix::unistd::{Uid, User};
use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// What a connection to a local socket may take: nothing answers that slowly but a hung server.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after an error of `accept`.
const BACK_OFF: Duration = Duration::from_millis(200);

/// A listening local socket; removed when dropped.
#[derive(Debug)]
pub struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixDoor {
    /// Opens the socket at `path` for its owner alone, in place of one that a dead server left
    /// behind.
    ///
    /// # Errors
    /// A living server answers there (`AddrInUse`), something that is no socket is in the way, or
    /// the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Self::bind_for(path, 0o600)
    }

    /// The same for everybody who may walk through its folder.
    ///
    /// # Errors
    /// As of [`UnixDoor::bind`].
    pub fn bind_for_all(path: &Path) -> io::Result<Self> {
        Self::bind_for(path, 0o666)
    }

    /// The same with other permissions than the owner's alone.
    ///
    /// # Errors
    /// As of [`UnixDoor::bind`].
    pub fn bind_for(path: &Path, mode: u32) -> io::Result<Self> {
        if let Ok(known) = std::fs::symlink_metadata(path) {
            let alive = std::os::unix::net::UnixStream::connect(path).is_ok();
            if alive || !known.file_type().is_socket() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "the socket is in use"));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let door = Self { listener, path: path.to_owned() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
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

    /// Hands every connection to `handler`, each in a task of its own, until the drain; then as
    /// [`crate::Listener::serve`]. All of them count for the limit of connections in all.
    pub async fn serve<F, Fut>(self, admission: Arc<Admission>, drain: Drain, handler: F)
    where
        F: Fn(UnixStream, AdmissionGuard, Result<(), Reason>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.wait() => break,
                Some(ended) = tasks.join_next() => {
                    report(ended);
                    continue;
                }
                accepted = self.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let entered = admission.admit_proxy(Ipv4Addr::LOCALHOST.into());
                    let Some((guard, admitted)) = entered else { continue };
                    tasks.spawn(handler(stream, guard, admitted));
                }
                Err(error) => {
                    tracing::warn!(%error, path = %self.path.display(), "the local socket");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
        drop(self);
        finish(tasks, &drain).await;
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

/// The folder of sockets at `path`, if it is there, ours, and everybody may walk through it.
pub fn run_folder(path: &Path) -> Option<&Path> {
    let found = std::fs::metadata(path).ok()?;
    let ours = found.uid() == nix::unistd::geteuid().as_raw();
    let open = found.permissions().mode() & 0o111 == 0o111;
    (found.is_dir() && ours && open).then_some(path)
}

/// How long the name of a user is believed.
const NAME_LIFE: Duration = Duration::from_secs(60);
/// Users remembered; a machine with more people has them asked for again.
const NAMES_MAX: usize = 1_000;

/// The names of this machine's users, from its user database (files, LDAP: what NSS is told).
#[derive(Debug, Default)]
pub struct UserNames {
    known: Mutex<HashMap<u32, (Option<String>, Instant)>>,
}

impl UserNames {
    /// The name of a user; `None` if the database knows none, or does not answer.
    pub async fn name(&self, uid: u32) -> Option<String> {
        if let Some((name, at)) = self.lock().get(&uid)
            && at.elapsed() < NAME_LIFE
        {
            return name.clone();
        }
        // It may be on another machine: never asked on a thread that serves others.
        let asked = tokio::task::spawn_blocking(move || User::from_uid(Uid::from_raw(uid))).await;
        let found = match asked {
            Ok(Ok(found)) => found.map(|user| user.name),
            Ok(Err(error)) => {
                tracing::warn!(uid, %error, "the user database does not answer");
                return None;
            }
            Err(_) => return None,
        };
        let mut known = self.lock();
        if known.len() >= NAMES_MAX {
            known.clear();
        }
        known.insert(uid, (found.clone(), Instant::now()));
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, (Option<String>, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    use super::{UnixDoor, UserNames, connect, run_folder};
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
    async fn users_have_the_names_of_the_system() {
        let names = UserNames::default();
        assert_eq!(names.name(0).await.as_deref(), Some("root"));
        assert_eq!(names.name(0).await.as_deref(), Some("root"), "remembered");
        assert_eq!(names.name(4_000_000_123).await, None);
    }

    #[tokio::test]
    async fn everybody_may_open_the_door_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submit.sock");
        let _door = UnixDoor::bind_for_all(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        let closed = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), closed).unwrap();
        assert_eq!(run_folder(folder.path()), None);
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        assert_eq!(run_folder(folder.path()), Some(folder.path()));
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
