//! `cargo xtask powercut`: disks whose power failed, and what the server makes of them.
//!
//! The server runs under strace, which writes down every write, rename and sync. From that record
//! images are made as a disk might be after the power failed at any call ([`disk`]): what was
//! synced is there; what was not is kept, dropped or torn at random. The server has to start on
//! each, prove its books, and show every message whose 250 had been written by then. In the same
//! record the order is checked for every 250 ([`order`]). Where loop devices may be mounted, a
//! real file system that writes nothing by itself for five minutes is copied under a stopped
//! server ([`mounted`]).

mod disk;
mod mounted;
mod order;
mod trace;

use super::load::{Load, Plan, Sent};
use super::random::Random;
use super::server::{Setup, site, workshop};
use super::{After, Common, prove};
use anyhow::{Context, Result, ensure};
use disk::Disk;
use std::path::{Path, PathBuf};
use std::time::Instant;
pub(super) use trace::kept;
use trace::{Event, Record};

/// `cargo xtask powercut`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Images made from records.
    #[arg(long, default_value_t = 30)]
    images: u32,
    /// Copies of a mounted file system.
    #[arg(long, default_value_t = 3)]
    mounted: u32,
    #[command(flatten)]
    common: Common,
}

/// Images made from one record: each record has other moments, sizes and batches.
const IMAGES_A_RECORD: u32 = 25;
const PLAN: Plan = Plan { sessions: 8, messages: 12, large_percent: 25 };

/// Makes and proves the images.
pub(crate) fn run(args: &Args) -> Result<()> {
    let seed = args.common.seed.unwrap_or_else(Random::seed);
    println!("powercut: {} images, seed {seed}", args.images);
    let mut random = Random::new(seed);
    let binary = args.common.binary()?;
    let begun = Instant::now();
    let (mut made, mut acknowledged) = (0, 0);
    while made < args.images {
        let workshop = workshop("power")?;
        let Some(story) = record(workshop.path(), &binary, &mut random)? else {
            println!("powercut: skipped, strace may not run the server here");
            return Ok(());
        };
        let checked = order::check(&story.record, &story.sent)?;
        println!("powercut: {checked} messages synced before their 250 was written");
        for _ in 0..IMAGES_A_RECORD.min(args.images - made) {
            made += 1;
            acknowledged += image(workshop.path(), &binary, &story, &mut random)
                .with_context(|| format!("image {made}, seed {seed}"))?;
        }
    }
    println!(
        "powercut: {made} images in {:.0} s: {acknowledged} acknowledged messages in them, all \
         there and whole, fsck clean",
        begun.elapsed().as_secs_f64()
    );
    for round in 1..=args.mounted {
        let proved = mounted::round(&binary, &mut random)
            .with_context(|| format!("copy {round} of a mounted file system, seed {seed}"))?;
        let Some(proved) = proved else {
            println!("powercut: skipped: nothing may be mounted here");
            break;
        };
        println!("powercut: a mounted file system, copied: {proved} messages there and whole");
    }
    Ok(())
}

/// For `cargo test`.
#[cfg(test)]
fn run_images(images: u32, mounted: u32) -> Result<()> {
    run(&Args { images, mounted, common: Common::default() })
}

/// One life of a server, as strace and its peers saw it.
struct Story {
    folder: PathBuf,
    record: Record,
    sent: Vec<Sent>,
}

/// Lets a server live under strace, from an empty folder on.
fn record(workshop: &Path, binary: &Path, random: &mut Random) -> Result<Option<Story>> {
    let folder = site(workshop);
    let prefix = workshop.join("trace");
    let mut wrapper: Vec<String> = [
        "strace",
        "-ff",
        "-yy",
        "-xx",
        "-s",
        "4000000",
        "--absolute-timestamps=format:unix,\
         precision:ns",
        "--syscall-times=ns",
        "-e",
        trace::CALLS,
        "-o",
    ]
    .map(str::to_owned)
    .to_vec();
    wrapper.push(prefix.to_string_lossy().into_owned());
    let setup = Setup {
        binary: binary.to_owned(),
        folder: folder.clone(),
        settings: String::new(),
        wrapper,
    };
    if !trace::may_trace() {
        return Ok(None);
    }
    let server = setup.start()?;
    let load = Load::start(&server, "p", PLAN, random)?;
    let sent = load.wait();
    ensure!(sent.iter().all(|sent| sent.acknowledged), "a message was refused without any fault");
    server.kill()?;
    let record = Record::read(&prefix, &folder)?;
    Ok(Some(Story { folder, record, sent }))
}

/// Makes one image, starts the server on it, and proves; how many messages had to be there.
fn image(workshop: &Path, binary: &Path, story: &Story, random: &mut Random) -> Result<usize> {
    let cut = moment(&story.record, random);
    let mut disk = Disk::default();
    for event in story.record.events.iter().filter(|event| event.start <= cut) {
        disk.happen(event, cut);
    }
    let folder = workshop.join("image");
    let way = disk.write(&folder, random)?;
    let told: Vec<i64> = story
        .record
        .events
        .iter()
        .filter(|event| event.start <= cut)
        .filter_map(Event::kept)
        .collect();
    let sent: Vec<Sent> = story
        .sent
        .iter()
        .map(|sent| Sent {
            acknowledged: sent.kept_as.is_some_and(|id| told.contains(&id)),
            ..sent.clone()
        })
        .collect();
    let setup = Setup {
        binary: binary.to_owned(),
        folder: folder.clone(),
        settings: String::new(),
        wrapper: Vec::new(),
    };
    let proved = (|| {
        let server = setup.start()?;
        prove(&server, &sent, After::Leave)?;
        server.stop()
    })();
    proved.with_context(|| format!("cut at {cut} ns of {}, {way}", story.folder.display()))?;
    std::fs::remove_dir_all(&folder)?;
    Ok(told.len())
}

/// A moment after the server was ready: within or right after any call.
fn moment(record: &Record, random: &mut Random) -> u64 {
    let after: Vec<&Event> = record.events.iter().filter(|e| e.start > record.ready).collect();
    let at = random.below(after.len() as u64) as usize;
    after.get(at).map_or(record.ready, |event| {
        event.start + random.below(event.end.saturating_sub(event.start) + 1)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    #[test]
    fn thirty_images_after_power_cuts() {
        if std::env::var_os("GATEPOST_BIN").is_some() {
            super::run_images(30, 1).unwrap();
        } else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "GATEPOST_BIN is missing");
        }
    }
}
