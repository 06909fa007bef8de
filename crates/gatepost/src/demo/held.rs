//! What becomes of a part that was taken out: its recipient is told, asks for it by an answer, and
//! has the message whole once it is released.

use super::site::Site;
use super::{attempts, mailbox};
use anyhow::{Context, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mail::Door;
use std::time::Duration;
use store::{Actor, Held, HeldFilter, Released, Store};

/// The name of the program in the demo's mail.
pub(super) const PROGRAM: &str = "invoice.exe";
/// What it begins with, as every Windows program does.
pub(super) const PROGRAM_BYTES: &[u8] =
    b"MZ\x90\0\x03\0\0\0 a program of the demo that does nothing";
/// The file by which people try whether a scanner works; harmless. In two pieces, so that no
/// scanner takes this program for one.
pub(super) const EICAR: [&str; 2] =
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// What Anna reads in the place of the program.
pub(super) async fn told(site: &Site) -> Result<String> {
    let text = notice(site).await?;
    token(&text)?;
    let fact = |label: &str| {
        let fact = text.iter().find_map(|line| line.trim().strip_prefix(label));
        fact.map(str::trim).with_context(|| format!("the text has no {label}"))
    };
    Ok(format!("told: {}; {}", fact("Name:")?, fact("Why:")?))
}

/// Anna sends back the line that the text names.
pub(super) async fn ask(site: &Site, store: &Store) -> Result<String> {
    let token = token(&notice(site).await?)?;
    let to = format!("release@mail.{}", site.domain());
    let anna = site.users.first().context("the demo has no users")?;
    let message = format!("From: {}\r\nTo: {to}\r\nSubject: please\r\n\r\n{token}", anna.address);
    let mut talk = attempts::logged_in(site).await?;
    let reply = attempts::transact(&mut talk, &anna.address, &to, message.as_bytes()).await?;
    ensure!(reply.starts_with("250"), "the request was answered {reply}");
    for _ in 0..250 {
        if let Some(held) = requested(store).await? {
            return Ok(format!("asked for by {}", held.requested_by));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("nobody asked for it after five seconds")
}

/// The administrator gives Anna what she asked for; she has it whole.
pub(super) async fn release(site: &Site, store: &Store) -> Result<String> {
    let held = requested(store).await?.context("nothing is asked for")?;
    let by = Actor { door: Door::Admin, name: "administrator", peer: None };
    let Released::Placed(_) = store.release(held.id, None, by).await? else {
        anyhow::bail!("it was sent on, not put into the mailbox");
    };
    let program = BASE64_STANDARD.encode(PROGRAM_BYTES);
    let is_whole = |message: &Vec<String>| message.concat().contains(&program);
    let messages = mailbox::read(site, 0).await?;
    ensure!(messages.iter().any(is_whole), "no message of Anna's has {PROGRAM}");
    Ok(format!("released: {PROGRAM} is in Anna's mailbox"))
}

/// The message with the text that stands for the program.
async fn notice(site: &Site) -> Result<Vec<String>> {
    let messages = mailbox::read(site, 0).await?;
    let tells = |message: &Vec<String>| message.iter().any(|line| line.contains("SHA-256:"));
    messages.into_iter().find(tells).context("no message of Anna's tells of it")
}

/// The line by which a part may be asked for.
fn token(text: &[String]) -> Result<String> {
    let is_token = |line: &&str| line.starts_with('[') && line.ends_with(']') && line.len() > 34;
    let found = text.iter().map(|line| line.trim()).find(is_token);
    found.map(str::to_owned).context("the text does not say how to ask for it")
}

async fn requested(store: &Store) -> Result<Option<Held>> {
    let filter = HeldFilter { requested: true, ..HeldFilter::default() };
    Ok(store.quarantine_list(0, &filter, 1).await?.pop())
}
