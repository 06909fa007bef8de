//! Mail to servers that have to prove who they are, by DANE and under REQUIRETLS.

use crate::sending::told;
use crate::server::{Server, act, run, text};
use std::path::{Path, PathBuf};
use std::process::Child;

/// A server under TLS, ended when dropped.
struct Secure {
    child: Child,
    port: u16,
    /// The SHA-256 of its certificate.
    digest: String,
    folder: PathBuf,
}

impl Secure {
    fn start(folder: &Path) -> Self {
        let (certificate, key) = (folder.join("far.pem"), folder.join("far.key"));
        let show = |path: &Path| path.to_str().unwrap().to_owned();
        let made = run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=not.its.name.example",
                "-keyout",
                &show(&key),
                "-out",
                &show(&certificate),
            ],
        );
        assert!(made.status.success(), "{}", text(&made));
        let taken = folder.join("secure");
        std::fs::create_dir(&taken).unwrap();
        let (child, line) = act(include_str!("secure_sink.py"), &[&taken, &certificate, &key]);
        let (port, digest) = line.split_once(' ').unwrap();
        let (port, digest) = (port.parse().unwrap(), digest.to_owned());
        Self { child, port, digest, folder: taken }
    }

    /// What it was told before a message, and the message; by the recipient's name.
    fn took(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(format!("{name}.txt"))).ok()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a message after a log-in, with parameters of MAIL.
fn submit(server: &Server, to: &str, header: &str, options: &[&str]) {
    let (address, password) = server.user(0);
    let script = "import smtplib, ssl, sys\n\
                  port, user, password, to, message, *options = sys.argv[1:]\n\
                  client = smtplib.SMTP('127.0.0.1', int(port))\n\
                  client.starttls(context=ssl._create_unverified_context())\n\
                  client.login(user, password)\n\
                  client.sendmail(user, [to], message.encode(), mail_options=options)\n\
                  client.quit()\nprint('sent')\n";
    let port = server.port("submission").to_string();
    let message = format!("From: {address}\r\nTo: {to}\r\n{header}Subject: x\r\n\r\nx\r\n");
    let mut args = vec!["-c", script, &port, &address, &password, to, &message];
    args.extend(options);
    let said = text(&run("python3", &args));
    assert_eq!(said.trim(), "sent", "{said}");
}

#[test]
fn mail_goes_to_the_server_that_the_domain_names_alone() {
    let folder = tempfile::tempdir().unwrap();
    let secure = Secure::start(folder.path());
    let Secure { port, digest, .. } = &secure;
    let zone = folder.path().join("zone");
    let wrong = "00".repeat(32);
    let records = format!(
        "$DNSSEC secure\n\
         mx.far.example. A 127.0.0.1\n_{port}._tcp.mx.far.example. TLSA 3 0 1 {digest}\n\
         mx.wrong.example. A 127.0.0.1\n_{port}._tcp.mx.wrong.example. TLSA 3 0 1 {wrong}\n\
         mx.lax.example. A 127.0.0.1\n_{port}._tcp.mx.lax.example. TLSA 3 0 1 {wrong}\n\
         mx.broken.example. A 127.0.0.1\n\
         $DNSSEC bogus\n_{port}._tcp.mx.broken.example. TLSA 3 0 1 {digest}\n"
    );
    std::fs::write(&zone, records).unwrap();
    let route = |domain: &str, login: &str| {
        format!("[[send.routes]]\ndomain = \"{domain}\"\nto = \"mx.{domain}:{port}\"\n{login}")
    };
    let settings = [
        route("far.example", "user = \"us\"\npassword = \"hunter2\"\n"),
        route("wrong.example", ""),
        route("lax.example", ""),
        route("broken.example", ""),
    ];
    let server = Server::with_zone(folder.path(), &settings.concat(), &zone);

    submit(&server, "dora@far.example", "", &[]);
    told(&server, "dora@far.example", "relayed");
    let took = secure.took("dora").unwrap();
    assert!(took.contains("tls AUTH PLAIN AHVzAGh1bnRlcjI="), "{took}");
    assert!(took.contains("tls MAIL FROM:<") && !took.contains("clear MAIL"), "{took}");

    submit(&server, "emil@far.example", "", &["REQUIRETLS"]);
    told(&server, "emil@far.example", "relayed");
    let took = secure.took("emil").unwrap();
    assert!(took.lines().any(|line| line.starts_with("tls MAIL") && line.contains("REQUIRETLS")));

    for (to, reason) in
        [("dora@wrong.example", "remote_untrusted"), ("dora@broken.example", "dns_failed")]
    {
        submit(&server, to, "", &[]);
        let rows = told(&server, to, "deferred");
        let row = rows.iter().find(|row| row["event"] == "deferred").unwrap();
        assert_eq!(row["reason"], reason, "{row}");
    }
    // Who would rather have it arrive than arrive safely says so.
    submit(&server, "waived@lax.example", "TLS-Required: No\r\n", &[]);
    told(&server, "waived@lax.example", "relayed");
    assert!(secure.took("waived").unwrap().contains("tls MAIL FROM:<"));
    // Ways that the administrator named are his, and counted for no domain's reports.
    assert_eq!(server.admin(&["queue", "tls"])["value"], serde_json::json!([]));
}
