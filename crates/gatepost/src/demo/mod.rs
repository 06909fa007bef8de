//! `gatepost demo`: a complete server that makes itself, sends itself mail and shows what it did.

mod attempts;
mod elsewhere;
mod held;
mod mailbox;
mod site;
mod talk;

use crate::cli::{DemoArgs, Global};
use crate::doors::Doors;
use crate::logging::Recent;
use crate::output;
use crate::server::{Plan, Server};
use crate::signals::Signals;
use anyhow::{Context, Result};
use elsewhere::{Elsewhere, Ways};
use filter::worker::Spawner;
use site::Site;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the demo until Ctrl-C, or with `--once` until its table is printed.
pub(crate) fn run(global: &Global, args: &DemoArgs) -> Result<ExitCode> {
    let level = if args.quiet { "warn" } else { "error" };
    let log = crate::logging::start(level, config::LogFormat::Text, global.clock());
    let kept = tempfile_or_data(args)?;
    let spawner = Spawner::launch().context("workers cannot be started")?;
    let runtime = crate::serve::runtime()?;
    let code = runtime.block_on(live(global, args, kept.path(), log, spawner));
    drop(runtime);
    code
}

/// The demo's folder: the one given, or a temporary one that is removed at the end.
enum Folder {
    Given(std::path::PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn path(&self) -> &std::path::Path {
        match self {
            Folder::Given(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }
}

fn tempfile_or_data(args: &DemoArgs) -> Result<Folder> {
    Ok(match &args.data {
        Some(path) => {
            std::fs::create_dir_all(path)
                .with_context(|| format!("cannot make the folder {}", path.display()))?;
            Folder::Given(path.canonicalize()?)
        }
        None => Folder::Temporary(tempfile::Builder::new().prefix("gatepost-demo-").tempdir()?),
    })
}

async fn live(
    global: &Global,
    args: &DemoArgs,
    folder: &std::path::Path,
    log: Recent,
    spawner: Spawner,
) -> Result<ExitCode> {
    // Who drives the demo by its JSON brings his own other server.
    let wants_other = !args.quiet && args.smarthost.is_none();
    let elsewhere = wants_other.then(Elsewhere::start).transpose()?;
    let ways = Ways::new(args.smarthost.as_deref(), elsewhere.as_ref())?;
    let site = Site::prepare(folder, args.settings.as_deref(), &ways)?;
    let doors = Doors::bind(&site.settings)?;
    let (maps, _) = config::load_maps(&site.settings).map_err(crate::offline::problems)?;
    let clock = global.clock();
    let store = crate::engine::make(&site.settings, &clock).await?;
    site.populate(&store).await?;
    let site = site.with_ports(&doors);
    let plan = Plan {
        settings: site.settings.clone(),
        maps,
        tls: site.tls.clone(),
        clock,
        resolver: resolver(global)?,
        read: site.reader(),
        log,
        spawner,
    };
    let server = Arc::new(Server::start(plan, Arc::clone(&store), doors)?);
    let control = crate::control::serve(&server, &site.settings)?;

    let mut signals = Signals::listen()?;

    if args.quiet {
        output::json_line(&site.json(std::process::id()))?;
        signals.obey(&server).await;
        server.stop().await;
        control.await?;
        return Ok(ExitCode::SUCCESS);
    }
    let tried = attempts::all(&site, &store, elsewhere.is_some(), !global.json).await;
    let right = tried.iter().all(|t| t.right);
    if global.json {
        output::json_line(
            &serde_json::json!({ "server": site.json(std::process::id()), "tried": tried }),
        )?;
    } else {
        output::print(&attempts::table(&tried))?;
        output::print(if right {
            "Every line came out as it must."
        } else {
            "Some lines did NOT come out as they must."
        })?;
    }
    if !args.once {
        output::print(&site.card())?;
        signals.obey(&server).await;
    }
    server.stop().await;
    if let Some(elsewhere) = elsewhere {
        elsewhere.stop().await;
    }
    control.await?;
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The demo's own names, unless `--zone` has others: it shows the same everywhere, and asks nobody.
fn resolver(global: &Global) -> Result<Arc<dyn net::Resolver>> {
    if global.zone.is_some() {
        return global.resolver();
    }
    let names = include_str!("example.zone");
    Ok(Arc::new(net::ZoneResolver::parse(names, Path::new("the demo's zone"))?))
}
