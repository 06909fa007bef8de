//! A PostgreSQL cluster for tests: made in a temporary folder, on a free port, and gone afterwards.
//!
//! Two processes, so that it ends whatever happens. The guard (`cargo xtask postgres`) makes and
//! starts the cluster, prints its address, and waits for the end of its standard input. Whoever
//! wants a cluster starts the guard and holds the pipe: if that process ends by Ctrl-C, by a
//! failure or by SIGKILL, the pipe closes, and the guard stops the server and removes the folder.

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Gid, Uid, User};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Another program may take the port between our look and the server's.
const PORTS_TRIED: usize = 5;

/// A running cluster; ends when dropped.
pub(crate) struct Cluster {
    guard: Child,
    /// Held open: its end is the guard's signal.
    pipe: Option<ChildStdin>,
    /// The address of its database `postgres`, with user and password.
    pub(crate) url: String,
    /// The file with the certificate that it shows.
    pub(crate) certificate: String,
}

impl Cluster {
    /// Starts a cluster under a guard.
    pub(crate) fn start() -> Result<Self> {
        let this = std::env::current_exe().context("cannot find this program")?;
        let mut guard = Command::new(this)
            .arg("postgres")
            // A group of its own: Ctrl-C must reach the tests, not who cleans up after them.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the PostgreSQL guard")?;
        let pipe = guard.stdin.take();
        let output = guard.stdout.take().context("the PostgreSQL guard has no output")?;
        let mut output = BufReader::new(output);
        let mut line = || -> Result<String> {
            let mut line = String::new();
            output.read_line(&mut line)?;
            Ok(line.trim().to_owned())
        };
        let (url, certificate) = (line()?, line()?);
        let mut cluster = Self { guard, pipe, url, certificate };
        if cluster.url.is_empty() {
            cluster.end();
            bail!("PostgreSQL did not start");
        }
        Ok(cluster)
    }

    fn end(&mut self) {
        drop(self.pipe.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("the PostgreSQL guard: {error}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

/// The guard's whole life.
pub(crate) fn serve() -> Result<()> {
    let programs = programs().context("PostgreSQL 15 is not installed (cargo xtask setup)")?;
    let folder = tempfile::Builder::new().prefix("gatepost-postgres-").tempdir()?;
    let owner = Owner::find()?;
    owner.give(folder.path())?;
    let password = random_hex()?;
    make(&programs, folder.path(), &owner, &password)?;
    certify(folder.path(), &owner)?;
    let (mut server, port) = start(&programs, folder.path(), &owner)?;
    println!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    println!("{}", folder.path().join("certificate.pem").display());
    std::io::stdout().flush()?;
    // What comes is of no interest, only its end.
    let mut nothing = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut nothing);
    stop(&mut server)?;
    folder.close().context("cannot remove the cluster's folder")
}

/// Where `initdb` and `postgres` are: PostgreSQL 15 or the nearest newer one.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            (version >= 15 && programs.join("initdb").exists()).then_some((version, programs))
        })
        .collect();
    found.sort();
    found.into_iter().next().map(|(_, programs)| programs)
}

/// Whom the server runs as: it refuses to be root.
struct Owner {
    ids: Option<(Uid, Gid)>,
}

impl Owner {
    fn find() -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self { ids: None });
        }
        let user = User::from_name("postgres")?.context("there is no user postgres")?;
        Ok(Self { ids: Some((user.uid, user.gid)) })
    }

    fn give(&self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.ids {
            chown(path, Some(uid.as_raw()), Some(gid.as_raw()))?;
        }
        Ok(())
    }

    fn command(&self, program: PathBuf, folder: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command.current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }
}

fn make(programs: &Path, folder: &Path, owner: &Owner, password: &str) -> Result<()> {
    let secret = folder.join("password");
    fs::write(&secret, password)?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    owner.give(&secret)?;
    let output = owner
        .command(programs.join("initdb"), folder)
        .args(["--username=postgres", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata=data"])
        .output()
        .context("cannot start initdb")?;
    ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A certificate of its own, so that TLS to the database is tested too.
fn certify(folder: &Path, owner: &Owner) -> Result<()> {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out", "certificate.pem"])
        .current_dir(folder)
        .output()
        .context("cannot start openssl")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    for file in ["key.pem", "certificate.pem"] {
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o600))?;
        owner.give(&folder.join(file))?;
    }
    Ok(())
}

fn start(programs: &Path, folder: &Path, owner: &Owner) -> Result<(Child, u16)> {
    for _ in 0..PORTS_TRIED {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs::File::create(folder.join("log"))?;
        let mut server = owner
            .command(programs.join("postgres"), folder)
            .args(["-D", "data", "-p", &port.to_string(), "-k", ""])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
            .args(["-c", "ssl=on", "-c", "ssl_cert_file=../certificate.pem"])
            .args(["-c", "ssl_key_file=../key.pem"])
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("cannot start postgres")?;
        if is_ready(&mut server, folder)? {
            return Ok((server, port));
        }
    }
    bail!("PostgreSQL does not start: {}", fs::read_to_string(folder.join("log"))?)
}

/// Waits for the word `ready` in the last line of its own status file.
fn is_ready(server: &mut Child, folder: &Path) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if server.try_wait()?.is_some() {
            return Ok(false);
        }
        let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if status.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    server.kill()?;
    server.wait()?;
    Ok(false)
}

/// SIGQUIT: the folder goes anyway, so there is nothing to save.
fn stop(server: &mut Child) -> Result<()> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.id())?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT)?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if server.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
