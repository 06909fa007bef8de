//! The demo's organisation: domain, people, rules and certificate, all made by itself.

use super::elsewhere::Ways;
use crate::doors::Doors;
use crate::server::Read;
use anyhow::{Context, Result};
use config::{Problem, Settings};
use mail::{Address, Domain, Door};
use net::ServerTls;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use store::Store;

/// The domain of the demo (RFC 2606).
const DOMAIN: &str = "gatepost.example";
/// The subject that the paper prohibits.
pub(crate) const SUBJECT: &str = "Re: Details";
/// Who the access map rejects: an address, a domain, a network.
pub(crate) const REJECTED_ADDRESS: &str = "johndoe@spammer.example";
pub(crate) const REJECTED_DOMAIN: &str = "hostile.example";
pub(crate) const REJECTED_NETWORK: &str = "127.66.0.0/16";

/// A person, with the password that was made for them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) password: String,
}

/// What must survive a restart in the same folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    users: Vec<Person>,
    admin: Person,
}

/// The port of each door, 0 for one that an overlay has closed.
#[derive(Default, Serialize)]
struct Ports {
    smtp: u16,
    submission: u16,
    submissions: u16,
    pop3: u16,
    pop3s: u16,
    https: u16,
}

/// The demo's server, before and while it runs.
pub(crate) struct Site {
    pub(crate) settings: Settings,
    pub(crate) tls: ServerTls,
    pub(crate) users: Vec<Person>,
    pub(crate) admin: Person,
    pub(crate) certificate: PathBuf,
    files: Files,
    ports: Ports,
}

/// The demo's own settings, and the file that is laid over them.
#[derive(Clone)]
struct Files {
    base: PathBuf,
    overlay: Option<PathBuf>,
}

impl Site {
    /// Makes (or finds again) certificate, settings and passwords in `folder`.
    pub(crate) fn prepare(folder: &Path, overlay: Option<&Path>, ways: &Ways) -> Result<Self> {
        let data = folder.join("data");
        let names = [
            DOMAIN.to_owned(),
            format!("mail.{DOMAIN}"),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ];
        let certificate = folder.join("certificate.pem");
        let key = folder.join("key.pem");
        if !certificate.exists() {
            net::tls::self_signed(&names, &certificate, &key)
                .context("the demo's certificate cannot be made")?;
        }
        let base = base_settings(&data, &certificate, &key) + &ways.settings();
        let file = folder.join("gatepost.toml");
        std::fs::write(&file, &base)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        // Relative paths in it start from its folder.
        let overlay = overlay.map(std::path::absolute).transpose()?;
        let files = Files { base: file, overlay };
        let settings = files.read().map_err(crate::offline::problems)?;
        files.write_both().map_err(crate::offline::problems)?;
        // An overlay may name another one.
        let tls = crate::certificate::load(&settings)?;
        let certificate = settings.tls.certificate.clone().unwrap_or(certificate);
        let kept = people(&folder.join("demo.json"))?;
        Ok(Self {
            settings,
            tls,
            users: kept.users,
            admin: kept.admin,
            certificate,
            files,
            ports: Ports::default(),
        })
    }

    pub(crate) fn domain(&self) -> &'static str {
        DOMAIN
    }

    /// The alias that leads to both users.
    pub(crate) fn alias(&self) -> String {
        format!("team@{DOMAIN}")
    }

    pub(crate) fn with_ports(mut self, doors: &Doors) -> Self {
        let port = |door| doors.port(door).unwrap_or(0);
        self.ports = Ports {
            smtp: port(Door::Smtp),
            submission: port(Door::Submission),
            submissions: port(Door::Submissions),
            pop3: port(Door::Pop3),
            pop3s: port(Door::Pop3s),
            https: port(Door::Https),
        };
        self
    }

    pub(crate) fn smtp(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.ports.smtp).into()
    }

    pub(crate) fn submissions(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.ports.submissions).into()
    }

    pub(crate) fn pop3s(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.ports.pop3s).into()
    }

    pub(crate) fn pop3(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.ports.pop3).into()
    }

    /// What a reload reads: the demo's own settings and what was laid over them.
    pub(crate) fn reader(&self) -> Read {
        let files = self.files.clone();
        let place = |settings: &Settings| (settings.storage.data.clone(), settings.admin_socket());
        let begun = place(&self.settings);
        Box::new(move || {
            let settings = files.read()?;
            // Until a restart moves it, the server must be found where it is.
            if place(&settings) == begun {
                files.write_both()?;
            }
            let (maps, warnings) = config::load_maps(&settings)?;
            Ok((settings, maps, warnings))
        })
    }

    /// Fills an empty store with the domain, the people and the rules.
    pub(crate) async fn populate(&self, store: &Store) -> Result<()> {
        let domain = Domain::parse(DOMAIN)?;
        if store.directory().domain(&domain).is_some() {
            return Ok(());
        }
        store.add_domain(&domain).await?;
        for (person, admin) in
            self.users.iter().map(|u| (u, false)).chain(std::iter::once((&self.admin, true)))
        {
            let password_hash = policy::password::hash(&person.password)?;
            let address = Address::parse(&person.address)?;
            let account = store::NewAccount { address, password_hash, quota: None, admin };
            store.add_account(account).await?;
        }
        let goals = self.users.iter().map(|u| u.address.clone()).collect();
        store.add_alias(&Address::parse(&self.alias())?, goals).await?;
        for key in [
            format!("From:{REJECTED_ADDRESS}"),
            format!("From:{REJECTED_DOMAIN}"),
            format!("Connect:{REJECTED_NETWORK}"),
        ] {
            let (tag, key) = key.split_once(':').unwrap_or(("", &key));
            store.add_access(tag, key, "REJECT", "the demo's hostile example", None).await?;
        }
        store.add_subject(store::NewSubject::text(SUBJECT)).await?;
        store.reload_directory().await?;
        Ok(())
    }

    /// The object that other programs drive the server by.
    pub(crate) fn json(&self, pid: u32) -> serde_json::Value {
        serde_json::json!({
            "host": "127.0.0.1",
            "ports": self.ports,
            "domain": DOMAIN,
            "users": self.users,
            "admin": self.admin,
            "alias": self.alias(),
            "rejected": {
                "address": REJECTED_ADDRESS,
                "domain": REJECTED_DOMAIN,
                "network": REJECTED_NETWORK,
            },
            "prohibited_subject": SUBJECT,
            "size_max": self.settings.limits.message_size_max,
            "certificate": self.certificate,
            "data": self.settings.storage.data,
            "settings": self.files.both(),
            "pid": pid,
        })
    }

    /// Ports and passwords, for a person.
    pub(crate) fn card(&self) -> String {
        use std::fmt::Write as _;
        let mut card = format!(
            "\nThe server runs on 127.0.0.1: SMTP {}, submission {}, submission under TLS {}, \
             POP3 {}, POP3S {}.\nCertificate: {}\n",
            self.ports.smtp,
            self.ports.submission,
            self.ports.submissions,
            self.ports.pop3,
            self.ports.pop3s,
            self.certificate.display()
        );
        for person in self.users.iter().chain(std::iter::once(&self.admin)) {
            let _ = writeln!(card, "  {}  {}", person.address, person.password);
        }
        card.push_str("Press Ctrl-C to end it.");
        card
    }
}

impl Files {
    fn read(&self) -> Result<Settings, Vec<Problem>> {
        let (base, over) = self.texts()?;
        let Some(overlay) = &self.overlay else { return Settings::from_str(&base, &self.base) };
        Settings::with_overlay((&base, &self.base), (&over, overlay))
    }

    /// Writes what both say together.
    fn write_both(&self) -> Result<(), Vec<Problem>> {
        let Some(overlay) = &self.overlay else { return Ok(()) };
        let (base, over) = self.texts()?;
        let text = Settings::overlaid((&base, &self.base), (&over, overlay))?;
        let both = self.both();
        replace(&both, text.expose())
            .map_err(|error| problem(&both, format!("cannot be written: {error}")))
    }

    fn texts(&self) -> Result<(String, String), Vec<Problem>> {
        let text = |path: &Path| {
            let unread = |error| problem(path, format!("cannot be read: {error}"));
            std::fs::read_to_string(path).map_err(unread)
        };
        let over = self.overlay.as_deref().map(text).transpose()?;
        Ok((text(&self.base)?, over.unwrap_or_default()))
    }

    /// For the `gatepost` command: --config this file talks to the running demo, or works on its
    /// store once it has ended.
    fn both(&self) -> PathBuf {
        match self.overlay {
            Some(_) => self.base.with_file_name("overlaid.toml"),
            None => self.base.clone(),
        }
    }
}

fn problem(path: &Path, message: String) -> Vec<Problem> {
    vec![Problem::error(path, 0, 0, message)]
}

/// Writes a file that may hold a password; who reads it meanwhile finds the old or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&fresh)?.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, path)
}

fn base_settings(data: &Path, certificate: &Path, key: &Path) -> String {
    // toml strings: the paths are the demo's own, quoted as JSON strings are (TOML reads them).
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    format!(
        "[server]\nhostname = \"mail.{DOMAIN}\"\n\
         [listen]\nsmtp = [\"127.0.0.1:0\"]\nsubmission = [\"127.0.0.1:0\"]\n\
         submissions = [\"127.0.0.1:0\"]\npop3 = [\"127.0.0.1:0\"]\npop3s = [\"127.0.0.1:0\"]\n\
         [tls]\ncertificate = {}\nkey = {}\n\
         [storage]\ndata = {}\n",
        quoted(certificate),
        quoted(key),
        quoted(data),
    )
}

fn people(path: &Path) -> Result<Kept> {
    if let Ok(text) = std::fs::read_to_string(path) {
        return serde_json::from_str(&text)
            .with_context(|| format!("{} is not what the demo wrote", path.display()));
    }
    let person = |name: &str| -> Result<Person> {
        Ok(Person { address: format!("{name}@{DOMAIN}"), password: admin::password::generate()? })
    };
    let kept = Kept { users: vec![person("anna")?, person("ben")?], admin: person("admin")? };
    std::fs::write(path, serde_json::to_string_pretty(&kept)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(kept)
}
