//! A message that a command is given as a file. What it holds is a stranger's.

use anyhow::{Context, Result, bail};
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// Largest message that is taken whole: what a server takes by default
/// (`limits.message_size_max`).
const SIZE_MAX: u64 = 36_700_160;

/// A message at hand as a whole.
pub(crate) struct MessageFile {
    /// Its bytes; every line ends with CRLF.
    pub(crate) bytes: Vec<u8>,
    /// Whether lines ended with LF alone, as files have it, and were given their CR.
    pub(crate) repaired: bool,
}

/// Opens a file; `-` is standard input.
pub(crate) fn open(file: &Path) -> Result<Box<dyn Read>> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = std::fs::File::open(file);
    Ok(Box::new(opened.with_context(|| format!("cannot read {}", file.display()))?))
}

/// Reads a message. Mail has CRLF (RFC 5322 §2.1), and signatures are made over it.
pub(crate) fn read(file: &Path) -> Result<MessageFile> {
    let mut bytes = Vec::new();
    let mut input = open(file)?.take(SIZE_MAX + 1);
    input.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", file.display()))?;
    if bytes.len() as u64 > SIZE_MAX {
        bail!("{} is larger than {SIZE_MAX} bytes", file.display());
    }
    let whole = with_crlf(&bytes);
    let repaired = matches!(whole, Cow::Owned(_));
    Ok(MessageFile { bytes: whole.into_owned(), repaired })
}

/// The same with CR before every LF.
fn with_crlf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut made = Vec::new();
    let (mut copied, mut before) = (0, None);
    for (i, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && before != Some(b'\r') {
            made.extend_from_slice(bytes.get(copied..i).unwrap_or_default());
            made.push(b'\r');
            copied = i;
        }
        before = Some(*byte);
    }
    if made.is_empty() {
        return Cow::Borrowed(bytes);
    }
    made.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Cow::Owned(made)
}

#[cfg(test)]
mod tests {
    use super::with_crlf;
    use std::borrow::Cow;

    #[test]
    fn every_line_feed_has_its_return() {
        for (given, expected) in [
            ("", ""),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("a\r\nb\nc", "a\r\nb\r\nc"),
            ("a\rb\r\r\n", "a\rb\r\r\n"),
        ] {
            let made = with_crlf(given.as_bytes());
            assert_eq!(made, expected.as_bytes(), "{given:?}");
            assert_eq!(matches!(made, Cow::Owned(_)), given != expected, "{given:?}");
        }
    }
}
