//! How a session begins: its number, its peer, its limits.

use crate::Inbound;
use crate::pace::Limits;
use config::Settings;
use mail::{Door, Peer, Reason, SessionId};
use smtp::server::Options;
use std::net::IpAddr;
use std::time::Duration;

/// The number of a new session; `None` if the store gives none.
pub(crate) async fn session(inbound: &Inbound) -> Option<SessionId> {
    match inbound.store.ids(1).await {
        Ok(ids) => Some(SessionId(ids.start)),
        Err(error) => {
            tracing::warn!(%error, "session refused: the store gives no number");
            None
        }
    }
}

/// A peer of whom only its place is known.
pub(crate) fn peer(session: SessionId, door: Door, ip: IpAddr, port: u16) -> Peer {
    let (helo, tls, login, user) = (None, None, None, None);
    Peer { session, door, ip, port, helo, esmtp: false, tls, login, user }
}

/// How a connection came in.
pub(crate) struct Way {
    /// By a socket of this machine.
    pub(crate) is_local: bool,
    /// It is a proxy's own.
    pub(crate) is_check: bool,
    /// Or why it is not.
    pub(crate) admitted: Result<(), Reason>,
}

/// What the machine is told of the door.
pub(crate) fn options(settings: &Settings, peer: &Peer, is_local: bool) -> Options {
    let Peer { door, ip, .. } = *peer;
    let is_submission = matches!(door, Door::Submission | Door::Submissions);
    Options {
        door,
        hostname: settings.server.hostname.to_string(),
        size_max: settings.limits.message_size_max,
        recipients_max: match door {
            Door::Smtp | Door::Lmtp => settings.limits.recipients_max,
            _ => settings.limits.submission_recipients_max,
        },
        errors_max: settings.limits.errors_max,
        header_size_max: settings.limits.header_size_max,
        tls_offered: !is_local,
        tls_active: door == Door::Submissions,
        auth: is_submission,
        bare_lf_repair: !is_local && settings.repairs_bare_lf(ip),
    }
}

/// How long its peer may take.
pub(crate) fn limits(settings: &Settings) -> Limits {
    Limits {
        command: Duration::from_secs(settings.limits.idle_timeout_secs),
        body_grace: Duration::from_secs(settings.limits.command_timeout_secs),
        rate_min: settings.limits.data_rate_min_bytes,
    }
}
