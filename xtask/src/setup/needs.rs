//! What the tests use, and how to tell whether it is there.

use super::{peers, search_path};
use std::path::Path;

/// One program and the Debian package it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) program: &'static str,
    pub(super) package: &'static str,
    /// Mail servers conflict with one another as packages.
    pub(super) is_mail_server: bool,
}

const fn tool(program: &'static str, package: &'static str) -> Need {
    Need { program, package, is_mail_server: false }
}

/// A name with a slash is a path, any other is looked for in PATH.
const NEEDS: &[Need] = &[
    tool("initdb", "postgresql-15"),
    Need { program: "smtp-source", package: "postfix", is_mail_server: true },
    tool("swaks", "swaks"),
    // What swaks needs for TLS, which its package only recommends.
    tool("/usr/lib/x86_64-linux-gnu/perl5/5.36/Net/SSLeay.pm", "libnet-ssleay-perl"),
    tool("fetchmail", "fetchmail"),
    // Logs in by SCRAM, with GNU SASL's part of it.
    tool("msmtp", "msmtp"),
    tool("openssl", "openssl"),
    tool("gpg", "gnupg"),
    // A browser, and what drives it.
    tool("chromium", "chromium"),
    tool("chromedriver", "chromium-driver"),
    // A proxy that announces its clients.
    tool("haproxy", "haproxy"),
    tool("strace", "strace"),
    tool("systemd-analyze", "systemd"),
    tool("setpriv", "util-linux"),
    tool("nmap", "nmap"),
    // Machines of the tests' own and their names: namespaces, signed zones, who checks them.
    tool("ip", "iproute2"),
    tool("sysctl", "procps"),
    tool("nsd", "nsd"),
    tool("unbound", "unbound"),
    tool("drill", "ldnsutils"),
    tool("python3", "python3"),
    // Second opinions about signatures: dkimpy (which brings PyNaCl), what it needs for chains,
    // and OpenDKIM.
    tool("/usr/lib/python3/dist-packages/dkim/__init__.py", "python3-dkim"),
    tool("/usr/lib/python3/dist-packages/authres/__init__.py", "python3-authres"),
    tool("opendkim", "opendkim"),
    // The SPF project's test suites, and what reads them.
    tool("/usr/share/doc/python3-spf/rfc7208-tests.yml.gz", "python3-spf"),
    tool("/usr/lib/python3/dist-packages/yaml/__init__.py", "python3-yaml"),
    // Other readers of broken messages: munpack, ripmime, and MIMEDefang's MIME-tools; one that
    // people read with.
    tool("munpack", "mpack"),
    tool("ripmime", "ripmime"),
    tool("/usr/share/perl5/MIME/Parser.pm", "libmime-tools-perl"),
    tool("mutt", "mutt"),
    // Scanners, without signatures or updates of theirs.
    tool("clamd", "clamav-daemon"),
    tool("spamd", "spamd"),
    tool("sqlite3", "sqlite3"),
    tool("ps", "procps"),
    // What makes and opens the archives of the corpus of `cargo xtask evasion`.
    tool("7z", "p7zip-full"),
    tool("bsdtar", "libarchive-tools"),
    tool("genisoimage", "genisoimage"),
    tool("arj", "arj"),
    tool("zstd", "zstd"),
    tool("cpio", "cpio"),
    tool("ar", "binutils"),
];

/// What of it is not there.
pub(super) fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !is_there(need.program)).collect()
}

fn is_there(program: &str) -> bool {
    if program == "initdb" {
        // Debian keeps it out of PATH, one folder a version.
        return crate::postgres::programs().is_some();
    }
    if program.ends_with(".pm") {
        return perl_module_is_there(program);
    }
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    peers().join("bin").join(program).exists()
        || std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

/// The folder of a Perl module differs by machine and version; its last two names do not.
fn perl_module_is_there(path: &str) -> bool {
    let module = path.rsplitn(3, '/').take(2).collect::<Vec<_>>();
    let [file, folder] = module.as_slice() else { return false };
    let name = format!("-M{folder}::{}", file.trim_end_matches(".pm"));
    Path::new("/usr/bin/perl").exists()
        && std::process::Command::new("/usr/bin/perl")
            .args([name.as_str(), "-e", "1"])
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}
