//! The real clamd and spamd, started by the tests, and a listener that answers what it is told.

use crate::server::{run, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The anti-malware test file, in two pieces.
const EICAR: [&str; 2] =
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// ClamAV's clamd, with one signature.
pub(crate) struct Clamd {
    child: Child,
    pub(crate) socket: PathBuf,
    pub(crate) port: u16,
}

impl Clamd {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with_settings(folder, "")
    }

    /// With signatures as if of ClamAV's own, made so many days ago.
    pub(crate) fn with_signatures(folder: &Path, days: u32) -> Self {
        let signatures = folder.join("clamav/signatures");
        std::fs::create_dir_all(&signatures).unwrap();
        let (file, days) = (signatures.join("daily.cud"), days.to_string());
        let script = include_str!("signatures.py");
        let made = run("python3", &["-c", script, &file.to_string_lossy(), &days]);
        assert!(made.status.success(), "{}", text(&made));
        Self::start(folder)
    }

    /// With more lines in its settings.
    pub(crate) fn with_settings(folder: &Path, more: &str) -> Self {
        let (folder, port) = (folder.join("clamav"), free_port());
        let (socket, signatures) = (folder.join("clamd.sock"), folder.join("signatures"));
        std::fs::create_dir_all(&signatures).unwrap();
        let hex: String = EICAR.concat().bytes().map(|byte| format!("{byte:02x}")).collect();
        // Anywhere in files of any type.
        std::fs::write(signatures.join("test.ndb"), format!("Test.Eicar:0:*:{hex}\n")).unwrap();
        let user = if nix::unistd::geteuid().is_root() { "User root\n" } else { "" };
        let settings = format!(
            "DatabaseDirectory {}\nLocalSocket {}\nTCPSocket {port}\nTCPAddr 127.0.0.1\n\
             Foreground yes\nLogFile {}\n{user}{more}",
            signatures.display(),
            socket.display(),
            folder.join("log").display()
        );
        let file = folder.join("clamd.conf");
        std::fs::write(&file, settings).unwrap();
        let child = Command::new("/usr/sbin/clamd")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("clamd: {e}; cargo xtask setup installs it"));
        let clamd = Self { child, socket, port };
        until("clamd answers", || clamd.answers());
        clamd
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(&self.socket) else { return false };
        let mut answer = String::new();
        stream.write_all(b"zPING\0").is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer == "PONG\0"
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Kills it, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        // It may be stopped, or gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SpamAssassin's spamd, with the rules of its package.
pub(crate) struct Spamd {
    child: Child,
    pub(crate) port: u16,
}

impl Spamd {
    pub(crate) fn start(folder: &Path) -> Self {
        let (home, port) = (folder.join("spamd"), free_port());
        std::fs::create_dir_all(&home).unwrap();
        let mut command = Command::new("/usr/sbin/spamd");
        command.args(["--local", "--max-children=1", "--syslog=stderr"]);
        command.arg(format!("--listen=127.0.0.1:{port}"));
        command.arg(format!("--helper-home-dir={}", home.display()));
        command.arg("--nouser-config");
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&home, Some(65_534), None).unwrap();
            command.arg("--username=nobody");
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("spamd: {e}; cargo xtask setup installs it"));
        let spamd = Self { child, port };
        until("spamd answers", || {
            let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
            let mut answer = String::new();
            stream.write_all(b"PING SPAMC/1.5\r\n\r\n").is_ok()
                && stream.read_to_string(&mut answer).is_ok()
                && answer.contains("PONG")
        });
        spamd
    }
}

impl Drop for Spamd {
    fn drop(&mut self) {
        // Its own end takes its children with it.
        let _ = kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// What a listener says to whoever comes; nothing: it keeps the connection open.
pub(crate) type Answer = Option<&'static [u8]>;

/// A listener that is no scanner. It hears a peer out, says its answer, and closes.
pub(crate) struct Impostor {
    pub(crate) port: u16,
    answer: Arc<Mutex<Answer>>,
}

impl Impostor {
    pub(crate) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(answer));
        let current = Arc::clone(&answer);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(answer) = *current.lock().unwrap() else {
                    open.push(stream);
                    continue;
                };
                stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                // To its end, so that the answer is not lost in a reset.
                let mut sink = [0; 65_536];
                while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
                let _ = stream.write_all(answer);
            }
        });
        Self { port, answer }
    }

    /// Has it say something else from now on.
    pub(crate) fn say(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

/// Waits until something holds, within a bound.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
