//! The filters that are measured: each from a folder of its own, on ports of 127.0.0.1.

use super::clients::{Client, Protocol};
use crate::bench::process;
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a filter may take to answer for the first time; rspamd compiles its expressions.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Which filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// rspamd as Debian ships it, without what asks the network.
    Rspamd,
    /// rspamd with nothing but its MIME modules.
    RspamdMime,
    /// MIMEDefang with its multiplexor and the package's filter.
    MimeDefang,
    /// SpamAssassin's spamd, two children.
    SpamAssassin,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] =
        [Kind::RspamdMime, Kind::Rspamd, Kind::MimeDefang, Kind::SpamAssassin];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Rspamd => "rspamd",
            Kind::RspamdMime => "rspamd-mime",
            Kind::MimeDefang => "mimedefang",
            Kind::SpamAssassin => "spamassassin",
        }
    }

    fn port(self) -> u16 {
        match self {
            Kind::Rspamd => 24_611,
            Kind::RspamdMime => 24_621,
            Kind::MimeDefang => 24_631,
            Kind::SpamAssassin => 24_641,
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Kind::Rspamd | Kind::RspamdMime => Protocol::Rspamd,
            Kind::MimeDefang => Protocol::Milter,
            Kind::SpamAssassin => Protocol::Spamc,
        }
    }

    /// The Debian package that has it.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Kind::Rspamd | Kind::RspamdMime => ("/usr/bin/rspamd", "rspamd"),
            Kind::MimeDefang => ("/usr/bin/mimedefang-multiplexor", "mimedefang"),
            Kind::SpamAssassin => ("/usr/sbin/spamd", "spamd"),
        }
    }
}

/// A running filter; stopped when dropped.
pub(super) struct Peer {
    pub(super) kind: Kind,
    children: Vec<Child>,
}

impl Peer {
    pub(super) fn start(kind: Kind, folder: &Path) -> Result<Self> {
        let (program, package) = kind.package();
        if !Path::new(program).exists() {
            bail!("{program} is not there: apt-get install --no-install-recommends {package}");
        }
        let folder = folder.join(kind.name());
        fs::create_dir_all(&folder)?;
        process::world_readable(&folder)?;
        let children = match kind {
            Kind::Rspamd | Kind::RspamdMime => vec![rspamd(kind, &folder)?],
            Kind::MimeDefang => mimedefang(kind, &folder)?,
            Kind::SpamAssassin => vec![spamd(kind, &folder)?],
        };
        let peer = Self { kind, children };
        peer.wait_until_it_answers()?;
        Ok(peer)
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.kind.protocol(), self.address())
    }

    pub(super) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.kind.port()).into()
    }

    /// Resident MiB of all its processes.
    pub(super) fn resident_mib(&self) -> u64 {
        self.children.iter().map(|child| process::resident_kib(child.id())).sum::<u64>() / 1024
    }

    pub(super) fn cpu_seconds(&self) -> f64 {
        self.children.iter().map(|child| process::cpu_seconds(child.id())).sum()
    }

    fn wait_until_it_answers(&self) -> Result<()> {
        let began = Instant::now();
        let message = b"From: a@example.org\r\nTo: u@bench.test\r\nSubject: x\r\n\r\nHello.\r\n";
        loop {
            match self.client().check(message) {
                Ok(()) => return Ok(()),
                Err(error) if began.elapsed() > START_LIMIT => {
                    return Err(error.context(format!("{} does not answer", self.kind.name())));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(process::end);
    }
}

fn quiet(command: &mut Command, folder: &Path, name: &str) -> Result<Child> {
    let log = fs::File::create(folder.join(format!("{name}.log")))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("{name} cannot be started"))
}

/// What asks the network, and would be measured in its place.
const ASKING: &str = "rbl surbl spf dkim dkim_signing dmarc arc asn fuzzy_check mx_check greylist \
    ratelimit replies neural reputation history_redis url_redirector hfilter emails phishing \
    whitelist rspamd_update bimi dcc clickhouse elastic";
/// What a filter of MIME alone keeps.
const MIME: &[&str] = &["mime_types"];

/// The package's own settings in a folder, with other ports and some modules off.
fn rspamd(kind: Kind, folder: &Path) -> Result<Child> {
    let etc = folder.join("etc");
    let etc_text = etc.to_string_lossy().into_owned();
    process::output("cp", &["-a", "/etc/rspamd", &etc_text])?;
    for name in ["run", "log", "db", "etc/local.d"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let local = etc.join("local.d");
    let off: Vec<String> = match kind {
        Kind::RspamdMime => modules(&etc)?,
        _ => ASKING.split(' ').map(str::to_owned).collect(),
    };
    for module in off.iter().filter(|module| !MIME.contains(&module.as_str())) {
        fs::write(local.join(format!("{module}.conf")), "enabled = false;\n")?;
    }
    let mut options = "dns { timeout = 0.1s; retransmits = 1; }\n".to_owned();
    if kind == Kind::RspamdMime {
        options.push_str("filters = \"\";\n");
        fs::write(local.join("statistic.conf"), "")?;
        fs::write(etc.join("statistic.conf"), "")?;
    }
    fs::write(local.join("options.inc"), options)?;
    let port = kind.port();
    let bind = |port: u16| format!("bind_socket = \"127.0.0.1:{port}\";\n");
    fs::write(local.join("worker-normal.inc"), bind(port) + "count = 2;\n")?;
    fs::write(local.join("worker-controller.inc"), bind(port + 1))?;
    fs::write(local.join("worker-proxy.inc"), "enabled = false;\n")?;
    fs::write(local.join("worker-fuzzy.inc"), "enabled = false;\n")?;
    let main = etc.join("rspamd.conf");
    let mut text = fs::read_to_string(&main)?;
    for (old, new) in [(11_333, port), (11_334, port + 1), (11_332, port + 2), (11_335, port + 3)] {
        text = text.replace(&format!("localhost:{old}"), &format!("127.0.0.1:{new}"));
    }
    fs::write(&main, text)?;
    process::output("chown", &["-R", "_rspamd", &folder.to_string_lossy()])?;
    let mut command = Command::new("rspamd");
    command.args(["-f", "-u", "_rspamd", "-g", "_rspamd", "-c"]).arg(&main);
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    for (name, path) in [
        ("CONFDIR", etc_text.clone()),
        ("LOCAL_CONFDIR", etc_text),
        ("RUNDIR", place("run")),
        ("DBDIR", place("db")),
        ("LOGDIR", place("log")),
    ] {
        command.arg(format!("--var={name}={path}"));
    }
    quiet(&mut command, folder, "rspamd")
}

fn modules(etc: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(etc.join("modules.d"))? {
        let path: PathBuf = file?.path();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        names.extend(name);
    }
    Ok(names)
}

fn mimedefang(kind: Kind, folder: &Path) -> Result<Vec<Child>> {
    let user = "defang";
    let spool = folder.join("spool");
    fs::create_dir_all(&spool)?;
    process::output("chown", &["-R", user, &folder.to_string_lossy()])?;
    let socket = folder.join("mux.sock");
    let mut mux = Command::new("mimedefang-multiplexor");
    mux.args(["-D", "-m", "2", "-x", "4", "-U", user, "-s"]).arg(&socket).arg("-z").arg(&spool);
    let mux = quiet(&mut mux, folder, "multiplexor")?;
    std::thread::sleep(Duration::from_secs(2));
    let mut milter = Command::new("mimedefang");
    milter.args(["-D", "-U", user, "-m"]).arg(&socket).arg("-z").arg(&spool);
    milter.arg("-p").arg(format!("inet:{}@127.0.0.1", kind.port()));
    Ok(vec![mux, quiet(&mut milter, folder, "mimedefang")?])
}

fn spamd(kind: Kind, folder: &Path) -> Result<Child> {
    let state = folder.join("state");
    fs::create_dir_all(&state)?;
    process::output("chown", &["-R", "nobody", &folder.to_string_lossy()])?;
    let mut command = Command::new("spamd");
    command.args(["-L", "-x", "-i", "127.0.0.1", "-m", "2", "--min-children=2", "-u", "nobody"]);
    command.args(["--syslog=stderr", "-p", &kind.port().to_string(), "-H"]).arg(&state);
    quiet(&mut command, folder, "spamd")
}
