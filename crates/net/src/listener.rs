//! Listening sockets: one task a connection, all owned by their listener.

use crate::{Admission, AdmissionGuard, Drain, proxy};
use mail::Reason;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The first wait after accept(2) failed for want of something (descriptors, memory).
const BACK_OFF_FIRST: Duration = Duration::from_millis(20);
/// The longest such wait: the kernel's backlog holds who comes meanwhile.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// What a door may take to tell a refused connection why.
const REFUSED_LIMIT: Duration = Duration::from_secs(10);
/// How often one kind of trouble with a listener is told.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

/// A connection that came in.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, without Nagle's delay.
    pub stream: TcpStream,
    /// Who is there; an IPv4 address inside IPv6 is shown as what it is.
    pub ip: IpAddr,
    /// The peer's port.
    pub port: u16,
    /// Its place among the counted connections: keep it until the session ends.
    pub guard: AdmissionGuard,
    /// Whether it is within the limits; else the door says its own "later" and closes, within
    /// ten seconds.
    pub admitted: Result<(), Reason>,
    /// Whether it is a named proxy's own connection, by its PROXY header: a look whether the server
    /// lives, or a client of whom the proxy says nothing. Such a one sends no mail.
    pub is_check: bool,
}

/// A listening socket that has not been served yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    sessions: Sessions,
}

/// How many admitted connections one listener has open; a clone shows the same.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<AtomicUsize>);

impl Sessions {
    /// The number now.
    pub fn open(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn enter(&self) -> Place {
        self.0.fetch_add(1, Ordering::Relaxed);
        Place(self.clone())
    }
}

/// One of [`Sessions`], until it is dropped: also by a panic, and where the session is cut.
#[derive(Debug)]
struct Place(Sessions);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a listening socket, non-blocking. Needs no runtime: doors are bound before root is
/// dropped, and threads start after that.
///
/// `backlog` is how many connections the kernel holds for us (it caps that at its somaxconn).
/// An IPv6 socket is for IPv6 alone: `0.0.0.0` and `[::]` are two doors on every system.
///
/// # Errors
/// As `bind(2)` and `listen(2)`: the address is in use, or the port needs a privilege.
pub fn bind(address: SocketAddr, backlog: u32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether the peer has sent something already; waits for nothing and takes nothing.
///
/// Before a greeting it may not have (RFC 5321 §4.3.1).
pub fn spoke_first(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit(); 1];
    matches!(SockRef::from(stream).peek(&mut byte), Ok(n) if n > 0)
}

impl Listener {
    /// Opens a listening socket; see [`bind`]. Needs a runtime.
    ///
    /// # Errors
    /// As [`bind`].
    pub fn bind(address: SocketAddr, backlog: u32) -> io::Result<Self> {
        Self::from_std(bind(address, backlog)?)
    }

    /// Takes over a listening socket, from [`bind`] or from systemd. Needs a runtime.
    ///
    /// # Errors
    /// The socket cannot be made non-blocking or registered with the runtime.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(listener)?, sessions: Sessions::default() })
    }

    /// Where it listens, with the port that was chosen for port 0.
    ///
    /// # Errors
    /// As `getsockname(2)`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The count of its sessions, to be asked while it is served.
    pub fn sessions(&self) -> Sessions {
        self.sessions.clone()
    }

    /// Hands every connection to `handler`, each in a task of its own, until the drain; then
    /// listens no more, and returns when the last connection has ended or the drain's time is
    /// over (what has not finished by then is cut).
    ///
    /// A panic in a handler ends its own connection and is logged.
    pub async fn serve<F, Fut>(self, admission: Arc<Admission>, drain: Drain, handler: F)
    where
        F: Fn(Accepted) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut trouble = Trouble::default();
        let handler = Arc::new(handler);
        loop {
            tokio::select! {
                biased;
                () = drain.wait() => break,
                Some(ended) = tasks.join_next() => report(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        trouble.over();
                        // Replies are written whole; waiting to fill segments would only delay
                        // them. A socket that refuses is dead, which the session notices.
                        let _ = stream.set_nodelay(true);
                        if admission.is_proxy(address.ip().to_canonical()) {
                            let (handler, sessions) = (Arc::clone(&handler), self.sessions());
                            proxied(&mut tasks, &admission, stream, address, (handler, sessions));
                        } else if let Some(accepted) = admit(&admission, stream, address) {
                            start(&mut tasks, &*handler, &self.sessions, accepted);
                        }
                    }
                    Err(error) => trouble.wait_out(&error, &drain).await,
                },
            }
        }
        drop(self.listener);
        finish(tasks, &drain).await;
    }
}

fn admit(admission: &Arc<Admission>, stream: TcpStream, address: SocketAddr) -> Option<Accepted> {
    let ip = address.ip().to_canonical();
    let (guard, admitted) = admission.admit(ip)?;
    Some(Accepted { stream, ip, port: address.port(), guard, admitted, is_check: false })
}

/// The same for a connection that a proxy hands over: its header is read in its own task.
fn proxied<F, Fut>(
    tasks: &mut JoinSet<()>,
    admission: &Arc<Admission>,
    stream: TcpStream,
    proxy: SocketAddr,
    (handler, sessions): (Arc<F>, Sessions),
) where
    F: Fn(Accepted) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Some(waiting) = admission.wait() else { return };
    let admission = Arc::clone(admission);
    tasks.spawn(async move {
        let handed = Box::pin(proxy::hand_over(&admission, stream, proxy, waiting)).await;
        let Some(accepted) = handed else { return };
        let refused = accepted.admitted.is_err();
        let session = handler(accepted);
        if refused {
            let _ = tokio::time::timeout(REFUSED_LIMIT, Box::pin(session)).await;
        } else {
            let place = sessions.enter();
            session.await;
            drop(place);
        }
    });
}

fn start<F, Fut>(tasks: &mut JoinSet<()>, handler: &F, sessions: &Sessions, accepted: Accepted)
where
    F: Fn(Accepted) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let refused = accepted.admitted.is_err();
    let session = handler(accepted);
    if refused {
        tasks.spawn(async move {
            let _ = tokio::time::timeout(REFUSED_LIMIT, session).await;
        });
    } else {
        let place = sessions.enter();
        tasks.spawn(async move {
            session.await;
            drop(place);
        });
    }
}

/// Lets the sessions end by themselves, but not for ever.
pub(crate) async fn finish(mut tasks: JoinSet<()>, drain: &Drain) {
    let deadline = drain.deadline().unwrap_or_else(Instant::now);
    loop {
        match tokio::time::timeout_at(deadline.into(), tasks.join_next()).await {
            Ok(Some(ended)) => report(ended),
            Ok(None) => return,
            Err(_) => break,
        }
    }
    tracing::warn!(sessions = tasks.len(), "the time to finish is over: sessions are cut");
    tasks.shutdown().await;
}

pub(crate) fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a session panicked; the others go on");
    }
}

/// Trouble with accepting: how long to wait, and when it was last told.
#[derive(Debug, Default)]
struct Trouble {
    wait: Duration,
    told: Option<Instant>,
}

impl Trouble {
    fn over(&mut self) {
        self.wait = Duration::ZERO;
    }

    /// Waits after a failed accept, longer each time, so that a server out of descriptors does
    /// not spin; a drain ends the wait.
    async fn wait_out(&mut self, error: &io::Error, drain: &Drain) {
        // The peer was gone before we came: that is its own affair, and no reason to keep the
        // next one waiting (accept(2) passes such errors of the new socket on).
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        ) {
            return;
        }
        if self.told.is_none_or(|told| told.elapsed() >= COMPLAINT_EVERY) {
            tracing::warn!(%error, "a connection cannot be accepted; trying again");
            self.told = Some(Instant::now());
        }
        self.wait = (self.wait * 2).clamp(BACK_OFF_FIRST, BACK_OFF_MAX);
        let _ = tokio::time::timeout(self.wait, drain.wait()).await;
    }
}

#[cfg(test)]
mod tests;
