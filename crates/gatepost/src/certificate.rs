//! The certificate of all doors: its files, a first one, and the watch over it.

use crate::server::Server;
use anyhow::{Context, Result};
use config::Settings;
use net::ServerTls;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often certificate files are looked at.
const LOOK: Duration = Duration::from_secs(60);
/// Where the files are in the data folder, and their names.
const FOLDER: &str = "tls";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// The certificate that the settings name, else a self-signed one in the data folder.
pub(crate) fn load(settings: &Settings) -> Result<ServerTls> {
    let (certificate, key) = files(settings, &settings.storage.data)?;
    Ok(ServerTls::load(&certificate, &key)?)
}

/// The same, if it is there and good: nothing is made.
pub(crate) fn at_hand(settings: &Settings) -> Option<ServerTls> {
    let (certificate, key) = places(settings, &settings.storage.data.join(FOLDER));
    ServerTls::load(&certificate, &key).ok()
}

/// Where certificate and key are: where the settings say, else in a folder of the data.
fn places(settings: &Settings, folder: &Path) -> (PathBuf, PathBuf) {
    let named = |path: &Option<PathBuf>, usual| path.clone().unwrap_or_else(|| folder.join(usual));
    (named(&settings.tls.certificate, CERTIFICATE), named(&settings.tls.key, KEY))
}

/// Certificate and key that the settings name, else those in the data folder `data`, which are
/// made, self-signed, when they are missing.
pub(crate) fn files(settings: &Settings, data: &Path) -> Result<(PathBuf, PathBuf)> {
    let folder = data.join(FOLDER);
    let (certificate, key) = places(settings, &folder);
    if settings.tls.certificate.is_none() && !certificate.exists() {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        net::tls::self_signed(&[settings.server.hostname.to_string()], &certificate, &key)?;
        tracing::warn!(
            file = %certificate.display(),
            "made a self-signed certificate; name a real one under [tls] when you have it"
        );
    }
    Ok((certificate, key))
}

/// Takes a renewed certificate, and warns of one that ends soon, as long as the server runs.
pub(crate) async fn watch(server: Arc<Server>) {
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
        tokio::time::sleep(LOOK).await;
    }
}
