//! `-bs`: SMTP on standard input and output, handed through to the server and back.
//!
//! The only thing that is changed is a line that ends in LF: programs of Unix write them so, and
//! the server takes CRLF alone.

use super::exit::{Exit, Failure};
use super::session;
use net::Heard;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Bytes read of standard input at once.
const WINDOW: usize = 64 * 1024;
/// Windows that wait to be written.
const WINDOWS_MAX: usize = 4;
/// What the server may take to read what we say; it ends idle sessions by itself.
const WRITE_MAX: Duration = Duration::from_secs(180);
/// How long to wait for the server's next word: longer than it lets a session be idle.
const SILENCE_MAX: Duration = Duration::from_secs(2 * 3_600);

/// Runs until the server closes.
pub(crate) async fn run(socket: &Path) -> Result<Exit, Failure> {
    let wire = session::connect(socket).await;
    if let Err(failure) = &wire {
        // Who speaks SMTP reads it from here.
        let words = "421 4.3.2 No mail server is running here, try again later\r\n";
        write(words.as_bytes())?;
        return Err(failure.clone());
    }
    let mut wire = wire?;
    let mut typed = typed();
    let mut crlf = Crlf::default();
    let mut ended = false;
    loop {
        tokio::select! {
            heard = wire.hear(Instant::now() + SILENCE_MAX, true, None) => match heard {
                Heard::Bytes => write(wire.bytes())?,
                Heard::End => return Ok(Exit::Ok),
                Heard::Late | Heard::Drain => {
                    return Err(Failure::new(Exit::TempFail, "the server says nothing more"));
                }
            },
            bytes = typed.recv(), if !ended => {
                let mut bytes = match bytes {
                    Some(bytes) => crlf.mend(&bytes),
                    // Nobody speaks any more: the server is told so in its own words.
                    None => {
                        ended = true;
                        b"QUIT\r\n".to_vec()
                    }
                };
                // Where that fails, what the server said last is still to be read.
                let _ = wire.say(&mut bytes, Instant::now() + WRITE_MAX).await;
            }
        }
    }
}

/// Standard input, read by a thread of its own: nothing else can wait for it. It ends with the
/// process.
fn typed() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(WINDOWS_MAX);
    std::thread::spawn(move || {
        let mut window = vec![0; WINDOW];
        while let Ok(read) = std::io::stdin().lock().read(&mut window) {
            let bytes = window.get(..read).unwrap_or_default().to_vec();
            if bytes.is_empty() || sender.blocking_send(bytes).is_err() {
                return;
            }
        }
    });
    receiver
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::new(Exit::Io, format!("standard output: {error}")))
}

/// Puts CRLF in the place of LF, across windows.
#[derive(Debug, Default)]
struct Crlf {
    after_cr: bool,
}

impl Crlf {
    fn mend(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for byte in bytes {
            if *byte == b'\n' && !self.after_cr {
                out.push(b'\r');
            }
            self.after_cr = *byte == b'\r';
            out.push(*byte);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Crlf;

    #[test]
    fn every_line_ends_in_crlf_wherever_it_is_cut() {
        let text = b"EHLO a\nMAIL FROM:<>\r\nx\r\r\n\n";
        for cut in 0..text.len() {
            let mut crlf = Crlf::default();
            let (head, tail) = text.split_at(cut);
            let mended = [crlf.mend(head), crlf.mend(tail)].concat();
            assert_eq!(mended, b"EHLO a\r\nMAIL FROM:<>\r\nx\r\r\n\r\n", "cut at {cut}");
        }
    }
}
