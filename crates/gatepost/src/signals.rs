//! What a running server hears from outside, under `serve` and under `demo` alike: SIGHUP reloads,
//! SIGTERM and SIGINT end it.

use crate::server::Server;
use anyhow::Result;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a server obeys. Listened for before anyone is told that it is ready: one that
/// came in between would kill it instead.
pub(crate) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they are heard.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Reloads when asked to and watches the certificate, until the server shall end.
    pub(crate) async fn obey(&mut self, server: &Arc<Server>) {
        let watch = tokio::spawn(crate::certificate::watch(Arc::clone(server)));
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
                heard = self.hangup.recv() => match heard {
                    Some(()) => reload(server).await,
                    None => break,
                },
            }
        }
        watch.abort();
    }
}

async fn reload(server: &Server) {
    match server.reload_from_file().await {
        Ok(done) => tracing::info!("{done}"),
        Err(error) => tracing::error!("reload refused, the old settings stay: {error:#}"),
    }
}
