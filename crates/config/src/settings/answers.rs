//! What follows from several settings, for whoever asks.

use super::Settings;
use crate::choices::{BareLf, SmtpNetwork};
use crate::web::WebUrl;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

impl Settings {
    /// Whether bare LF is repaired for this client instead of refused: only for networks that the
    /// administrator named.
    pub fn repairs_bare_lf(&self, ip: IpAddr) -> bool {
        let repairs = |n: &SmtpNetwork| n.bare_lf == BareLf::Repair && n.net.contains(&ip);
        self.smtp.networks.iter().any(repairs)
    }

    /// The socket of the running server that everybody may submit mail at. `run` is
    /// [`RUN_FOLDER`] where that folder can be used.
    pub fn submit_socket(&self, run: Option<&Path>) -> PathBuf {
        let default = || run.unwrap_or(&self.storage.data).join("submit.sock");
        self.server.submit_socket.clone().unwrap_or_else(default)
    }

    /// The socket of the running server.
    pub fn admin_socket(&self) -> PathBuf {
        let default = || self.storage.data.join("admin.sock");
        self.server.admin_socket.clone().unwrap_or_else(default)
    }

    /// Where people reach the web pages; `None` where there are none.
    pub fn web_url(&self) -> Option<WebUrl> {
        let port = self.listen.https.first().map(SocketAddr::port).filter(|port| *port != 0);
        let own = || Some(WebUrl::new(self.server.hostname.clone(), port?));
        self.web.url.clone().or_else(own)
    }
}
