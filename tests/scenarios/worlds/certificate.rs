//! An authority of the test's own, and certificates by it, made by OpenSSL.

use crate::server::{run, text};
use std::path::{Path, PathBuf};

/// Vouches for certificates.
pub(super) struct Authority {
    folder: PathBuf,
}

/// A certificate with its key, in files.
pub(super) struct Certificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    pub(super) fn make(folder: &Path) -> Self {
        let folder = folder.join("authority");
        std::fs::create_dir(&folder).unwrap();
        let authority = Self { folder };
        let (file, key) = (authority.path("ca.pem"), authority.path("ca.key"));
        let wanted = ["req", "-x509", "-subj", "/CN=worlds", "-days", "2", "-keyout", &key];
        openssl(&[&wanted[..], &["-out", &file], &NEW_KEY].concat());
        authority
    }

    /// Its own certificate.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for a server that has these names; its key is readable by the user nobody.
    pub(super) fn certify(&self, names: &[&str]) -> Certificate {
        let stem = names.first().unwrap();
        let [key, request, chain, more] =
            ["key", "csr", "pem", "ext"].map(|kind| self.path(&format!("{stem}.{kind}")));
        let wanted = ["req", "-new", "-subj", "/CN=server", "-keyout", &key, "-out", &request];
        openssl(&[&wanted[..], &NEW_KEY].concat());
        let listed: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        std::fs::write(&more, format!("subjectAltName={}\n", listed.join(","))).unwrap();
        let (by, by_key) = (self.path("ca.pem"), self.path("ca.key"));
        let made = ["x509", "-req", "-in", &request, "-CA", &by, "-CAkey", &by_key, "-days", "2"];
        openssl(&[&made[..], &["-CAcreateserial", "-extfile", &more, "-out", &chain]].concat());
        run("chown", &["nobody", &key]);
        Certificate { certificate: chain.into(), key: key.into() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Certificate {
    /// What a TLSA record `3 1 1` says of it: the SHA-256 of its public key (RFC 6698 §2.1).
    pub(super) fn tlsa(&self) -> String {
        let [public, der] = ["public", "der"].map(|kind| self.key.with_extension(kind));
        let [public, der] = [&public, &der].map(|path| path.display().to_string());
        openssl(&["pkey", "-in", &self.key.display().to_string(), "-pubout", "-out", &public]);
        openssl(&["pkey", "-pubin", "-in", &public, "-outform", "DER", "-out", &der]);
        let said = openssl(&["dgst", "-sha256", "-r", &der]);
        format!("3 1 1 {}", said.split_whitespace().next().unwrap())
    }
}

fn openssl(args: &[&str]) -> String {
    let output = run("openssl", args);
    assert!(output.status.success(), "openssl {args:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}
