//! Postfix from Debian, delivering to Maildirs with virtual(8) or sending on, as shipped or tuned.

use super::{Setup, names, quiet};
use crate::bench::process;
use anyhow::{Context, Result};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

/// Makes a configuration of its own, its queue and its mailboxes.
pub(super) fn prepare(folder: &Path, port: u16, tuned: bool, setup: &Setup) -> Result<()> {
    let etc = folder.join("etc");
    for sub in ["etc", "queue", "data", "mail"] {
        fs::create_dir_all(folder.join(sub))?;
    }
    let uid = process::output("id", &["-u", "nobody"])?;
    let gid = process::output("id", &["-g", "nobody"])?;
    let mut boxes = String::new();
    for name in names() {
        for sub in ["new", "cur", "tmp"] {
            fs::create_dir_all(folder.join("mail").join(&name).join(sub))?;
        }
        boxes.push_str(&format!("{name}@bench.test {name}/\n"));
    }
    fs::write(etc.join("boxes"), boxes)?;
    let mut main = main_cf(folder, &uid, &gid, tuned);
    if !setup.ways.is_empty() {
        main.push_str(&format!("transport_maps = texthash:{}/transport\n", etc.display()));
        let way = |(domain, to): &(String, SocketAddr)| {
            format!("{domain} smtp:[{}]:{}\n", to.ip(), to.port())
        };
        fs::write(etc.join("transport"), setup.ways.iter().map(way).collect::<String>())?;
    }
    fs::write(etc.join("main.cf"), main)?;
    fs::write(etc.join("master.cf"), master_cf(port)?)?;
    let mail = folder.join("mail");
    process::output("chown", &["-R", &format!("{uid}:{gid}"), &mail.to_string_lossy()])?;
    process::output("chown", &["postfix", &folder.join("data").to_string_lossy()])?;
    let etc = etc.to_string_lossy();
    // Makes the queue's folders; complaints about rights of what it then sets right are no matter.
    let _ = Command::new("postfix").args(["-c", &etc, "set-permissions"]).output();
    process::output("postfix", &["-c", &etc, "check"]).context("Postfix's check").map(drop)
}

/// Starts the master in the foreground.
pub(super) fn serve(folder: &Path) -> Result<Child> {
    let etc = folder.join("etc");
    let master = process::output("postconf", &["-d", "-h", "daemon_directory"])? + "/master";
    quiet(Command::new(master).arg("-c").arg(etc).arg("-d"), folder)
}

fn main_cf(folder: &Path, uid: &str, gid: &str, tuned: bool) -> String {
    let f = folder.display();
    let speed = if tuned {
        "in_flow_delay = 0\ndefault_process_limit = 300\n"
    } else {
        "" // what Debian ships: in_flow_delay = 1s, 100 processes
    };
    format!(
        "compatibility_level = 3.6\nqueue_directory = {f}/queue\ndata_directory = {f}/data\n\
         maillog_file = {f}/mail.log\nmaillog_file_prefixes = /tmp, /var\nmail_owner = postfix\n\
         setgid_group = postdrop\nmyhostname = mx.bench.test\nmydestination =\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n\
         virtual_mailbox_domains = bench.test\nvirtual_mailbox_base = {f}/mail\n\
         virtual_mailbox_maps = texthash:{f}/etc/boxes\nvirtual_uid_maps = static:{uid}\n\
         virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\nvirtual_mailbox_limit = 0\n\
         message_size_limit = 50000000\nalias_maps =\nlocal_recipient_maps =\n{speed}"
    )
}

/// The master file that Postfix ships, with our port and without chroot.
fn master_cf(port: u16) -> Result<String> {
    let shipped =
        process::output("postconf", &["-d", "-h", "meta_directory"])? + "/master.cf.proto";
    let text = fs::read_to_string(&shipped).with_context(|| shipped.clone())?;
    let mut out = String::new();
    for line in text.lines() {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        let service = line.starts_with(|c: char| c.is_ascii_lowercase()) && fields.len() >= 8;
        let address = format!("127.0.0.1:{port}");
        if service {
            if fields.first() == Some(&"smtp") && fields.get(1) == Some(&"inet") {
                fields.splice(..1, [address.as_str()]);
            }
            if let Some(chroot) = fields.get_mut(4) {
                *chroot = "n";
            }
            out.push_str(&fields.join(" "));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    Ok(out)
}

/// Files in all `new` folders.
pub(super) fn count(folder: &Path) -> usize {
    names().map(|name| entries(&folder.join("mail").join(name).join("new"))).sum()
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Removes what was delivered.
pub(super) fn clear(folder: &Path) -> Result<()> {
    for name in names() {
        for entry in fs::read_dir(folder.join("mail").join(name).join("new"))? {
            fs::remove_file(entry?.path())?;
        }
    }
    Ok(())
}
