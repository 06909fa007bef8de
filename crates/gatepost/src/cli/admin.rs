//! From a command to a request, and from its response to what is printed.

mod ask;
mod dns;
mod export;
mod show;
mod status;

use super::Global;
use super::object::{AdminCommand, DomainCommand, MailboxCommand};
use super::quarantine::QuarantineCommand;
use crate::control::Link;
use crate::failure::usage;
use crate::output;
use ::admin::{Request, Response};
use anyhow::{Context, Result};
use base64::Engine as _;
use mail::Address;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::ExitCode;

/// Carries an administrator's command out over the socket, or on the store itself.
pub(crate) fn run(global: &Global, command: &AdminCommand) -> Result<ExitCode> {
    crate::logging::start("warn", config::LogFormat::Text, global.clock());
    if let Some(question) = ask::confirmation(command)
        && !global.yes
        && !confirmed(&question)?
    {
        anyhow::bail!("nothing was done");
    }
    if let AdminCommand::Domain(DomainCommand::Dns(args)) = command {
        return dns::run(global, args);
    }
    let runtime = crate::serve::runtime()?;
    if let AdminCommand::Mailbox(MailboxCommand::Export { address, mailbox, folder }) = command {
        return runtime.block_on(async {
            let mut link = Link::open(global).await?;
            let exported = export(&mut link, address, mailbox, folder).await;
            link.close().await;
            let written = exported?;
            if global.json {
                output::json_line(&serde_json::json!({ "messages": written, "folder": folder }))?;
            } else {
                output::print(&format!("{written} messages are in {}", folder.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        });
    }
    if let AdminCommand::Quarantine(QuarantineCommand::Export { id, output }) = command {
        return runtime.block_on(export::held(global, *id, output.as_deref()));
    }
    // Before anything is opened: what is asked wrongly is so with or without a server.
    let request = ask::request(command)?;
    let response = runtime.block_on(async {
        let mut link = Link::open(global).await?;
        let response = link.request(request).await;
        link.close().await;
        response
    })?;
    if global.json {
        output::json_line(&response)?;
    } else {
        output::print(&show::text(&response))?;
    }
    Ok(show::verdict(&response))
}

fn confirmed(question: &str) -> Result<bool> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        let nobody = format!("{question} There is no terminal to ask at");
        return Err(usage(nobody).hint("say --yes").into());
    }
    // On standard error: what is read from standard output is the result alone.
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question} [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Writes each message of a mailbox to `UID.eml`, in windows, with a progress bar on a terminal.
async fn export(link: &mut Link, address: &Address, mailbox: &str, folder: &Path) -> Result<u64> {
    // Somebody's mail: for whoever runs this alone, under whatever umask.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let bar = indicatif::ProgressBar::new_spinner();
    let mut cursor = None;
    let mut written = 0_u64;
    loop {
        let paging = ::admin::Paging { limit: ::admin::Paging::LIMIT_MAX, cursor };
        let asked =
            Request::MailboxShow { address: address.clone(), mailbox: mailbox.to_owned(), paging };
        let Response::Entries(page) = link.request(asked).await? else {
            anyhow::bail!("the server answered something else than a mailbox");
        };
        for entry in page.rows {
            let path = folder.join(format!("{}.eml", entry.uid));
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            let mut offset = 0;
            while offset < entry.size {
                let (address, mailbox) = (address.clone(), mailbox.to_owned());
                let asked = Request::MessageRead { address, mailbox, uid: entry.uid, offset };
                let Response::Window { bytes, .. } = link.request(asked).await? else {
                    anyhow::bail!("the server answered something else than a message");
                };
                let bytes = base64::engine::general_purpose::STANDARD.decode(bytes)?;
                anyhow::ensure!(!bytes.is_empty(), "message {} ends too early", entry.uid);
                file.write_all(&bytes)?;
                offset += bytes.len() as u64;
            }
            written += 1;
            bar.set_message(format!("{written} messages"));
            bar.tick();
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(written)
}
