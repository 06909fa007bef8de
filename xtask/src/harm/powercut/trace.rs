//! The record that strace makes of a server: one file a thread, one line a call.
//!
//! A line's times enclose the call: strace takes the first before the kernel begins it and the
//! second after the kernel has ended it.

use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Every call that changes files or brings them to the disk, and the answers to peers.
pub(super) const CALLS: &str = "trace=write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,\
    sync_file_range,openat,open,creat,lseek,rename,renameat,renameat2,unlink,unlinkat,mkdir,\
    mkdirat,rmdir,link,linkat,ftruncate,truncate,fallocate,sendto,sendmsg,copy_file_range,sendfile";

/// Something that happened, in nanoseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) kind: Kind,
}

/// What happened. Paths start at the demo's folder.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Create {
        path: String,
    },
    Truncate {
        path: String,
        len: u64,
    },
    Write {
        path: String,
        at: u64,
        data: Arc<[u8]>,
    },
    Mkdir {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    Sync {
        path: String,
    },
    /// The answer that told a peer that its message is kept.
    Kept {
        message: i64,
    },
}

/// All of it, by the time it began.
pub(super) struct Record {
    pub(super) events: Vec<Event>,
    /// When the server said that it is ready.
    pub(super) ready: u64,
}

impl Event {
    /// The message whose 250 this is.
    pub(super) fn kept(&self) -> Option<i64> {
        match self.kind {
            Kind::Kept { message } => Some(message),
            _ => None,
        }
    }
}

/// Whether a program may be traced here at all (a container may forbid it).
pub(super) fn may_trace() -> bool {
    Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A call as a line tells it.
struct Call<'a> {
    start: u64,
    end: u64,
    name: &'a str,
    args: Vec<&'a str>,
    result: i64,
    /// What follows the number: the path of a new descriptor.
    rest: &'a str,
}

impl Record {
    /// Reads the files `prefix.*`; what lies outside `folder` is left out.
    pub(super) fn read(prefix: &Path, folder: &Path) -> Result<Self> {
        let parent = prefix.parent().context("no folder")?;
        let name = prefix.file_name().context("no name")?.to_string_lossy().into_owned() + ".";
        let mut texts = Vec::new();
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&name) {
                texts.push(fs::read_to_string(entry.path())?);
                fs::remove_file(entry.path())?;
            }
        }
        let mut calls: Vec<Call<'_>> =
            texts.iter().flat_map(|text| text.lines()).filter_map(parse).collect();
        calls.sort_by_key(|call| call.start);
        let mut reader = Reader {
            folder: format!("{}/", folder.display()),
            positions: HashMap::new(),
            record: Self { events: Vec::new(), ready: 0 },
        };
        for call in &calls {
            reader.take(call).with_context(|| format!("{} at {}", call.name, call.start))?;
        }
        ensure!(reader.record.ready > 0, "the record does not show that the server was ready");
        Ok(reader.record)
    }
}

struct Reader {
    folder: String,
    /// Where the next plain write of a descriptor goes.
    positions: HashMap<i64, u64>,
    record: Record,
}

impl Reader {
    fn take(&mut self, call: &Call<'_>) -> Result<()> {
        if call.result < 0 {
            return Ok(());
        }
        match call.name {
            "openat" => self.open(call),
            "pwrite64" => {
                let at = number(call.args.get(3))?;
                self.write(call, at)
            }
            "write" => {
                let fd = call.descriptor()?;
                let at = self.positions.get(&fd).copied().unwrap_or(0);
                self.positions.insert(fd, at + call.result.unsigned_abs());
                if call.args.get(1).is_some_and(|data| fd == 1 && !data.is_empty()) {
                    self.record.ready = call.end;
                }
                self.write(call, at)
            }
            "lseek" => {
                self.positions.insert(call.descriptor()?, call.result.unsigned_abs());
                Ok(())
            }
            "ftruncate" => {
                let len = number(call.args.get(1))?;
                self.on_file(call, |path| Kind::Truncate { path, len })
            }
            // Room that was reserved holds nothing.
            "fallocate" | "sync_file_range" => Ok(()),
            "fsync" | "fdatasync" => self.on_file(call, |path| Kind::Sync { path }),
            "mkdir" => self.named(call, 0, |path| Kind::Mkdir { path }),
            "unlink" => self.named(call, 0, |path| Kind::Remove { path }),
            "rename" => {
                let (from, to) = (self.path(call.args.first()), self.path(call.args.get(1)));
                if let (Some(from), Some(to)) = (from, to) {
                    self.push(call, Kind::Rename { from, to });
                }
                Ok(())
            }
            "sendto" => {
                let data = bytes(call.args.get(1))?;
                for message in kept(&data) {
                    self.push(call, Kind::Kept { message });
                }
                Ok(())
            }
            other => {
                let touches = call.args.iter().any(|arg| self.path(Some(arg)).is_some());
                if touches {
                    bail!("this call is new here: teach xtask what {other} does to a disk");
                }
                Ok(())
            }
        }
    }

    fn open(&mut self, call: &Call<'_>) -> Result<()> {
        self.positions.insert(call.result, 0);
        let flags = call.args.get(2).copied().unwrap_or_default();
        let Some(path) = self.path(call.args.get(1)) else { return Ok(()) };
        if flags.contains("O_APPEND") {
            bail!("a file is opened for appending: teach xtask where its writes go");
        }
        if flags.contains("O_CREAT") {
            self.push(call, Kind::Create { path: path.clone() });
        }
        if flags.contains("O_TRUNC") {
            self.push(call, Kind::Truncate { path, len: 0 });
        }
        let _ = call.rest;
        Ok(())
    }

    fn write(&mut self, call: &Call<'_>, at: u64) -> Result<()> {
        let Some(path) = self.path(call.args.first()) else { return Ok(()) };
        let mut data = bytes(call.args.get(1))?;
        data.truncate(usize::try_from(call.result)?);
        ensure!(data.len() as i64 == call.result, "strace cut the data short");
        self.push(call, Kind::Write { path, at, data: data.into() });
        Ok(())
    }

    fn on_file(&mut self, call: &Call<'_>, kind: impl FnOnce(String) -> Kind) -> Result<()> {
        self.named(call, 0, kind)
    }

    fn named(
        &mut self,
        call: &Call<'_>,
        n: usize,
        kind: impl FnOnce(String) -> Kind,
    ) -> Result<()> {
        if let Some(path) = self.path(call.args.get(n)) {
            self.push(call, kind(path));
        }
        Ok(())
    }

    fn push(&mut self, call: &Call<'_>, kind: Kind) {
        self.record.events.push(Event { start: call.start, end: call.end, kind });
    }

    /// The path of an argument, a name or a descriptor, if it lies in the folder.
    fn path(&self, arg: Option<&&str>) -> Option<String> {
        let arg = arg?;
        let hex = match arg.split_once('<') {
            Some((_, path)) => path.strip_suffix('>')?,
            None => arg.trim_matches('"'),
        };
        let path = String::from_utf8(unhex(hex)?).ok()?;
        path.strip_prefix(&self.folder).map(str::to_owned)
    }
}

impl Call<'_> {
    fn descriptor(&self) -> Result<i64> {
        let arg = self.args.first().context("no descriptor")?;
        let digits = arg.split('<').next().unwrap_or_default();
        digits.parse().with_context(|| format!("descriptor {digits}"))
    }
}

/// `1795551723.117426234 name(args) = result<path> <0.000012>`; other lines (signals, ends) are
/// left out, and calls that never returned: their effect is as if they had not begun, which is one
/// of the things that can have happened.
fn parse(line: &str) -> Option<Call<'_>> {
    let (time, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once('(')?;
    let (rest, took) = rest.trim_end().strip_suffix('>')?.rsplit_once(" <")?;
    let (args, result) = rest.rsplit_once(") = ")?;
    let digits = result.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(result.len());
    let (number, rest) = result.split_at(digits);
    let start = nanoseconds(time)?;
    Some(Call {
        start,
        end: start + nanoseconds(took)?,
        name,
        args: args.split(", ").collect(),
        result: number.parse().ok()?,
        rest,
    })
}

fn nanoseconds(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    (fraction.len() == 9).then_some(())?;
    Some(seconds * 1_000_000_000 + fraction.parse::<u64>().ok()?)
}

fn number(arg: Option<&&str>) -> Result<u64> {
    let arg = arg.context("an argument is missing")?;
    arg.parse().with_context(|| (*arg).to_owned())
}

fn bytes(arg: Option<&&str>) -> Result<Vec<u8>> {
    let arg = arg.context("an argument is missing")?;
    let hex = arg.strip_prefix('"').and_then(|arg| arg.strip_suffix('"'));
    hex.and_then(unhex).context("data that is not whole")
}

/// `\x41\x42`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    text.as_bytes()
        .chunks(4)
        .map(|chunk| match chunk {
            [b'\\', b'x', high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// The messages that a reply says are kept: `250 2.0.0 OK, kept as 1063`.
pub(in crate::harm) fn kept(reply: &[u8]) -> Vec<i64> {
    String::from_utf8_lossy(reply)
        .lines()
        .filter(|line| line.starts_with("250 "))
        .filter_map(|line| line.rsplit_once("kept as ")?.1.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::{kept, parse, unhex};

    #[test]
    fn a_line_is_read() {
        let call = parse(
            "17.000000005 pwrite64(14<\\x2f\\x61>, \"\\x41\\x42\", 2, 4096) = 2 <0.000000003>",
        )
        .unwrap();
        assert_eq!((call.start, call.end), (17_000_000_005, 17_000_000_008));
        assert_eq!((call.name, call.result), ("pwrite64", 2));
        assert_eq!(call.args, ["14<\\x2f\\x61>", "\"\\x41\\x42\"", "2", "4096"]);
        let failed = "17.000000005 unlink(\"\\x61\") = -1 ENOENT (No such file) <0.000000001>";
        assert_eq!(parse(failed).unwrap().result, -1);
        assert!(parse("17.000000005 +++ exited with 0 +++").is_none());
        assert!(parse("17.000000005 fsync(3<\\x61>) = ?").is_none());
    }

    #[test]
    fn hex_and_replies_are_read() {
        assert_eq!(unhex("\\x00\\xff").unwrap(), [0, 255]);
        assert!(unhex("\\x0").is_none());
        assert_eq!(kept(b"250 2.1.5 OK\r\n250 2.0.0 OK, kept as 17\r\n")[0], 17);
        assert!(kept(b"354 kept as 3").is_empty());
    }
}
