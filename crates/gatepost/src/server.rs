//! The running server: every room wired to the next, used by `serve` and by `demo` alike.

use crate::doors::Doors;
use crate::logging::Recent;
use crate::offline::problems;
use admin::digest::Teller;
use admin::dkim::KeyKeeper;
use admin::self_test::SelfTest;
use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use config::{Maps, Problem, Settings};
use filter::worker::{Options, Pool, Spawner};
use inbound::Inbound;
use mail::{Door, Secret};
use net::unix::UnixDoor;
use net::{Admission, Clock, Drain, DrainHandle, Limits, Listener, ServerTls};
use pop3::Pop3;
use std::path::Path;
use std::sync::Arc;
use store::Store;
use tokio::task::JoinSet;
use web::Web;

/// Owner and group: a mail server that hands over by LMTP is made a member of the group.
const LMTP_SOCKET_MODE: u32 = 0o660;

/// Settings and maps as they are now, with the warnings; or all that is wrong with them.
pub(crate) type Read =
    Box<dyn Fn() -> Result<(Settings, Maps, Vec<Problem>), Vec<Problem>> + Send + Sync>;

/// All that was read before the server starts.
pub(crate) struct Plan {
    /// The settings.
    pub(crate) settings: Settings,
    /// The map files they name.
    pub(crate) maps: Maps,
    /// The certificate.
    pub(crate) tls: ServerTls,
    /// The time.
    pub(crate) clock: Clock,
    /// Who answers questions to the DNS.
    pub(crate) resolver: Arc<dyn net::Resolver>,
    /// Reads the settings and maps again, for a reload.
    pub(crate) read: Read,
    /// The newest lines of the log.
    pub(crate) log: Recent,
    /// Who starts workers.
    pub(crate) spawner: Spawner,
}

/// A server whose doors are open.
pub(crate) struct Server {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<policy::Policy>,
    pub(crate) filter: Arc<filter::Filter>,
    pub(crate) tls: ServerTls,
    pub(crate) inbound: Arc<Inbound>,
    pub(crate) pop3: Arc<Pop3>,
    web: Arc<Web>,
    pub(crate) workers: Arc<Pool>,
    queue: Arc<queue::Queue>,
    pub(crate) clock: Clock,
    pub(crate) resolver: Arc<dyn net::Resolver>,
    pub(crate) log: Recent,
    /// Each listening socket, with the count of its sessions.
    pub(crate) open: Vec<OpenDoor>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) started: mail::Timestamp,
    read: Read,
    /// The port of the web pages, as it was bound.
    https: Option<u16>,
    /// The settings that the server began with: some of them stay until it begins anew.
    begun: Arc<Settings>,
    /// Held by who reloads, so that none puts older settings in newer one's place.
    reloading: tokio::sync::Mutex<()>,
    pub(crate) drained: Drain,
    drain: DrainHandle,
    doors: tokio::sync::Mutex<JoinSet<()>>,
}

/// A listening socket that is served.
pub(crate) struct OpenDoor {
    pub(crate) door: Door,
    pub(crate) address: String,
    pub(crate) sessions: net::Sessions,
}

impl Server {
    /// Wires the rooms over an open store and lets peers in.
    pub(crate) fn start(plan: Plan, store: Arc<Store>, doors: Doors) -> Result<Self> {
        let Plan { mut settings, maps, tls, clock, resolver, read, log, spawner } = plan;
        let started = clock.now();
        let https = doors.port(Door::Https);
        name_port(&mut settings, https);
        let settings = Arc::new(settings);
        let (drain, drained) = Drain::new();
        let workers = Arc::new(Pool::new(spawner, workers(&settings)));
        let filter = filter(&settings, &store, &resolver, &workers);
        let policy = Arc::new(policy::Policy::new(
            Arc::clone(&store),
            Arc::clone(&settings),
            maps,
            clock.clone(),
        ));
        policy.resolve_with(Arc::clone(&resolver));
        let queue = queue::Queue::new(
            Arc::clone(&store),
            Arc::clone(&filter),
            Arc::clone(&policy),
            clock.clone(),
            Arc::clone(&resolver),
            Arc::clone(&settings),
        );
        let queue = Arc::new(queue.context("sending")?);
        let inbound = Arc::new(Inbound {
            store: Arc::clone(&store),
            policy: Arc::clone(&policy),
            filter: Arc::clone(&filter),
            tls: tls.clone(),
            settings: ArcSwap::new(Arc::clone(&settings)),
            clock: clock.clone(),
            drain: drained.clone(),
            users: Arc::default(),
        });
        let (pop3, web) = readers(&inbound, &settings);
        let admission = Arc::new(Admission::new(limits(&settings)));
        admission.set_proxies(settings.proxy.networks.clone());
        let (open, mut tasks) = open(doors, &admission, (&inbound, &pop3, &web), &drained)?;
        work(&mut tasks, &open, &queue, &inbound, &resolver, &workers, &drained);
        if let Some(door) = submit_door(&settings)? {
            tasks.spawn(inbound::local::serve(Arc::clone(&inbound), door));
        }
        open_lmtp_socket(&settings, &admission, &inbound, &mut tasks)?;
        Ok(Self {
            store,
            policy,
            filter,
            tls,
            inbound,
            pop3,
            web,
            workers,
            queue,
            clock,
            resolver,
            log,
            open,
            admission,
            started,
            read,
            https,
            begun: settings,
            reloading: tokio::sync::Mutex::default(),
            drained,
            drain,
            doors: tokio::sync::Mutex::new(tasks),
        })
    }

    /// Reads settings, maps and certificate anew; on any error the old ones stay in force. Tells
    /// what was changed in vain.
    pub(crate) async fn reload_from_file(&self) -> Result<String> {
        let _one = self.reloading.lock().await;
        let (mut settings, maps, warnings) = (self.read)().map_err(problems)?;
        name_port(&mut settings, self.https);
        let (certificate, key) = crate::certificate::files(&settings, &self.begun.storage.data)?;
        let renewed = self.tls.reload_from(&certificate, &key).context("the certificate")?;
        let waiting = waiting(&self.begun, &settings);
        self.store.set_options(&crate::engine::options(&settings)).await;
        self.reload(settings, maps);
        let mut done = "settings and maps are reloaded".to_owned();
        if renewed {
            done.push_str(", with a new certificate");
        }
        for setting in waiting {
            done.push_str(&format!("\n{setting} changes with a restart"));
        }
        for warning in warnings {
            done.push_str(&format!("\n{warning}"));
        }
        Ok(done)
    }

    /// Puts new settings and maps in force for sessions that begin from now on.
    fn reload(&self, settings: Settings, maps: Maps) {
        let settings = Arc::new(settings);
        self.admission.set_limits(limits(&settings));
        self.admission.set_proxies(settings.proxy.networks.clone());
        self.policy.reload(Arc::clone(&settings), maps);
        self.filter.reload(&settings);
        self.workers.set_message_max(settings.limits.message_size_max);
        self.pop3.reload(Arc::clone(&settings));
        self.web.reload(Arc::clone(&settings));
        self.queue.reload(Arc::clone(&settings));
        self.inbound.settings.store(settings);
    }

    /// Lets no one in any more, waits until the sessions have ended, and closes the store.
    pub(crate) async fn stop(&self) {
        let grace = self.inbound.settings.load().server.drain_grace_secs;
        self.drain.start_within(std::time::Duration::from_secs(grace));
        let mut doors = self.doors.lock().await;
        while doors.join_next().await.is_some() {}
        self.policy.flush();
        self.store.close().await;
    }
}

/// The socket that programs of this machine submit mail at. One that the settings name must be had;
/// without it a server that nobody told where to put it goes on.
fn submit_door(settings: &Settings) -> Result<Option<UnixDoor>> {
    let run = net::unix::run_folder(Path::new(config::settings::RUN_FOLDER));
    let path = settings.submit_socket(run);
    match UnixDoor::bind_for_all(&path) {
        Ok(door) => Ok(Some(door)),
        Err(error) if settings.server.submit_socket.is_none() => {
            tracing::warn!(path = %path.display(), %error, "no submit socket: no local mail");
            Ok(None)
        }
        Err(error) => {
            Err(error).with_context(|| format!("the socket {} cannot be opened", path.display()))
        }
    }
}

/// Puts the port that was bound in the place of port 0, so that links lead to it.
fn name_port(settings: &mut Settings, https: Option<u16>) {
    let first = settings.listen.https.first_mut().filter(|address| address.port() == 0);
    if let (Some(address), Some(port)) = (first, https) {
        address.set_port(port);
    }
}

/// The settings that are other ones now, but stay as they began until the server begins anew.
fn waiting(begun: &Settings, now: &Settings) -> Vec<&'static str> {
    let (one, other) = (&begun.storage.database, &now.storage.database);
    let database = one.as_ref().map(Secret::expose) != other.as_ref().map(Secret::expose);
    let settings = [
        ("server.user", begun.server.user != now.server.user),
        ("server.admin_socket", begun.server.admin_socket != now.server.admin_socket),
        ("server.submit_socket", begun.server.submit_socket != now.server.submit_socket),
        ("server.log_format", begun.server.log_format != now.server.log_format),
        ("listen.smtp", begun.listen.smtp != now.listen.smtp),
        ("listen.submission", begun.listen.submission != now.listen.submission),
        ("listen.submissions", begun.listen.submissions != now.listen.submissions),
        ("listen.lmtp", begun.listen.lmtp != now.listen.lmtp),
        ("listen.lmtp_socket", begun.listen.lmtp_socket != now.listen.lmtp_socket),
        ("listen.pop3", begun.listen.pop3 != now.listen.pop3),
        ("listen.pop3s", begun.listen.pop3s != now.listen.pop3s),
        ("listen.https", begun.listen.https != now.listen.https),
        ("listen.backlog", begun.listen.backlog != now.listen.backlog),
        ("dns.dnssec", begun.dns.dnssec != now.dns.dnssec),
        ("worker.count", begun.worker.count != now.worker.count),
        ("tls.authorities", begun.tls.authorities != now.tls.authorities),
        ("send.connections_max", begun.send.connections_max != now.send.connections_max),
        (
            "send.connections_per_destination_max",
            begun.send.connections_per_destination_max != now.send.connections_per_destination_max,
        ),
        ("storage.data", begun.storage.data != now.storage.data),
        ("storage.database", database),
    ];
    settings.into_iter().filter(|(_, other)| *other).map(|(name, _)| name).collect()
}

/// The filter, with those who look into mail for it.
fn filter(
    settings: &Arc<Settings>,
    store: &Arc<Store>,
    resolver: &Arc<dyn net::Resolver>,
    workers: &Arc<Pool>,
) -> Arc<filter::Filter> {
    let filter = filter::Filter::new(settings, Arc::clone(store), Arc::clone(resolver));
    filter.employ(Arc::clone(workers));
    Arc::new(filter)
}

fn workers(settings: &Settings) -> Options {
    Options { count: settings.worker.count, message_max: settings.limits.message_size_max }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        per_address: settings.limits.connections_per_address,
        total: settings.limits.connections_max,
    }
}

/// The services by which people see what is kept, over the parts that serve incoming mail too.
fn readers(inbound: &Inbound, settings: &Arc<Settings>) -> (Arc<Pop3>, Arc<Web>) {
    let (store, policy) = (&inbound.store, &inbound.policy);
    let pop3 = Pop3::new(
        Arc::clone(store),
        Arc::clone(policy),
        inbound.tls.clone(),
        Arc::clone(settings),
        inbound.clock.clone(),
        inbound.drain.clone(),
    );
    let web = Web::new(
        Arc::clone(store),
        Arc::clone(policy),
        inbound.tls.clone(),
        Arc::clone(settings),
        inbound.clock.clone(),
        inbound.drain.clone(),
    );
    (Arc::new(pop3), Arc::new(web))
}

/// What the server does by itself, until the drain.
fn work(
    tasks: &mut JoinSet<()>,
    open: &[OpenDoor],
    queue: &Arc<queue::Queue>,
    inbound: &Inbound,
    resolver: &Arc<dyn net::Resolver>,
    workers: &Arc<Pool>,
    drained: &Drain,
) {
    let workers = Arc::clone(workers);
    tasks.spawn(async move { workers.prepare().await });
    tasks.spawn(queue::runner::run(Arc::clone(queue), drained.clone()));
    tasks.spawn(queue::held::run(Arc::clone(queue), drained.clone()));
    let keeper = KeyKeeper {
        store: Arc::clone(&inbound.store),
        policy: Arc::clone(&inbound.policy),
        clock: inbound.clock.clone(),
        resolver: Arc::clone(resolver),
    };
    tasks.spawn(keeper.keep(drained.clone()));
    let teller = Teller {
        store: Arc::clone(&inbound.store),
        policy: Arc::clone(&inbound.policy),
        filter: Arc::clone(&inbound.filter),
        clock: inbound.clock.clone(),
    };
    tasks.spawn(teller.tell(drained.clone()));
    watch(tasks, open, inbound, drained);
}

/// The watch over scanners, and the test that something finds what they have to find.
fn watch(tasks: &mut JoinSet<()>, open: &[OpenDoor], inbound: &Inbound, drained: &Drain) {
    let (filter, clock) = (Arc::clone(&inbound.filter), inbound.clock.clone());
    tasks.spawn(filter::scanner::watch::watch(filter, clock, drained.clone()));
    let strangers = open.iter().find(|open| open.door == Door::Smtp);
    let test = SelfTest {
        store: Arc::clone(&inbound.store),
        policy: Arc::clone(&inbound.policy),
        filter: Arc::clone(&inbound.filter),
        clock: inbound.clock.clone(),
        door: strangers.and_then(|open| open.address.parse().ok()),
    };
    tasks.spawn(test.keep(drained.clone()));
}

/// The local door of LMTP, if there is one: opened as the user that the server has become, so that
/// its permissions are about that user's group.
fn open_lmtp_socket(
    settings: &Settings,
    admission: &Arc<Admission>,
    inbound: &Arc<Inbound>,
    tasks: &mut JoinSet<()>,
) -> Result<()> {
    let Some(path) = &settings.listen.lmtp_socket else { return Ok(()) };
    let door = UnixDoor::bind_for(path, LMTP_SOCKET_MODE)
        .with_context(|| format!("the socket {} cannot be opened", path.display()))?;
    let (admission, inbound) = (Arc::clone(admission), Arc::clone(inbound));
    let drained = inbound.drain.clone();
    tasks.spawn(door.serve(admission, drained, move |stream, guard, admitted| {
        inbound::serve_local(Arc::clone(&inbound), stream, guard, admitted)
    }));
    Ok(())
}

/// One task for each listener, which owns the tasks of its connections.
fn open(
    doors: Doors,
    admission: &Arc<Admission>,
    (inbound, pop3, web): (&Arc<Inbound>, &Arc<Pop3>, &Arc<Web>),
    drained: &Drain,
) -> Result<(Vec<OpenDoor>, JoinSet<()>)> {
    let mut tasks = JoinSet::new();
    let mut open = Vec::new();
    for (door, listener) in doors.listeners {
        let listener = Listener::from_std(listener).context("a door cannot be served")?;
        let address = listener.local_addr().context("a door has no address")?.to_string();
        open.push(OpenDoor { door, address, sessions: listener.sessions() });
        let admission = Arc::clone(admission);
        let drained = drained.clone();
        match door {
            Door::Pop3 | Door::Pop3s => {
                let pop3 = Arc::clone(pop3);
                tasks.spawn(listener.serve(admission, drained, move |accepted| {
                    pop3::connection::serve(Arc::clone(&pop3), accepted, door)
                }))
            }
            Door::Https => {
                let web = Arc::clone(web);
                tasks.spawn(listener.serve(admission, drained, move |accepted| {
                    web::connection::serve(Arc::clone(&web), accepted)
                }))
            }
            _ => {
                let inbound = Arc::clone(inbound);
                tasks.spawn(listener.serve(admission, drained, move |accepted| {
                    inbound::serve(Arc::clone(&inbound), accepted, door)
                }))
            }
        };
    }
    Ok((open, tasks))
}
