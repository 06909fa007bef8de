//! Clients behind a real HAProxy: who they are, and that its checks succeed.

use crate::sending::told;
use crate::server::{Server, run, text};
use crate::talk::Talk;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// HAProxy with a way for each version of the protocol, ended when dropped.
struct Proxy {
    child: Child,
    socket: PathBuf,
    /// By version 1 and 2, with announced clients of 192.0.2.0/24; by version 2 to POP3S; by
    /// version 1 with the client's true address, which is loopback.
    ports: [u16; 4],
}

impl Proxy {
    fn start(folder: &Path, server: &Server) -> Self {
        let ports = [free(), free(), free(), free()];
        let socket = folder.join("haproxy.sock");
        let (smtp, pop3s) = (server.port("smtp"), server.port("pop3s"));
        let mut text = format!(
            "global\n stats socket {}\ndefaults\n mode tcp\n timeout connect 5s\n \
             timeout client 30s\n timeout server 30s\n timeout check 5s\n",
            socket.display()
        );
        let check = "option smtpchk EHLO checker.example";
        for (name, port, from, more, to) in [
            ("one", ports[0], "192.0.2.7", check, format!("{smtp} send-proxy check inter 100ms")),
            (
                "two",
                ports[1],
                "192.0.2.8",
                check,
                format!("{smtp} send-proxy-v2 check inter 100ms"),
            ),
            ("pop", ports[2], "192.0.2.9", "", format!("{pop3s} send-proxy-v2")),
            ("own", ports[3], "", "", format!("{smtp} send-proxy")),
        ] {
            let from = match from {
                "" => String::new(),
                from => format!(" tcp-request connection set-src ipv4({from})\n"),
            };
            text.push_str(&format!(
                "frontend {name}\n bind 127.0.0.1:{port}\n{from} default_backend to-{name}\n\
                 backend to-{name}\n {more}\n server gatepost 127.0.0.1:{to}\n"
            ));
        }
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let child = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("haproxy: {e}; cargo xtask setup installs it"));
        let proxy = Self { child, socket, ports };
        let begun = Instant::now();
        while !proxy
            .ports
            .iter()
            .all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
        {
            assert!(begun.elapsed() < Duration::from_secs(30), "haproxy does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        proxy
    }

    /// What it says of its servers: a line each, in CSV.
    fn stat(&self) -> String {
        let mut socket = UnixStream::connect(&self.socket).unwrap();
        socket.write_all(b"show stat\n").unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).unwrap();
        said
    }

    /// Whether its check of the way `name` went through all layers.
    fn is_well(&self, name: &str) -> bool {
        let begins = format!("to-{name},gatepost,");
        // While the next one is under way, a star stands before the last one's result.
        let is_well = |line: &str| line.contains(",L7OK,") || line.contains(",* L7OK,");
        self.stat().lines().any(|line| line.starts_with(&begins) && is_well(line))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn clients_behind_a_proxy_are_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    // What a rule says of the proxy's own address must not hold for those behind it.
    let settings =
        "[proxy]\nnetworks = [\"127.0.0.1/32\"]\n[relay]\nnetworks = [\"127.0.0.1/32\"]\n";
    let server = Server::with_settings(folder.path(), settings);
    let proxy = Proxy::start(folder.path(), &server);
    let (anna, password) = server.user(0);
    for (port, client) in [(proxy.ports[0], "192.0.2.7"), (proxy.ports[1], "192.0.2.8")] {
        let mut talk = Talk::connect(port);
        assert!(talk.reply().starts_with("220 "));
        let reply = talk.send_message(&anna, "Subject: x\r\n\r\nx\r\n");
        assert!(reply.starts_with("250 "), "{reply}");
        let rows = told(&server, &anna, "delivered");
        assert!(rows.iter().any(|row| row["peer"] == client), "{client}: {rows:?}");
        let mut talk = Talk::connect(port);
        assert!(talk.reply().starts_with("220 "));
        let reply = talk.send_message("dora@far.example", "Subject: x\r\n\r\nx\r\n");
        assert!(reply.starts_with("550 5.7.1"), "{reply}");
    }
    let script = "import poplib, ssl, sys\n\
                  client = poplib.POP3_SSL('127.0.0.1', int(sys.argv[1]), \
                  context=ssl._create_unverified_context())\n\
                  client.user(sys.argv[2]); client.pass_(sys.argv[3])\n\
                  print('messages', client.stat()[0])\n";
    let pop = run("python3", &["-c", script, &proxy.ports[2].to_string(), &anna, &password]);
    assert!(text(&pop).contains("messages 2"), "{}", text(&pop));
    // A client on the proxy's own machine would pass for one of ours.
    let mut talk = Talk::connect(proxy.ports[3]);
    assert!(talk.reply().starts_with("554 "));
    // Without a header nobody is let in from there.
    let mut talk = Talk::connect(server.port("smtp"));
    talk.send(b"EHLO client.example\r\n");
    assert!(talk.reply().starts_with("554 "));
    let rows = server.admin(&["trace", "--limit", "50"]).to_string();
    assert!(rows.contains("proxy_header"), "{rows}");
}

#[test]
fn a_proxys_checks_succeed_and_send_no_mail() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[proxy]\nnetworks = [\"127.0.0.1/32\"]\n[relay]\nnetworks = [\"127.0.0.1/32\"]\n\
                    [rate]\nconnections_per_minute_max = 10000\n";
    let server = Server::with_settings(folder.path(), settings);
    let proxy = Proxy::start(folder.path(), &server);
    let begun = Instant::now();
    while !(proxy.is_well("one") && proxy.is_well("two")) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", proxy.stat());
        std::thread::sleep(Duration::from_millis(100));
    }
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"] {
        let mut talk = Talk::connect(server.port("smtp"));
        talk.send(header);
        assert!(talk.reply().starts_with("220 "));
        assert!(talk.say("EHLO checker.example").starts_with("250 "));
        let reply = talk.say("MAIL FROM:<carol@elsewhere.example>");
        assert!(reply.starts_with("550 5.7.1"), "{reply}");
    }
}
