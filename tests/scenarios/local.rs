//! Mail of programs of this machine: `gatepost sendmail`, as different users of the system.

use crate::sending::{Sink, told};
use crate::server::{Server, binary, gatepost, run, text};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A folder that other users may walk through, with the binary under its old name.
fn site(folder: &Path) -> (PathBuf, PathBuf) {
    for open in [folder.to_owned(), folder.join("run")] {
        std::fs::create_dir_all(&open).unwrap();
        set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir(folder.join("private")).unwrap();
    set_permissions(folder.join("private"), Permissions::from_mode(0o700)).unwrap();
    let sendmail = folder.join("sendmail");
    if std::fs::hard_link(binary(), &sendmail).is_err() {
        std::fs::copy(binary(), &sendmail).unwrap();
    }
    (sendmail, folder.join("run/submit.sock"))
}

#[test]
fn programs_of_this_machine_send_as_who_runs_them() {
    let folder = tempfile::tempdir().unwrap();
    let (sendmail, socket) = site(folder.path());
    let sink = Sink::start(folder.path());
    let settings = format!(
        "[server]\nsubmit_socket = {socket:?}\n[send]\nsmarthost = \"127.0.0.1:{}\"\n\
         [limits]\nmessage_size_max = 65536\n[[local.users]]\nuser = \"daemon\"\n\
         addresses = [\"ben@gatepost.example\"]\n",
        sink.port
    );
    let server = Server::with_settings(folder.path(), &settings);
    let (anna, _) = server.user(0);
    let (ben, _) = server.user(1);
    let output = run(
        "python3",
        &[
            "-c",
            include_str!("local.py"),
            &sendmail.to_string_lossy(),
            &socket.to_string_lossy(),
            &sink.folder.to_string_lossy(),
            &anna,
            &ben,
        ],
    );
    assert!(text(&output).contains("all well"), "{}", text(&output));

    let mails = folder.path().join("anna");
    server.admin(&["mailbox", "export", &anna, "INBOX", &mails.to_string_lossy()]);
    let files = std::fs::read_dir(&mails).unwrap().map(|file| file.unwrap().path());
    let all: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let with = |subject: &str| {
        let found = all.iter().find(|mail| mail.contains(&format!("Subject: {subject}\r\n")));
        found.unwrap_or_else(|| panic!("{subject} is not there: {all:?}"))
    };
    let cron = with("Cron <nobody> job");
    for expected in [
        "From: \"Cron Daemon\" <nobody@mail.gatepost.example>\r\n",
        "(Gatepost, from uid 65534) with local id ",
        "\r\nDate: ",
        "\r\nMessage-ID: <",
    ] {
        assert!(cron.contains(expected), "{expected}: {cron}");
    }
    assert!(!cron.contains("127.0.0.1"), "{cron}");
    let header = with("header");
    assert!(header.ends_with("above\r\n.\r\nbelow Gr\u{fc}\u{df}e\r\n"), "{header}");
    assert!(header.contains("charset=utf-8") && !header.contains("Bcc"), "{header}");
    assert!(with("dot").ends_with("\r\n\r\nkept\r\n"));
    assert!(with("piped").ends_with("\r\n\r\n.dot\r\n"));
    assert!(with("LF").contains("From: nobody@mail.gatepost.example\r\n"));
    assert!(!all.iter().any(|mail| mail.contains("forged")));

    let rows = told(&server, "dora@far.example", "relayed");
    let queued = rows.iter().find(|row| row["event"] == "queued").unwrap();
    assert_eq!(queued["reason"], "local_submission", "{queued}");
    assert_eq!(queued["peer"], "uid:65534", "{queued}");
    let rows = server.admin(&["trace", "--limit", "500"]).to_string();
    for expected in ["sender_not_owned", "unknown_user", "queue="] {
        assert!(rows.contains(expected), "{expected}: {rows}");
    }
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

/// What fails for good is told to the user's address here; where nobody has that, to postmaster.
#[test]
fn a_bounce_to_a_program_ends_with_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let (sendmail, socket) = site(folder.path());
    let sink = Sink::start(folder.path());
    let settings = format!(
        "[server]\nsubmit_socket = {socket:?}\n[send]\nsmarthost = \"127.0.0.1:{}\"\n",
        sink.port
    );
    let server = Server::with_settings(folder.path(), &settings);
    let script = "import subprocess, sys\n\
                  done = subprocess.run([sys.argv[1], 'nobody@far.example'], input=b'Subject: x\\n\\nx\\n',\n\
                  user=65534, group=65534, extra_groups=[], cwd='/',\n\
                  env={'GATEPOST_SUBMIT_SOCKET': sys.argv[2]})\nprint(done.returncode)\n";
    let sent =
        run("python3", &["-c", script, &sendmail.to_string_lossy(), &socket.to_string_lossy()]);
    assert_eq!(text(&sent).trim(), "0");
    told(&server, "nobody@far.example", "failed");
    let admin = server.facts["admin"]["address"].as_str().unwrap();
    let mails = server.admin(&["mailbox", "show", admin, "INBOX"]).to_string();
    assert!(mails.contains("could not be delivered"), "{mails}");
    let usage = gatepost(&["sendmail", "--help"]);
    assert_eq!(usage.status.code(), Some(64), "{}", text(&usage));
}

/// One user's flood leaves the others their place, in messages and in sessions.
#[test]
fn users_are_limited_each_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (sendmail, socket) = site(folder.path());
    let settings = format!(
        "[server]\nsubmit_socket = {socket:?}\n[local]\nmessages_per_minute_max = 3\n\
         sessions_per_user_max = 2\n"
    );
    let server = Server::with_settings(folder.path(), &settings);
    let (anna, _) = server.user(0);
    let script = "import socket, subprocess, sys, os\n\
                  sendmail, path, anna = sys.argv[1:4]\n\
                  def send(uid):\n    return subprocess.run([sendmail, anna], input=b'Subject: x\\n\\nx\\n',\n        user=uid, group=uid, extra_groups=[], cwd='/', capture_output=True,\n        env={'GATEPOST_SUBMIT_SOCKET': path}).returncode\n\
                  print([send(65534) for _ in range(5)], send(1))\n\
                  held = []\n\
                  for _ in range(3):\n    held.append(socket.socket(socket.AF_UNIX))\n    held[-1].connect(path)\n    print(held[-1].recv(100).split()[0].decode())\n\
                  print(send(2))\n";
    let output = run(
        "python3",
        &["-c", script, &sendmail.to_string_lossy(), &socket.to_string_lossy(), &anna],
    );
    let said = text(&output);
    assert_eq!(said.trim(), "[0, 0, 0, 75, 75] 0\n220\n220\n421\n0", "{said}");
    let rows = server.admin(&["trace", "--limit", "100"]).to_string();
    assert!(rows.contains("limit local.messages_per_minute_max"), "{rows}");
}
