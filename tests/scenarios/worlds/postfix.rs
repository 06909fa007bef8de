//! A Postfix of Debian on a machine of its own, which keeps what it takes in Maildirs.

use super::net::Host;
use super::{Running, start};
use crate::server::{run, text};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What it needs to know of where it stands.
pub(super) struct Plan<'a> {
    pub(super) host: &'a Host,
    pub(super) name: &'a str,
    /// The domains it takes mail for; each has a user `dora`.
    pub(super) domains: &'a [&'a str],
    pub(super) certificate: &'a Path,
    pub(super) key: &'a Path,
}

/// A running one.
pub(super) struct Postfix {
    folder: PathBuf,
    _running: Running,
}

impl Postfix {
    pub(super) fn start(folder: &Path, plan: &Plan<'_>) -> Self {
        assert!(
            Path::new("/usr/sbin/postconf").exists(),
            "Postfix itself is needed here: cargo xtask setup installs it where no other mail \
             server is installed; else run the tests in a container"
        );
        let folder = folder.join("postfix");
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let etc = folder.join("etc");
        let boxes: Vec<String> =
            plan.domains.iter().map(|domain| format!("dora@{domain} {domain}/\n")).collect();
        std::fs::write(etc.join("boxes"), boxes.concat()).unwrap();
        std::fs::write(etc.join("main.cf"), main_cf(&folder, plan)).unwrap();
        std::fs::write(etc.join("master.cf"), MASTER_CF).unwrap();
        must("chown", &["nobody", &folder.join("mail").display().to_string()]);
        must("chown", &["postfix", &folder.join("data").display().to_string()]);
        let etc = etc.display().to_string();
        // Makes the queue's folders; complaints about what it then sets right are no matter.
        run("postfix", &["-c", &etc, "set-permissions"]);
        plan.host.must("postfix", &["-c", &etc, "check"]);
        let master = must("postconf", &["-d", "-h", "daemon_directory"]).trim().to_owned();
        let mut command = plan.host.command(&format!("{master}/master"));
        command.args(["-c", &etc, "-d"]);
        let running = start(command, &folder.join("log"));
        Self { folder, _running: running }
    }

    /// The messages for `dora` at a domain.
    pub(super) fn took(&self, domain: &str) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.folder.join("mail").join(domain).join("new")) else {
            return Vec::new();
        };
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            String::from_utf8(std::fs::read(file.unwrap().path()).unwrap()).unwrap()
        };
        files.map(read).collect()
    }

    /// The one message for `dora` at a domain, once it is there.
    pub(super) fn arrived(&self, domain: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(message) = self.took(domain).pop() {
                return message;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "nothing arrives: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it tells of itself.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("mail.log")).unwrap_or_default()
    }
}

fn must(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    assert!(output.status.success(), "{program} {args:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn main_cf(folder: &Path, plan: &Plan<'_>) -> String {
    let f = folder.display();
    let (certificate, key) = (plan.certificate.display(), plan.key.display());
    format!(
        "compatibility_level = 3.6\nqueue_directory = {f}/queue\ndata_directory = {f}/data\n\
         maillog_file = {f}/mail.log\nmaillog_file_prefixes = /tmp, /var\nmail_owner = postfix\n\
         setgid_group = postdrop\nmyhostname = {}\nmydestination =\ninet_interfaces = {}\n\
         inet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nvirtual_mailbox_domains = {}\n\
         virtual_mailbox_base = {f}/mail\nvirtual_mailbox_maps = texthash:{f}/etc/boxes\n\
         virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n\
         virtual_minimum_uid = 1\nalias_maps =\nlocal_recipient_maps =\n\
         smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {certificate}\n\
         smtpd_tls_key_file = {key}\nsmtpd_tls_received_header = yes\nsmtpd_tls_loglevel = 1\n",
        plan.name,
        plan.host.ip,
        plan.domains.join(" "),
    )
}

/// What receiving and keeping takes, each without chroot.
const MASTER_CF: &str = "\
smtp inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
