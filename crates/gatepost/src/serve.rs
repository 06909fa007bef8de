//! `gatepost serve`: from the settings to a running server, and to its orderly end.

use crate::cli::{Global, ServeArgs};
use crate::doors::Doors;
use crate::logging::Recent;
use crate::offline::problems;
use crate::server::{Plan, Server};
use anyhow::{Context, Result};
use config::Settings;
use net::ServerTls;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often certificate files are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(60);

/// Runs the server until SIGTERM or SIGINT.
pub(crate) fn run(global: &Global, args: &ServeArgs) -> Result<ExitCode> {
    let (settings, _, warnings) =
        crate::offline::read(&global.config).finish().map_err(problems)?;
    let log = crate::logging::start("info", settings.server.log_format, global.clock());
    let doors = Doors::bind(&settings)?;
    let ready = args.ready_fd.map(ready_file).transpose()?;
    // Before any thread starts: privileges belong to threads.
    net::privileges::drop_to(&settings.server.user).with_context(|| {
        format!(
            "cannot become the user {}; make it (adduser --system --group {0}) or name another \
             under [server] user",
            settings.server.user
        )
    })?;
    net::privileges::refuse_root().context("gatepost does not stay root")?;
    net::raise_file_limit();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime()?;
    runtime.block_on(live(global, log, ready, settings, doors))?;
    Ok(ExitCode::SUCCESS)
}

/// The runtime that every serving command uses.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("gatepost")
        .build()
        .context("the runtime cannot start")
}

async fn live(
    global: &Global,
    log: Recent,
    ready: Option<File>,
    settings: Settings,
    doors: Doors,
) -> Result<()> {
    // Again, as the user that a reload will read them as; the first time was to tell all faults.
    let (maps, _) = config::load_maps(&settings).map_err(problems)?;
    let clock = global.clock();
    let tls = certificate(&settings)?;
    let store = crate::engine::open(&settings, &clock).await?;
    let addresses = doors.addresses();
    let file = global.config.clone();
    let plan = Plan {
        settings: settings.clone(),
        maps,
        tls,
        clock,
        resolver: global.resolver()?,
        read: Box::new(move || crate::offline::read(&file).finish()),
        log,
    };
    let server = Arc::new(Server::start(plan, store, doors)?);
    let control = crate::control::serve(&server, &settings)?;
    let mut stop = Stop::listen()?;
    let mut hangup = signal(SignalKind::hangup())?;
    announce(ready, &addresses)?;
    let watch = tokio::spawn(watch_certificate(Arc::clone(&server)));

    tokio::select! {
        () = stop.wait() => {}
        () = async {
            while hangup.recv().await.is_some() {
                match server.reload_from_file() {
                    Ok(done) => tracing::info!("{done}"),
                    Err(error) => tracing::error!("reload refused, the old settings stay: {error:#}"),
                }
            }
        } => {}
    }
    tracing::info!("stopping: sessions may finish");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    watch.abort();
    server.stop().await;
    control.await?;
    Ok(())
}

/// The certificate that the settings name, else a self-signed one in the data folder.
fn certificate(settings: &Settings) -> Result<ServerTls> {
    let (certificate, key) = certificate_paths(settings);
    if settings.tls.certificate.is_none() && !certificate.exists() {
        let folder = settings.storage.data.join("tls");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        net::tls::self_signed(&[settings.server.hostname.to_string()], &certificate, &key)?;
        tracing::warn!(
            file = %certificate.display(),
            "made a self-signed certificate; name a real one under [tls] when you have it"
        );
    }
    Ok(ServerTls::load(&certificate, &key)?)
}

fn certificate_paths(settings: &Settings) -> (PathBuf, PathBuf) {
    let folder = settings.storage.data.join("tls");
    let certificate = settings.tls.certificate.clone();
    let key = settings.tls.key.clone();
    (
        certificate.unwrap_or_else(|| folder.join("certificate.pem")),
        key.unwrap_or_else(|| folder.join("key.pem")),
    )
}

async fn watch_certificate(server: Arc<Server>) {
    let mut warned = None;
    loop {
        match server.tls.reload_if_changed() {
            Ok(true) => tracing::info!("the certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the new certificate is not used"),
        }
        let days = server.inbound.settings.load().tls.warn_before_days;
        let ends = server.tls.not_after();
        let span = Duration::from_secs(days * 24 * 3600);
        if server.tls.expires_within(span, server.clock.now()) && warned != Some(ends) {
            tracing::warn!(ends = ends.rfc3339(), days, "the certificate ends within these days");
            warned = Some(ends);
        }
        tokio::time::sleep(CERTIFICATE_LOOK).await;
    }
}

/// The descriptor that `--ready-fd` names. Through /proc it needs no unsafe hand-over; that path is
/// closed to us once root is dropped.
fn ready_file(fd: i32) -> Result<File> {
    let opened = OpenOptions::new().write(true).open(format!("/proc/self/fd/{fd}"));
    opened.with_context(|| format!("--ready-fd {fd} cannot be written"))
}

/// Tells systemd and whoever holds the ready descriptor that the doors are open.
fn announce(ready: Option<File>, addresses: &[(String, String)]) -> Result<()> {
    for (door, address) in addresses {
        tracing::info!(door, address, "open");
    }
    if let Some(mut ready) = ready {
        let doors: serde_json::Map<_, _> =
            addresses.iter().map(|(d, a)| (d.clone(), a.clone().into())).collect();
        let line = format!("{}\n", serde_json::Value::from(doors));
        ready.write_all(line.as_bytes()).context("--ready-fd cannot be written")?;
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    Ok(())
}

/// The signals that end the server. Listened for before anyone is told that it is ready: a signal
/// that came in between would kill it instead.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// From now on SIGTERM and SIGINT are heard.
    pub(crate) fn listen() -> Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
