//! Binding the doors: done before root is dropped and before any thread starts.

use anyhow::{Context, Result};
use config::Settings;
use mail::Door;
use std::net::{SocketAddr, TcpListener};

/// The listening sockets of all doors.
pub(crate) struct Doors {
    /// Each with its door.
    pub(crate) listeners: Vec<(Door, TcpListener)>,
}

impl Doors {
    /// Takes the sockets that systemd hands over, else binds the addresses of the settings.
    pub(crate) fn bind(settings: &Settings) -> Result<Self> {
        let mut listeners = inherited()?;
        if listeners.is_empty() {
            let listen = &settings.listen;
            for (door, addresses) in [
                (Door::Smtp, &listen.smtp),
                (Door::Pop3, &listen.pop3),
                (Door::Pop3s, &listen.pop3s),
            ] {
                for address in addresses {
                    listeners.push((door, bind(door, *address, listen.backlog)?));
                }
            }
        }
        anyhow::ensure!(!listeners.is_empty(), "no door is open: give addresses under [listen]");
        Ok(Self { listeners })
    }

    /// The first port of a door, if it is open.
    pub(crate) fn port(&self, door: Door) -> Option<u16> {
        let (_, listener) = self.listeners.iter().find(|(d, _)| *d == door)?;
        listener.local_addr().ok().map(|address| address.port())
    }

    /// Every door with its address, for people and programs.
    pub(crate) fn addresses(&self) -> Vec<(String, String)> {
        let shown = |(door, listener): &(Door, TcpListener)| {
            let address = listener.local_addr().ok()?;
            Some((door.word().to_owned(), address.to_string()))
        };
        self.listeners.iter().filter_map(shown).collect()
    }
}

fn bind(door: Door, address: SocketAddr, backlog: u32) -> Result<TcpListener> {
    net::bind(address, backlog).with_context(|| {
        format!(
            "the door {} cannot be opened at {address}; is another mail server running, or does \
             the port need root or CAP_NET_BIND_SERVICE?",
            door.word()
        )
    })
}

/// Sockets from systemd, by the names of the socket unit (`FileDescriptorName=smtp`).
fn inherited() -> Result<Vec<(Door, TcpListener)>> {
    let mut listeners = Vec::new();
    for (name, listener) in net::inherited_listeners() {
        let door = match name.as_str() {
            "smtp" => Door::Smtp,
            "pop3" => Door::Pop3,
            "pop3s" => Door::Pop3s,
            other => anyhow::bail!(
                "systemd handed over a socket called {other}; FileDescriptorName= must be smtp, \
                 pop3 or pop3s"
            ),
        };
        listeners.push((door, listener));
    }
    Ok(listeners)
}
