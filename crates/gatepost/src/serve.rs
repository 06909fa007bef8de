//! `gatepost serve`: from the settings to a running server, and to its orderly end.

use crate::cli::{Global, ServeArgs};
use crate::doors::Doors;
use crate::logging::Recent;
use crate::offline::problems;
use crate::server::{Plan, Server};
use crate::signals::Signals;
use anyhow::{Context, Result};
use config::{DnssecChoice, Settings};
use filter::worker::Spawner;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

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
    // As the user that the server is, while there is nothing yet that a worker could inherit.
    let spawner = Spawner::launch().context("workers cannot be started")?;
    net::raise_file_limit();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime()?;
    runtime.block_on(live(global, log, ready, settings, doors, spawner))?;
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
    spawner: Spawner,
) -> Result<()> {
    // Again, as the user that a reload will read them as; the first time was to tell all faults.
    let (maps, _) = config::load_maps(&settings).map_err(problems)?;
    // Before the certificate is made: it would make the folder.
    crate::engine::refuse_none(&settings)?;
    let clock = global.clock();
    let tls = crate::certificate::load(&settings)?;
    let store = crate::engine::open(&settings, &clock).await?;
    let addresses = doors.addresses();
    let file = global.config.clone();
    let plan = Plan {
        settings: settings.clone(),
        maps,
        tls,
        clock,
        resolver: global.proving_resolver(dnssec(settings.dns.dnssec))?,
        read: Box::new(move || crate::offline::read(&file).finish()),
        log,
        spawner,
    };
    let server = Arc::new(Server::start(plan, store, doors)?);
    let control = crate::control::serve(&server, &settings)?;
    let mut signals = Signals::listen()?;
    announce(ready, &addresses)?;
    signals.obey(&server).await;
    tracing::info!("stopping: sessions may finish");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    server.stop().await;
    control.await?;
    Ok(())
}

fn dnssec(choice: DnssecChoice) -> net::Dnssec {
    match choice {
        DnssecChoice::Local => net::Dnssec::Local,
        DnssecChoice::TrustAd => net::Dnssec::TrustAd,
        DnssecChoice::Validate => net::Dnssec::Validate,
        DnssecChoice::Off => net::Dnssec::Off,
    }
}

/// The descriptor that `--ready-fd` names. Through /proc it needs no unsafe hand-over; that path is
/// closed to us once root is dropped.
fn ready_file(fd: i32) -> Result<File> {
    let opened = OpenOptions::new().write(true).open(format!("/proc/self/fd/{fd}"));
    opened.with_context(|| format!("--ready-fd {fd} cannot be written"))
}

/// Each door's first address by its name, and under `doors` all: a door has as many as are listed.
fn ready_object(addresses: &[(String, String)]) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    for (door, address) in addresses {
        object.entry(door.as_str()).or_insert_with(|| address.as_str().into());
    }
    let of = |(door, address): &(String, String)| json!({ "door": door, "address": address });
    object.insert("doors".to_owned(), addresses.iter().map(of).collect());
    object.into()
}

/// Tells systemd and whoever holds the ready descriptor that the doors are open.
fn announce(ready: Option<File>, addresses: &[(String, String)]) -> Result<()> {
    for (door, address) in addresses {
        tracing::info!(door, address, "open");
    }
    if let Some(mut ready) = ready {
        let line = format!("{}\n", ready_object(addresses));
        ready.write_all(line.as_bytes()).context("--ready-fd cannot be written")?;
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ready_object;
    use serde_json::json;

    #[test]
    fn no_address_of_a_door_is_lost() {
        let at = |door: &str, address: &str| (door.to_owned(), address.to_owned());
        let open =
            [at("smtp", "127.0.0.1:25"), at("smtp", "127.0.0.1:2525"), at("pop3s", "[::1]:995")];
        let expected = json!({
            "smtp": "127.0.0.1:25",
            "pop3s": "[::1]:995",
            "doors": [
                { "door": "smtp", "address": "127.0.0.1:25" },
                { "door": "smtp", "address": "127.0.0.1:2525" },
                { "door": "pop3s", "address": "[::1]:995" },
            ],
        });
        assert_eq!(ready_object(&open), expected);
    }
}
