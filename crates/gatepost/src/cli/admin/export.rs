//! Writes a message from the quarantine as it came, window by window.

use crate::cli::Global;
use crate::control::Link;
use crate::failure::usage;
use crate::output;
use ::admin::{QuarantineRequest, Request, Response};
use anyhow::{Context, Result};
use base64::Engine as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

/// Carries `gatepost quarantine export` out.
pub(super) async fn held(global: &Global, id: i64, path: Option<&Path>) -> Result<ExitCode> {
    if global.json && path.is_none() {
        return Err(usage("with --json the message needs a file").hint("--output FILE").into());
    }
    let mut link = Link::open(global).await?;
    let written = write(&mut link, id, path).await;
    link.close().await;
    let written = written?;
    if let Some(path) = path {
        if global.json {
            output::json_line(&serde_json::json!({ "bytes": written, "file": path }))?;
        } else {
            output::print(&format!("{written} bytes are in {}", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The file is made once the first window is there: what is not held leaves none behind.
async fn write(link: &mut Link, id: i64, path: Option<&Path>) -> Result<u64> {
    let mut file: Option<File> = None;
    let mut offset = 0;
    loop {
        let asked = Request::Quarantine(QuarantineRequest::Read { id, offset });
        let Response::Window { bytes, size } = link.request(asked).await? else {
            anyhow::bail!("the server answered something else than a message");
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(bytes)?;
        match (path, &mut file) {
            (None, _) => output::bytes(&[&bytes])?,
            (Some(path), None) => file.insert(create(path)?).write_all(&bytes)?,
            (Some(_), Some(file)) => file.write_all(&bytes)?,
        }
        offset += bytes.len() as u64;
        if offset >= size {
            return Ok(offset);
        }
        anyhow::ensure!(!bytes.is_empty(), "message {id} ends too early");
    }
}

/// Somebody's mail, and perhaps a dangerous one: for whoever runs this alone.
fn create(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}
