//! Settings that are one of a few words, or a small table.

use crate::reader::{Reader, Setting, Table, choice};
use crate::settings::too_wide;
use crate::tree::Node;
use ipnet::IpNet;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of `key=value`.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whose word counts for a proof by DNSSEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnssecChoice {
    /// That of name servers on this machine.
    Local,
    /// That of whatever name server is asked.
    TrustAd,
    /// Nobody's: all is checked here.
    Validate,
    /// Nothing is proven.
    Off,
}

/// Whether other domains are told how TLS to their servers went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsReports {
    /// Those that ask for it are.
    Send,
    /// Nobody is.
    Off,
}

/// The language of what is written to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
}

/// What is done with lines that end in a bare LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BareLf {
    /// The message is refused.
    Refuse,
    /// CRLF is put in its place, and the trace says so.
    Repair,
}

/// When a new DKIM key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DkimActivation {
    /// Once the DNS shows its record.
    Seen,
    /// When its time has come, whatever the DNS shows.
    Always,
}

/// What is different for one network: `[[smtp.networks]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpNetwork {
    /// The network.
    pub net: IpNet,
    /// What is done with bare LF from it (old printers and scripts).
    pub bare_lf: BareLf,
}

const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
const DKIM_ACTIVATION: &[(&str, DkimActivation)] =
    &[("seen", DkimActivation::Seen), ("always", DkimActivation::Always)];
const DNSSEC: &[(&str, DnssecChoice)] = &[
    ("local", DnssecChoice::Local),
    ("trust-ad", DnssecChoice::TrustAd),
    ("validate", DnssecChoice::Validate),
    ("off", DnssecChoice::Off),
];
const TLS_REPORTS: &[(&str, TlsReports)] = &[("send", TlsReports::Send), ("off", TlsReports::Off)];
const LANGUAGES: &[(&str, Language)] = &[("en", Language::En), ("de", Language::De)];
const BARE_LF: &[(&str, BareLf)] = &[("refuse", BareLf::Refuse), ("repair", BareLf::Repair)];

/// The word of a choice, as the file writes it.
pub(crate) fn show_choice<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> String {
    let found = words.iter().find(|(_, v)| v == value);
    found.map(|(word, _)| format!("\"{word}\"")).unwrap_or_default()
}

/// The words of a choice, for the manual.
pub(crate) fn kind_of<T>(words: &[(&'static str, T)]) -> String {
    let words: Vec<_> = words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
    words.join(" or ")
}

impl Setting for LogFormat {
    fn kind() -> String {
        kind_of(LOG_FORMATS)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, LOG_FORMATS, reader)
    }
    fn show(&self) -> String {
        show_choice(LOG_FORMATS, self)
    }
}

impl Setting for DnssecChoice {
    fn kind() -> String {
        kind_of(DNSSEC)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, DNSSEC, reader)
    }
    fn show(&self) -> String {
        show_choice(DNSSEC, self)
    }
}

impl Setting for TlsReports {
    fn kind() -> String {
        kind_of(TLS_REPORTS)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, TLS_REPORTS, reader)
    }
    fn show(&self) -> String {
        show_choice(TLS_REPORTS, self)
    }
}

impl Language {
    /// Its code (ISO 639-1).
    pub fn word(self) -> &'static str {
        LANGUAGES.iter().find(|(_, language)| *language == self).map_or("en", |(word, _)| word)
    }
}

impl Setting for Language {
    fn kind() -> String {
        kind_of(LANGUAGES)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, LANGUAGES, reader)
    }
    fn show(&self) -> String {
        show_choice(LANGUAGES, self)
    }
}

impl Setting for BareLf {
    fn kind() -> String {
        kind_of(BARE_LF)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, BARE_LF, reader)
    }
    fn show(&self) -> String {
        show_choice(BARE_LF, self)
    }
}

impl Setting for DkimActivation {
    fn kind() -> String {
        kind_of(DKIM_ACTIVATION)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, DKIM_ACTIVATION, reader)
    }
    fn show(&self) -> String {
        show_choice(DKIM_ACTIVATION, self)
    }
}

impl Setting for SmtpNetwork {
    fn kind() -> String {
        "table with `net` and `bare_lf` (\"refuse\" or \"repair\")".to_owned()
    }
    fn plural() -> String {
        "tables with `net` (a network) and `bare_lf` (`\"refuse\"` or `\"repair\"`)".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let table = Table::open(node, &["net", "bare_lf"], reader);
        let net: IpNet = table.required("net", reader)?;
        let bare_lf = table.value("bare_lf", None, BareLf::Refuse, reader);
        if bare_lf == BareLf::Repair && too_wide(&net) {
            reader
                .say(node, format!("`{net}` is too wide: bare LF is never repaired for strangers"));
            return None;
        }
        Some(Self { net, bare_lf })
    }
    fn show(&self) -> String {
        let bare_lf = self.bare_lf.show();
        format!("{{ net = \"{}\", bare_lf = {bare_lf} }}", self.net)
    }
}
