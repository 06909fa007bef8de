//! Gatepost as a service: what systemd gives it and hears of it, as the unit of the package asks.

use crate::server::{binary, gatepost, run, text};
use crate::talk::Talk;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What `gatepost init` made, in a folder that the user nobody may use.
struct Installation {
    folder: tempfile::TempDir,
    config: String,
}

/// A process that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Installation {
    fn make(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let config = folder.path().join("gatepost.toml").to_string_lossy().into_owned();
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let mut arguments = vec!["--config", &config, "init", "--domain", "example.org"];
        arguments.extend(["--data", &data, "--user", "nobody"]);
        let init = gatepost(&arguments);
        assert!(init.status.success(), "{}", text(&init));
        let made = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{made}\n{settings}")).unwrap();
        Self { folder, config }
    }

    /// The program where nobody may start it: the build's folder is the builder's own.
    fn program(&self) -> PathBuf {
        let program = self.folder.path().join("gatepost");
        std::fs::copy(binary(), &program).unwrap();
        program
    }

    fn status(&self) -> Value {
        let output = gatepost(&["--config", &self.config, "--json", "status"]);
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["value"].clone()
    }
}

/// A port that nobody uses now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The next thing that systemd would hear.
fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 1_024];
    let length = socket.recv(&mut buffer).expect("systemd would have heard nothing");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

fn notify_socket(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

#[test]
fn the_unit_is_hardened_and_read_without_complaint() {
    let script = tests::root().join("packaging/check.sh");
    let output = run("sh", &[&script.to_string_lossy()]);
    assert!(output.status.success(), "{}", text(&output));
}

/// As the unit runs it: another user, no capability, sockets and notifications from systemd.
#[test]
fn systemd_hands_over_sockets_and_hears_of_start_and_stop() {
    let site = Installation::make("[listen]\nsmtp = [\"192.0.2.1:25\"]\n");
    let notify = site.folder.path().join("notify");
    let systemd = notify_socket(&notify);
    let (smtp, pop3s) = (free_port(), free_port());
    let child = Command::new("setpriv")
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"])
        .args(["--bounding-set=-all", "systemd-socket-activate"])
        .args([format!("--listen=127.0.0.1:{smtp}"), format!("--listen=127.0.0.1:{pop3s}")])
        .arg("--fdname=smtp:pop3s")
        .arg(format!("--setenv=NOTIFY_SOCKET={}", notify.display()))
        .arg(site.program())
        .args(["--config", &site.config, "serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setpriv; cargo xtask setup installs it");
    let mut child = Running(child);
    // systemd-socket-activate starts the server at the first connection.
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", smtp)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "the socket is not opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(heard(&systemd).trim(), "READY=1");
    let mut talk = Talk::connect(smtp);
    assert!(talk.reply().starts_with("220 "), "the socket of systemd is served");

    let status = site.status();
    let doors = status["doors"].as_array().unwrap();
    let door = |n: usize| (doors[n]["door"].as_str(), doors[n]["address"].as_str());
    let (at_smtp, at_pop3s) = (format!("127.0.0.1:{smtp}"), format!("127.0.0.1:{pop3s}"));
    assert_eq!(door(0), (Some("smtp"), Some(at_smtp.as_str())));
    assert_eq!(door(1), (Some("pop3s"), Some(at_pop3s.as_str())));
    assert_eq!(doors.len(), 2, "in place of [listen]: {status}");
    assert!(doors[0]["sessions"].as_u64() >= Some(1), "{status}");
    assert_eq!(doors[1]["sessions"], 0, "{status}");
    assert_eq!(status["sessions"]["per_address_max"], 30, "{status}");
    let log = status["log"].as_array().unwrap();
    let signed = log.iter().find(|line| line["text"].as_str().unwrap().contains("self-signed"));
    assert_eq!(signed.expect("the log's warning is kept")["level"], "warn");

    let pid = child.0.id();
    let process = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |key: &str| process.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim();
    assert!(of("Uid:").split_whitespace().all(|uid| uid != "0"), "{process}");
    assert_eq!(of("CapEff:").trim_start_matches('0'), "", "{process}");

    drop(talk);
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(heard(&systemd).trim(), "STOPPING=1");
    assert!(child.0.wait().unwrap().success());
}

/// A socket of a name that no door has must stop the start: mail would be awaited in vain.
#[test]
fn a_socket_without_a_door_is_refused() {
    let site = Installation::make("");
    let port = free_port();
    let child = Command::new("systemd-socket-activate")
        .args([&format!("--listen=127.0.0.1:{port}"), "--fdname=imap"])
        .arg(binary())
        .args(["--config", &site.config, "serve"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("systemd-socket-activate; cargo xtask setup installs it");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let shown = text(&output);
    assert!(shown.contains("called imap") && shown.contains("FileDescriptorName="), "{shown}");
}

/// As with the kernel's `ipv6.disable=1`: the first socket, the door's, is of an unknown family.
#[test]
fn a_machine_without_ipv6_opens_its_door_for_ipv4() {
    let doors = "[listen]\nsmtp = [\"[::]:0\"]\npop3 = []\npop3s = [\"127.0.0.1:0\"]\n";
    let site = Installation::make(doors);
    let mut child = Running(
        Command::new("strace")
            // -D: the child is the server itself, not its tracer, so that ending it ends both.
            .args(["-D", "-f", "-o", "/dev/null", "-e", "trace=socket"])
            .args(["-e", "inject=socket:error=EAFNOSUPPORT:when=1"])
            .arg(binary())
            .args(["--config", &site.config, "serve", "--ready-fd", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace; cargo xtask setup installs it"),
    );
    let mut line = String::new();
    let out = child.0.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let smtp = ready["smtp"].as_str().unwrap().to_owned();
    let port = smtp.strip_prefix("0.0.0.0:").unwrap_or_else(|| panic!("not IPv4: {smtp}"));
    assert!(Talk::connect(port.parse().unwrap()).reply().starts_with("220 "));
    let status = site.status();
    let log = status["log"].as_array().unwrap();
    let told = |line: &Value| line["text"].as_str().unwrap().contains("has no IPv6");
    assert!(log.iter().any(told), "{status}");
}
