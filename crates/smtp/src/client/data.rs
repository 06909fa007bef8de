//! The body of a message on its way out: bytes as they are kept become lines of the wire.
//!
//! **Whatever is in the store, what leaves is exactly one message.** Every line ends in CRLF, a dot
//! at the start of a line is doubled (RFC 5321 §4.5.2), and the one line that is only a dot is
//! written by [`Encoder::finish`]. Since no bare CR or LF ever leaves, a server that takes
//! LF.LF, CR.CR or the like for an end finds none either: nothing can be smuggled through us.
//!
//! A bare LF and a bare CR each become CRLF. That is what nearly every program that reads such a
//! message takes them for, and it makes the dot behind them one at the start of a line, which is
//! doubled. A NUL or a line above 998 bytes cannot be sent (RFC 2045 §2.8, RFC 5321 §4.5.3.1.6):
//! the caller ends the connection without an end of data, so that no half of a message is taken for
//! a whole.

use memchr::{memchr, memchr2};

/// Longest line, without CRLF and without the doubled dot (RFC 5321 §4.5.3.1.6, §4.5.2).
pub const LINE_MAX: usize = 998;

/// Why a message cannot be sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// A line above [`LINE_MAX`]: the message has to be encoded anew, which breaks its signatures.
    #[error("a line of the message is longer than 998 bytes")]
    LineTooLong,
    /// A NUL byte.
    #[error("the message holds a NUL byte")]
    Nul,
}

/// Writes one message.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Bytes of the current line so far, without a doubled dot.
    line: usize,
    /// The last byte was CR, for which CRLF was written: an LF that follows belongs to it.
    after_cr: bool,
    /// Nothing more may be written.
    fault: Option<Unsendable>,
}

impl Encoder {
    /// Appends more of the message to `out`: at most twice as many bytes.
    ///
    /// # Errors
    /// What cannot be sent; whatever is given later, the answer is the same.
    pub(super) fn encode(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unsendable> {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while !rest.is_empty() {
            let end = memchr2(b'\r', b'\n', rest);
            let (text, more) = rest.split_at(end.unwrap_or(rest.len()));
            self.text(text, out)?;
            let Some((first, more)) = more.split_first() else { break };
            self.line_end(out)?;
            rest = match first {
                b'\r' if more.is_empty() => {
                    self.after_cr = true;
                    more
                }
                b'\r' => more.strip_prefix(b"\n").unwrap_or(more),
                _ => more,
            };
        }
        self.fault.map_or(Ok(()), Err)
    }

    /// Appends what ends the message: the CRLF of its last line if that is missing, and the dot.
    ///
    /// # Errors
    /// As of [`Encoder::encode`]: then nothing is appended.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Unsendable> {
        if self.line > 0 {
            self.line_end(out)?;
        }
        self.fault.map_or(Ok(()), Err)?;
        out.extend_from_slice(END);
        Ok(())
    }

    /// A stretch without line ends.
    fn text(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Unsendable> {
        if self.fault.is_none() {
            // The first fault counts, however the text is cut.
            let room = LINE_MAX - self.line;
            self.fault = match memchr(0, text) {
                Some(nul) if nul <= room => Some(Unsendable::Nul),
                _ if text.len() > room => Some(Unsendable::LineTooLong),
                _ => None,
            };
        }
        self.fault.map_or(Ok(()), Err)?;
        if self.line == 0 && text.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(text);
        self.line += text.len();
        Ok(())
    }

    fn line_end(&mut self, out: &mut Vec<u8>) -> Result<(), Unsendable> {
        self.fault.map_or(Ok(()), Err)?;
        out.extend_from_slice(b"\r\n");
        self.line = 0;
        Ok(())
    }
}

/// The last line of a message.
pub(super) const END: &[u8] = b".\r\n";

#[cfg(test)]
mod tests;
