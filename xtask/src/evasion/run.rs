//! The corpus on its way: made, sent through a server, fetched, and read by the four readers.

use crate::harm::server::{Setup, site, workshop};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs, which are put beside each other in a folder: they import one another.
const PROGRAMS: &[(&str, &str)] = &[
    ("archives.py", include_str!("corpus/archives.py")),
    ("cfb.py", include_str!("corpus/cfb.py")),
    ("deliver.py", include_str!("corpus/deliver.py")),
    ("documents.py", include_str!("corpus/documents.py")),
    ("generate.py", include_str!("corpus/generate.py")),
    ("mime.py", include_str!("corpus/mime.py")),
    ("names.py", include_str!("corpus/names.py")),
    ("nested.py", include_str!("corpus/nested.py")),
    ("olden.py", include_str!("corpus/olden.py")),
    ("payloads.py", include_str!("corpus/payloads.py")),
    ("quine.py", include_str!("corpus/quine.py")),
    ("readers.pl", include_str!("corpus/readers.pl")),
    ("readers.py", include_str!("corpus/readers.py")),
    ("registry.py", include_str!("corpus/registry.py")),
    ("structure.py", include_str!("corpus/structure.py")),
    ("transfer.py", include_str!("corpus/transfer.py")),
    ("unpack.py", include_str!("corpus/unpack.py")),
    ("zips.py", include_str!("corpus/zips.py")),
];

/// A whole corpus is more than a server takes of one stranger by default.
const SETTINGS: &str = "[rate]\nmessages_per_minute_max = 10000000\n\
                        connections_per_minute_max = 10000000\n\
                        [limits]\ngreeting_pause_ms = 0\n";

/// A message of the corpus, as its manifest tells.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) family: u32,
    pub(super) variant: String,
    pub(super) kind: String,
    pub(super) twin: bool,
    #[serde(default)]
    pub(super) encrypted: bool,
    #[serde(default)]
    pub(super) over_limit: bool,
    /// Its shape itself is on the default list, whatever is in it.
    #[serde(default)]
    pub(super) prohibited: bool,
}

/// Which readers get the mark out of a message.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Reading {
    pub(super) id: String,
    /// Out of what was sent.
    pub(super) original: BTreeSet<String>,
    /// Out of what was delivered; none if nothing was.
    pub(super) delivered: Option<BTreeSet<String>>,
    /// What came is not what was sent, with fields before it.
    pub(super) changed: bool,
}

/// What became of a corpus at a server.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    /// Answers to what was not taken, by id.
    pub(super) refused: BTreeMap<String, String>,
    /// Messages in the mailbox that bear no id.
    pub(super) strange: usize,
    /// Refused by a server without the filter too: nothing that the filter does.
    #[serde(skip)]
    pub(super) refused_anyway: BTreeSet<String>,
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

impl Outcome {
    /// The same, with what a run without the filter refused.
    pub(super) fn beside(mut self, without: Outcome) -> Self {
        self.refused_anyway = without.refused.into_keys().collect();
        self
    }
}

/// A corpus on disk.
pub(super) struct Corpus {
    pub(super) entries: Vec<Entry>,
    /// The names of the families.
    pub(super) families: BTreeMap<u32, String>,
    /// Messages and manifest.
    pub(super) folder: PathBuf,
    programs: tempfile::TempDir,
}

impl Corpus {
    /// Makes it from its seed.
    pub(super) fn make(folder: &Path, seed: u64, sample: u32) -> Result<Self> {
        let programs = workshop("programs")?;
        for (name, text) in PROGRAMS {
            std::fs::write(programs.path().join(name), text)?;
        }
        let folder = folder.join("corpus");
        std::fs::create_dir_all(&folder)?;
        let mut corpus = Self { entries: Vec::new(), families: BTreeMap::new(), folder, programs };
        let mut command = corpus.program("generate.py");
        command.arg(&corpus.folder).args([seed.to_string(), sample.to_string()]);
        output(command, "")?;
        let manifest = std::fs::read_to_string(corpus.folder.join("manifest.jsonl"))?;
        corpus.entries = lines(&manifest)?;
        let families = std::fs::read_to_string(corpus.folder.join("families.json"))?;
        corpus.families = serde_json::from_str(&families).context("families.json")?;
        Ok(corpus)
    }

    /// Sends all of it through a server with these settings, and fetches what arrived.
    pub(super) fn through(&self, binary: &Path, settings: &str, name: &str) -> Result<Outcome> {
        let workshop = workshop(name)?;
        let setup = Setup {
            binary: binary.to_owned(),
            folder: site(workshop.path()),
            settings: format!("{SETTINGS}{settings}"),
            wrapper: Vec::new(),
        };
        let server = setup.start()?;
        let folder = self.folder.with_file_name(name);
        std::fs::create_dir_all(&folder)?;
        let facts = &server.facts;
        let user = facts.users.first().context("the demo has no user")?;
        let told = serde_json::json!({
            "host": facts.host, "smtp": facts.ports.smtp, "pop3s": facts.ports.pop3s,
            "certificate": facts.certificate, "corpus": self.folder, "folder": folder,
            "user": { "address": user.address, "password": user.password },
        });
        let text = output(self.program("deliver.py"), &told.to_string())?;
        let outcome: Outcome = serde_json::from_str(&text).context("what deliver.py says")?;
        // However strange the mail, the books are right.
        server.fsck()?;
        server.stop()?;
        Ok(Outcome { folder, ..outcome })
    }

    /// What the readers get out of the corpus itself; kept for the runs through a server.
    pub(super) fn read(&self) -> Result<Vec<Reading>> {
        let text = output(self.readers(), "")?;
        std::fs::write(self.known(), &text)?;
        self.all(&text)
    }

    /// What the readers get out of what arrived, after [`Corpus::read`].
    pub(super) fn readings(&self, outcome: &Outcome) -> Result<Vec<Reading>> {
        let mut command = self.readers();
        command.arg(&outcome.folder).arg(self.known());
        self.all(&output(command, "")?)
    }

    fn readers(&self) -> Command {
        let mut command = self.program("readers.py");
        command.arg(self.folder.join("manifest.jsonl")).arg(&self.folder);
        command
    }

    fn known(&self) -> PathBuf {
        self.folder.join("readings.jsonl")
    }

    fn all(&self, text: &str) -> Result<Vec<Reading>> {
        let readings: Vec<Reading> = lines(text)?;
        ensure!(readings.len() == self.entries.len(), "the readers did not answer for each");
        Ok(readings)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("python3");
        command.arg(self.programs.path().join(name));
        command
    }
}

fn lines<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// Runs a program with this input; what it printed.
fn output(mut command: Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("python3 cannot be started")?;
    child.stdin.take().context("python3 has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}
