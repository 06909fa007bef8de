//! Another server, which takes all mail and hands each message to who runs it.

use anyhow::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Starts it on a free port of 127.0.0.1 for as long as this process lives; `take` is given each
/// message as it came, without the doubled dots, before it is acknowledged.
pub(crate) fn start(take: impl Fn(&[u8]) + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let take = Arc::new(take);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let take = Arc::clone(&take);
            // A peer that was killed ends its session in whatever way.
            std::thread::spawn(move || drop(serve(stream, &*take)));
        }
    });
    Ok(address)
}

/// One session.
fn serve(stream: TcpStream, take: &impl Fn(&[u8])) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut peer = BufReader::new(stream);
    peer.get_mut().write_all(b"220 sink.example ESMTP\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if peer.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_slice() {
            b"EHLO" => peer
                .get_mut()
                .write_all(b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            b"DATA" => {
                peer.get_mut().write_all(b"354 go on\r\n")?;
                take(&message(&mut peer)?);
                peer.get_mut().write_all(b"250 kept\r\n")?;
            }
            b"QUIT" => return peer.get_mut().write_all(b"221 bye\r\n"),
            _ => peer.get_mut().write_all(b"250 ok\r\n")?,
        }
    }
}

/// A message up to its final dot, without the doubled ones.
fn message(peer: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if peer.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(message);
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

/// What a load wrote behind `X-Marker:`, and the message from there on: what stands before it was
/// put there on the way.
pub(crate) fn marked(message: &[u8]) -> Option<(String, &[u8])> {
    const MARK: &[u8] = b"X-Marker: ";
    let at = message.windows(MARK.len()).position(|bytes| bytes == MARK)?;
    let sent = message.get(at..)?;
    let marker = sent.get(MARK.len()..)?.split(|byte| *byte == b'\r').next()?;
    Some((String::from_utf8_lossy(marker).into_owned(), sent))
}
