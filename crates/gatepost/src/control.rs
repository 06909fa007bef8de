//! The administrator's door: its socket on a running server, and the link that the command line
//! takes: to that socket, or to the store itself when no server runs.

use crate::cli::Global;
use crate::failure::{Usage, usage};
use crate::offline::problems;
use crate::server::{OpenDoor, Server};
use admin::{Admin, AdminParts, DoorView, Facts, Request, Response, Running, Sessions, Workers};
use anyhow::{Context, Result};
use config::{Problem, Settings};
use net::unix::UnixDoor;
use std::sync::{Arc, Weak};
use tokio::task::JoinHandle;

/// Opens the administrator's socket of a running server.
pub(crate) fn serve(server: &Arc<Server>, settings: &Settings) -> Result<JoinHandle<()>> {
    let path = settings.admin_socket();
    let door = UnixDoor::bind(&path)
        .with_context(|| format!("the socket {} cannot be opened", path.display()))?;
    let admin = Admin::new(AdminParts {
        store: Arc::clone(&server.store),
        policy: Arc::clone(&server.policy),
        filter: Arc::clone(&server.filter),
        clock: server.clock.clone(),
        resolver: Some(Arc::clone(&server.resolver)),
        tls: Some(server.tls.clone()),
        running: Some(running(server)),
    });
    Ok(tokio::spawn(admin::control::serve(door, Arc::new(admin), server.drained.clone())))
}

/// The hooks hold the server weakly: the socket must not keep it from ending.
fn running(server: &Arc<Server>) -> Running {
    let (reloading, sessions, telling) =
        (Arc::downgrade(server), Arc::downgrade(server), Arc::downgrade(server));
    Running {
        reload: Box::new(move || {
            let server = reloading.clone();
            Box::pin(async move {
                let server = Weak::upgrade(&server).ok_or("the server is ending")?;
                server.reload_from_file().await.map_err(|error| format!("{error:#}"))
            })
        }),
        end_sessions: Box::new(move |account, credential| {
            Weak::upgrade(&sessions).map_or(0, |server| {
                server.pop3.end_sessions(account, credential)
                    + server.inbound.users.end(account, credential)
            })
        }),
        facts: Box::new(move || {
            Weak::upgrade(&telling).map(|server| server.facts()).unwrap_or_default()
        }),
    }
}

/// The way to a server's operations.
pub(crate) enum Link {
    /// Over its socket.
    Socket(admin::control::Client),
    /// No server runs: on the store itself, whose lock this process holds meanwhile.
    Direct(Box<Admin>, MapFaults),
}

/// What is wrong with the map files; nothing, if they may be taken.
pub(crate) struct MapFaults(Vec<Problem>);

impl MapFaults {
    /// Refuses what would answer from maps that were not taken. A broken map file keeps nobody from
    /// proving the store or mending an account.
    fn refuse(&self, request: &Request) -> Result<()> {
        let asks_maps = matches!(
            request,
            Request::AccessList(_)
                | Request::AccessTest { .. }
                | Request::AliasList(_)
                | Request::AliasReview(_)
                | Request::AliasShow { .. }
                | Request::DomainList(_)
        );
        match self.0.is_empty() || !asks_maps {
            true => Ok(()),
            false => Err(problems(self.0.clone())),
        }
    }
}

impl Link {
    /// Connects to the running server, or opens its store.
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        let settings = config::load(&global.config).map_err(problems)?;
        let path = settings.admin_socket();
        match admin::control::Client::connect(&path).await {
            Ok(client) => {
                without_pretence(global)?;
                return Ok(Link::Socket(client));
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(error).with_context(|| {
                    format!("{}: be root, or the user that the server runs as", path.display())
                });
            }
            // Nobody listens there: no server runs.
            Err(_) => {}
        }
        let clock = global.clock();
        let (maps, found) = config::read_maps(&settings);
        let faults = if found.iter().any(Problem::is_error) { found } else { Vec::new() };
        let store = crate::engine::open(&settings, &clock).await?;
        let tls = crate::certificate::at_hand(&settings);
        let settings = Arc::new(settings);
        let filter = filter::Filter::new(&settings, Arc::clone(&store), global.resolver()?);
        let policy = policy::Policy::new(Arc::clone(&store), settings, maps, clock.clone());
        let admin = Admin::new(AdminParts {
            store,
            policy: Arc::new(policy),
            filter: Arc::new(filter),
            clock,
            // Most operations ask nobody, and must not fail where there is nobody to ask.
            resolver: global.resolver().ok(),
            tls,
            running: None,
        });
        Ok(Link::Direct(Box::new(admin), MapFaults(faults)))
    }

    /// Asks for one operation.
    pub(crate) async fn request(&mut self, request: Request) -> Result<Response> {
        Ok(match self {
            Link::Socket(client) => client.request(&request).await?,
            Link::Direct(admin, faults) => {
                faults.refuse(&request)?;
                admin::perform(admin, request).await?
            }
        })
    }

    /// Ends the link; what a direct one wrote is on stable storage then.
    pub(crate) async fn close(self) {
        if let Link::Direct(admin, _) = self {
            admin.close().await;
        }
    }
}

/// A running server has its own clock and its own DNS: options that cannot be honoured are refused.
fn without_pretence(global: &Global) -> Result<(), Usage> {
    let option = match global {
        Global { now: Some(_), .. } => "--now",
        Global { zone: Some(_), .. } => "--zone",
        _ => return Ok(()),
    };
    let refused = usage(format!("a server is running, and {option} means nothing to it"));
    Err(refused.hint("leave it out, or start the server with it"))
}

impl Server {
    fn facts(&self) -> Facts {
        let limits = self.admission.limits();
        let door = |open: &OpenDoor| DoorView {
            door: open.door.word().to_owned(),
            address: open.address.clone(),
            sessions: open.sessions.open() as u64,
        };
        Facts {
            doors: self.open.iter().map(door).collect(),
            sessions: Sessions {
                open: self.admission.open() as u64,
                max: limits.total as u64,
                per_address_max: limits.per_address as u64,
            },
            certificate_ends: Some(self.tls.not_after()),
            workers: workers(self.workers.state()),
            log: self.log.lines(),
            started: Some(self.started),
        }
    }
}

fn workers(state: filter::worker::State) -> Workers {
    Workers {
        max: state.count as u64,
        idle: state.idle as u64,
        busy: state.busy as u64,
        started: state.started,
        crashed: state.crashed,
        too_complex: state.too_complex,
        proof: state.proof,
        unlocked: state.unlocked,
    }
}
