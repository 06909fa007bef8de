//! Mail that another server of the site hands over, by Python's LMTP client.

use crate::server::{Server, run, text};
use crate::talk::Talk;
use std::path::Path;

/// The port of a door that the demo does not name.
fn port(server: &Server, door: &str) -> u16 {
    let status = server.admin(&["status"]);
    let doors = status["value"]["doors"].as_array().cloned().unwrap_or_default();
    let open = doors.iter().find(|open| open["door"] == door);
    let address = open.unwrap_or_else(|| panic!("{status}"))["address"].as_str().unwrap();
    address.rsplit(':').next().unwrap().parse().unwrap()
}

fn hand_over(place: &str, port: u16, recipients: &[&str]) -> String {
    let script = "import smtplib, sys\n\
                  place, port, *to = sys.argv[1:]\n\
                  client = smtplib.LMTP(place, int(port))\n\
                  client.ehlo()\n\
                  assert client.has_extn('dsn') and not client.has_extn('auth')\n\
                  client.mail('carol@elsewhere.example')\n\
                  for one in to: print('rcpt', client.rcpt(one)[0])\n\
                  client.putcmd('data')\n\
                  assert client.getreply()[0] == 354\n\
                  client.send(b'Subject: handed over\\r\\n\\r\\nhello\\r\\n.\\r\\n')\n\
                  for one in to: print('data', *client.getreply())\n\
                  print('noop', client.noop()[0])\n\
                  client.quit()\n";
    let port = port.to_string();
    text(&run("python3", &[&["-c", script, place, &port], recipients].concat()))
}

#[test]
fn each_recipient_is_answered_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[listen]\nlmtp = [\"127.0.0.1:0\"]\n[lmtp]\nnetworks = [\"127.0.0.1/32\"]\n";
    let server = Server::with_settings(folder.path(), settings);
    let port = port(&server, "lmtp");
    let (anna, _) = server.user(0);
    let full = format!("full@{}", anna.split_once('@').unwrap().1);
    server.admin(&["account", "add", &full, "--quota", "1"]);
    let said = hand_over("127.0.0.1", port, &[&anna, &full, &anna]);
    let lines: Vec<&str> = said.lines().collect();
    let data: Vec<&str> = lines.iter().filter(|l| l.starts_with("data")).copied().collect();
    assert_eq!(lines.iter().filter(|l| **l == "rcpt 250").count(), 3, "{said}");
    let [first, second, third] = data.as_slice() else { panic!("{said}") };
    assert!(first.contains("250 b'2.0.0") && third.contains("250 b'2.0.0"), "{said}");
    assert!(second.contains("452 b'4.2.2"), "{said}");
    assert!(said.contains("noop 250"), "{said}");
    assert_eq!(server.messages(), 1);
    // Nothing is relayed, whoever hands it over.
    let mut talk = Talk::connect(port);
    assert!(talk.reply().ends_with(" LMTP"));
    for (command, code) in [
        ("EHLO mx.example", "500"),
        ("LHLO mx.example", "250"),
        ("MAIL FROM:<carol@elsewhere.example>", "250"),
        ("RCPT TO:<dora@far.example>", "550"),
        ("RCPT TO:<nobody@gatepost.example>", "550"),
        ("DATA", "503"),
    ] {
        let reply = talk.say(command);
        assert!(reply.starts_with(code), "{command}: {reply}");
    }
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

#[test]
fn the_door_is_for_named_networks_or_by_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("lmtp.sock");
    let settings = format!(
        "[listen]\nlmtp = [\"127.0.0.1:0\"]\nlmtp_socket = \"{}\"\n[lmtp]\n\
         networks = [\"192.0.2.0/24\"]\n",
        socket.display()
    );
    let server = Server::with_settings(folder.path(), &settings);
    let (anna, _) = server.user(0);
    let mut talk = Talk::connect(port(&server, "lmtp"));
    assert!(talk.reply().starts_with("554 "));
    let said = hand_over(&socket.to_string_lossy(), 0, &[&anna]);
    assert!(said.contains("data 250"), "{said}");
    assert_eq!(server.messages(), 1);
    assert_eq!(mode(&socket), 0o660);
    drop(server);
    assert!(!socket.exists() || std::os::unix::net::UnixStream::connect(&socket).is_err());
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
