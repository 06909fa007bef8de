//! What no single setting can know.

use super::{Settings, too_wide};
use crate::reader::{Reader, Table};
use crate::route::{LOGIN_WRONG, is_login};
use crate::tree::{Node, Value};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Tells the reader where settings do not go together.
pub(super) fn check(settings: &Settings, root: &Node, reader: &mut Reader) {
    let table = Table::open(root, Settings::SECTIONS, &mut Reader::default());
    if settings.server.user.trim().is_empty()
        && let Some(node) = table.node("server").and_then(|server| server.child("user"))
    {
        reader.say(node, "`user` is empty: it is the system user that the server becomes");
    }
    if settings.server.hostname.as_str().contains('_')
        && let Some(node) = table.node("server").and_then(|server| server.child("hostname"))
    {
        reader.warn(node, "a host name has no `_` (RFC 5321 §2.3.5): other servers may refuse it");
    }
    if settings.tls.certificate.is_some() != settings.tls.key.is_some()
        && let Some(node) = table.node("tls")
    {
        reader.say(node, "`certificate` and `key` go together: one of them is missing");
    }
    if settings.limits.connections_per_address > settings.limits.connections_max
        && let Some(node) = table.node("limits")
    {
        reader.say(node, "`connections_per_address` is greater than `connections_max`");
    }
    if let Some(node) = table.node("relay") {
        for net in settings.relay.networks.iter().filter(|net| too_wide(net)) {
            let message = format!("`{net}` is too wide: it would make an open relay");
            reader.say(node, message);
        }
    }
    if let Some(node) = table.node("proxy") {
        for net in settings.proxy.networks.iter().filter(|net| too_wide(net)) {
            let message = format!("`{net}` is too wide: anybody in it could say to be anybody");
            reader.say(node, message);
        }
    }
    if let Some(node) = table.node("lmtp") {
        for net in settings.lmtp.networks.iter().filter(|net| too_wide(net)) {
            reader.say(node, format!("`{net}` is too wide: LMTP is not for strangers"));
        }
    }
    if settings.lmtp.networks.is_empty()
        && let Some(node) = table.node("listen").and_then(|listen| listen.child("lmtp"))
        && !settings.listen.lmtp.is_empty()
    {
        reader.say(node, "nobody may use this door: name networks under `[lmtp] networks`");
    }
    if !is_login(&settings.send.smarthost_user, &settings.send.smarthost_password)
        && let Some(node) = table.node("send")
    {
        reader.say(node, LOGIN_WRONG);
    }
    if settings.send.smarthost_user.is_some()
        && settings.send.smarthost.is_none()
        && let Some(node) = table.node("send").and_then(|send| send.child("smarthost_user"))
    {
        reader.say(node, "`smarthost_user` needs a `smarthost`");
    }
    if let Some(node) = table.node("scanner") {
        scanners(settings, node, reader);
    }
    doors(settings, table.node("listen").unwrap_or(root), reader);
}

/// A command that cannot be started, and servers that would never have their turn.
fn scanners(settings: &Settings, node: &Node, reader: &mut Reader) {
    let scanner = &settings.scanner;
    if let Some(node) = node.child("command") {
        if scanner.command.first().is_some_and(|program| !program.starts_with('/')) {
            reader.say(node, "the path of the program does not begin with `/`");
        }
        if scanner.command.iter().any(|word| word.contains('\0')) {
            reader.say(node, "a word of the command has a NUL byte in it");
        }
    }
    let servers = scanner.clamd.len().max(scanner.spamd.len()).max(1) as u64;
    // Three quarters of the filter's time are for scanners.
    if scanner.timeout_secs * servers * 4 > settings.limits.filter_timeout_secs * 3 {
        let message = "`timeout_secs` for each server of a kind in turn is more than three quarters \
                       of `limits.filter_timeout_secs`: the last of them may never be asked";
        reader.warn(node, message);
    }
}

/// Two doors at one address and port: the second could never be opened. `0.0.0.0` is every IPv4
/// address, `[::]` every IPv6 address and none of the others.
fn doors(settings: &Settings, node: &Node, reader: &mut Reader) {
    let listen = &settings.listen;
    let mut exact: HashMap<SocketAddr, &str> = HashMap::new();
    let mut ports: HashMap<(bool, u16), (SocketAddr, &str)> = HashMap::new();
    for (door, addresses) in [
        ("smtp", &listen.smtp),
        ("submission", &listen.submission),
        ("submissions", &listen.submissions),
        ("lmtp", &listen.lmtp),
        ("pop3", &listen.pop3),
        ("pop3s", &listen.pop3s),
        ("https", &listen.https),
    ] {
        for (at, address) in addresses.iter().enumerate().filter(|(_, a)| a.port() != 0) {
            let everywhere = SocketAddr::new(unspecified(address), address.port());
            let port = (address.is_ipv6(), address.port());
            let other = [*address, everywhere]
                .into_iter()
                .find_map(|same| exact.get(&same).map(|door| (same, *door)))
                .or_else(|| ports.get(&port).copied().filter(|_| *address == everywhere));
            if let Some((same, other)) = other {
                let message = format!("`{door}` at {address}: `{other}` is open at {same} already");
                reader.say(place(node, door, at), message);
                continue;
            }
            exact.insert(*address, door);
            ports.entry(port).or_insert((*address, door));
        }
    }
}

fn unspecified(address: &SocketAddr) -> IpAddr {
    match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The address at `at` of a door's list; the section, where the default holds.
fn place<'n>(listen: &'n Node, door: &str, at: usize) -> &'n Node {
    match listen.child(door) {
        Some(list) => match &list.value {
            Value::Array(items) => items.get(at).unwrap_or(list),
            _ => list,
        },
        None => listen,
    }
}
