//! The names of the worlds: nsd with signed zones, and unbound, which believes what is proven.

use super::net::Net;
use super::{Running, start};
use crate::server::{run, text};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The zone of all domains that are as they should be.
const ZONE: &str = "example";
/// A zone whose signatures are not by the key that the resolvers trust.
const BOGUS: &str = "bogus";
const REVERSED: &str = "2.0.192.in-addr.arpa";

/// What is published.
pub(super) struct Names {
    folder: PathBuf,
    zones: Vec<(&'static str, String)>,
}

impl Names {
    /// Zones with nothing but their heads, in this folder.
    pub(super) fn new(folder: &Path, server: &str) -> Self {
        let folder = folder.join("names");
        std::fs::create_dir(&folder).unwrap();
        let head = |zone: &str| {
            format!(
                "$TTL 60\n{zone}. SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n\
                 {zone}. NS ns.{zone}.\nns.{zone}. A {server}\n"
            )
        };
        let zones = [ZONE, BOGUS, REVERSED].map(|zone| (zone, head(zone))).to_vec();
        Self { folder, zones }
    }

    /// Adds records to the zone that they belong to.
    pub(super) fn add(&mut self, zone: &str, records: &str) {
        let (_, text) = self.zones.iter_mut().find(|(name, _)| *name == zone).unwrap();
        writeln!(text, "{records}").unwrap();
    }

    /// Signs the zones and starts all name servers: one with authority on the host `names`, and on
    /// each of `hosts` one that checks what it is told.
    pub(super) fn serve(&self, net: &Net, hosts: &[&str]) -> Vec<Running> {
        let mut anchors = String::new();
        let mut nsd = self.nsd_head(net.host("names").ip);
        for (zone, text) in &self.zones {
            let file = self.folder.join(zone);
            std::fs::write(&file, text).unwrap();
            let mut served = file.display().to_string();
            if *zone != REVERSED {
                let key = self.key(zone);
                self.tool("ldns-signzone", &["-n", zone, &key]);
                served.push_str(".signed");
                let trusted = if *zone == BOGUS { self.key(zone) } else { key };
                let anchor = self.folder.join(format!("{trusted}.ds")).display().to_string();
                writeln!(anchors, " trust-anchor-file: \"{anchor}\"").unwrap();
            }
            writeln!(nsd, "zone:\n name: \"{zone}\"\n zonefile: \"{served}\"").unwrap();
        }
        let mut running = vec![self.start(net, "names", "nsd", &nsd)];
        for host in hosts {
            let unbound = self.unbound(net.host("names").ip, &anchors);
            running.push(self.start(net, host, "unbound", &unbound));
        }
        for host in hosts {
            self.wait(net, host);
        }
        running
    }

    /// Waits until names can be asked for on a host.
    fn wait(&self, net: &Net, host: &str) {
        let begun = Instant::now();
        let question = ["-t", &format!("ns.{ZONE}"), "@127.0.0.1"];
        while !text(&net.host(host).run("drill", &question)).contains("NOERROR") {
            let log = |name: &str| {
                std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default()
            };
            let patient = begun.elapsed() < Duration::from_secs(20);
            assert!(
                patient,
                "no names on {host}; cargo xtask setup installs the servers: {}\n{}",
                log("names"),
                log(host)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A new key of a zone.
    fn key(&self, zone: &str) -> String {
        self.tool("ldns-keygen", &["-a", "ECDSAP256SHA256", "-k", zone]).trim().to_owned()
    }

    fn tool(&self, program: &str, args: &[&str]) -> String {
        let folder = self.folder.display().to_string();
        let output = run("env", &[&["-C", &folder, program], args].concat());
        assert!(
            output.status.success(),
            "{program}: {}; cargo xtask setup installs it",
            text(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn start(&self, net: &Net, host: &str, program: &str, settings: &str) -> Running {
        let file = self.folder.join(format!("{host}.conf"));
        std::fs::write(&file, settings).unwrap();
        let mut command = net.host(host).command(program);
        command.arg("-d").arg("-c").arg(file);
        start(command, &self.folder.join(format!("{host}.log")))
    }

    fn nsd_head(&self, ip: &str) -> String {
        let folder = self.folder.display();
        format!(
            "server:\n ip-address: {ip}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n \
             database: \"\"\n pidfile: \"\"\n xfrdfile: \"\"\n xfrdir: \"{folder}\"\n \
             zonelistfile: \"{folder}/zones\"\n server-count: 1\n\
             remote-control:\n control-enable: no\n"
        )
    }

    fn unbound(&self, ip: &str, anchors: &str) -> String {
        let folder = self.folder.display();
        let mut text = format!(
            "server:\n interface: 127.0.0.1\n username: \"\"\n chroot: \"\"\n \
             directory: \"{folder}\"\n pidfile: \"\"\n use-syslog: no\n num-threads: 1\n \
             local-zone: \"{REVERSED}.\" nodefault\n module-config: \"validator iterator\"\n\
             {anchors}remote-control:\n control-enable: no\n"
        );
        for (zone, _) in &self.zones {
            writeln!(text, "stub-zone:\n name: \"{zone}.\"\n stub-addr: {ip}").unwrap();
        }
        text
    }
}
