//! A Gatepost as an administrator sets one up, on a machine of its own.

use super::net::Host;
use super::{Running, start_heard};
use crate::server::{binary, gatepost, text};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One that `gatepost init` made; it runs once it is started.
pub(super) struct Gatepost {
    folder: PathBuf,
    config: String,
    host: Host,
    running: Option<Running>,
}

impl Gatepost {
    /// Sets one up for a domain, with more settings behind those of `init`.
    pub(super) fn init(folder: &Path, host: &Host, domain: &str, settings: &str) -> Self {
        let folder = folder.join(domain);
        std::fs::create_dir(&folder).unwrap();
        let config = folder.join("gatepost.toml").display().to_string();
        let data = folder.join("data").display().to_string();
        let wanted = ["init", "--domain", domain, "--data", &data, "--user", "nobody"];
        let init = gatepost(&[&["--config", &config], &wanted[..]].concat());
        assert!(init.status.success(), "{}", text(&init));
        let made = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{made}\n{settings}")).unwrap();
        Self { folder, config, host: host.clone(), running: None }
    }

    /// Starts it; it answers when this returns.
    pub(super) fn serve(&mut self) {
        let mut command = self.host.command(&binary().display().to_string());
        command.args(["--config", &self.config, "serve", "--ready-fd", "1"]);
        let mut running = start_heard(command, &self.folder.join("log"));
        let mut line = String::new();
        let out = running.0.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "it does not start: {}", self.log());
        self.running = Some(running);
    }

    /// What a command says for people; it has to succeed.
    pub(super) fn plain(&self, args: &[&str]) -> String {
        let output = gatepost(&[&["--config", &self.config, "--yes"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says as JSON, with all the log where it says none.
    pub(super) fn admin(&self, args: &[&str]) -> Value {
        let output = gatepost(&[&["--config", &self.config, "--json", "--yes"], args].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{args:?}: {e}: {}\n{}", text(&output), self.log()))
    }

    /// Asks until what is said pleases.
    pub(super) fn until(&self, args: &[&str], pleases: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let said = self.admin(args);
            if pleases(&said["value"]) {
                return said["value"].clone();
            }
            let patient = begun.elapsed() < Duration::from_secs(60);
            assert!(patient, "{args:?} never says it: {said}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The row of the trace about an address that tells of this event, once there is one.
    pub(super) fn told(&self, about: &str, event: &str) -> Value {
        let row = |value: &Value| {
            let rows = value["rows"].as_array()?;
            rows.iter().find(|row| row["event"] == event).cloned()
        };
        row(&self.until(&["trace", about], |value| row(value).is_some())).unwrap()
    }

    /// The messages of an account's INBOX, as they would be read.
    pub(super) fn inbox(&self, address: &str) -> Vec<String> {
        let out = self.folder.join("exported").join(address);
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(&out).unwrap();
        self.plain(&["mailbox", "export", address, "INBOX", &out.display().to_string()]);
        let files = std::fs::read_dir(&out).unwrap();
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            String::from_utf8(std::fs::read(file.unwrap().path()).unwrap()).unwrap()
        };
        files.map(read).collect()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}
