//! Network namespaces: machines of a test's own, with addresses for documentation, and a router.

use crate::server::{run, text};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// Where `ip netns exec` looks for the files that a namespace has of its own.
const OF_ITS_OWN: &str = "/etc/netns";
/// Begins the names of all namespaces of these tests; the process id, the number of the net in this
/// process and a word follow.
const PREFIX: &str = "gatepost-";
/// How many nets there were; held while the folder of files comes or goes.
static NETS: Mutex<usize> = Mutex::new(0);
const ROUTER: &str = "router";

/// Machines and the router between them, all gone when dropped.
pub(super) struct Net {
    number: usize,
    hosts: Vec<Host>,
}

/// One machine.
#[derive(Clone)]
pub(super) struct Host {
    /// The name of its namespace.
    pub(super) name: String,
    /// Its address.
    pub(super) ip: &'static str,
}

impl Net {
    /// Machines by their words and addresses. Each asks the name server at its own loopback.
    pub(super) fn make(hosts: &[(&str, &'static str)]) -> Self {
        sweep();
        let number = {
            let mut nets = NETS.lock().unwrap();
            *nets += 1;
            *nets
        };
        // Filled as it is made: what fails half-way is put away as well.
        let mut net = Self { number, hosts: Vec::new() };
        let router = net.add(ROUTER, "192.0.2.1");
        // Only the namespace forwards.
        router.must("sysctl", &["-q", "-w", "net.ipv4.ip_forward=1"]);
        for (number, (word, ip)) in hosts.iter().enumerate() {
            let host = net.add(word, ip);
            host.wire(&router, &format!("to{number}"));
        }
        net
    }

    /// A machine by its word.
    pub(super) fn host(&self, word: &str) -> &Host {
        let is = |host: &&Host| host.name.ends_with(&format!("-{word}"));
        self.hosts.iter().find(is).unwrap()
    }

    fn add(&mut self, word: &str, address: &'static str) -> Host {
        let name = format!("{PREFIX}{}-{}-{word}", std::process::id(), self.number);
        let host = Host { name, ip: address };
        self.hosts.push(host.clone());
        let made = run("ip", &["netns", "add", &host.name]);
        assert!(
            made.status.success(),
            "network namespaces cannot be made here: {}; run the tests as root, in a container \
             with --privileged (or --cap-add SYS_ADMIN --cap-add NET_ADMIN)",
            text(&made)
        );
        let held = NETS.lock().unwrap();
        std::fs::create_dir_all(host.files()).unwrap();
        drop(held);
        std::fs::write(host.files().join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        ip(&["-n", &host.name, "link", "set", "lo", "up"]);
        host
    }
}

impl Host {
    /// A cable to the router, which is the way to all others.
    fn wire(&self, router: &Host, port: &str) {
        let (here, there) = (self.name.as_str(), router.name.as_str());
        let address = format!("{}/32", self.ip);
        ip(&["-n", there, "link", "add", port, "type", "veth", "peer", "eth0", "netns", here]);
        ip(&["-n", here, "address", "add", &address, "dev", "eth0"]);
        ip(&["-n", here, "link", "set", "eth0", "up"]);
        ip(&["-n", there, "address", "add", &format!("{}/32", router.ip), "dev", port]);
        ip(&["-n", there, "link", "set", port, "up"]);
        ip(&["-n", there, "route", "add", &address, "dev", port]);
        ip(&["-n", here, "route", "add", router.ip, "dev", "eth0"]);
        ip(&["-n", here, "route", "add", "default", "via", router.ip]);
    }

    /// A program on this machine, not yet begun.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a program on this machine to its end.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> Output {
        run("ip", &[&["netns", "exec", &self.name, program], args].concat())
    }

    /// The same, for what has to succeed; its standard output.
    pub(super) fn must(&self, program: &str, args: &[&str]) -> String {
        let output = self.run(program, args);
        assert!(output.status.success(), "{program} {args:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn files(&self) -> PathBuf {
        Path::new(OF_ITS_OWN).join(&self.name)
    }

    fn remove(&self) {
        // What still runs there was started there by us, whoever forked it.
        let running = run("ip", &["netns", "pids", &self.name]);
        for pid in String::from_utf8_lossy(&running.stdout).split_whitespace() {
            let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
            // Gone already is as good.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        run("ip", &["netns", "delete", &self.name]);
        let _held = NETS.lock();
        let _ = std::fs::remove_dir_all(self.files());
        // Others may have theirs in it.
        let _ = std::fs::remove_dir(OF_ITS_OWN);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in &self.hosts {
            host.remove();
        }
    }
}

/// Puts away what a test left that was killed.
fn sweep() {
    let list = run("ip", &["netns", "list"]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    for name in list.lines().filter_map(|line| line.split_whitespace().next()) {
        let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        let Some((pid, _)) = rest else { continue };
        let numeric = pid.bytes().all(|byte| byte.is_ascii_digit());
        if numeric && !Path::new("/proc").join(pid).exists() {
            Host { name: name.to_owned(), ip: "" }.remove();
        }
    }
}

fn ip(args: &[&str]) {
    let output = run("ip", args);
    assert!(output.status.success(), "ip {args:?}: {}", text(&output));
}
