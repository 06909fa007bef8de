//! A channel between two processes of ours: short messages, each whole, with open descriptors.
//!
//! A pair of local sockets without a name, of the kind that keeps the borders of messages. Made for
//! the spawner of workers, which hands their pipes to the server. Blocking: its reader is a thread.

use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
    recvmsg, sendmsg, shutdown, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The longest message: a few numbers, or the text of an error.
pub const MESSAGE_MAX: usize = 1024;
/// Most descriptors with one message: the three pipes of a process.
pub const DESCRIPTORS_MAX: usize = 3;

/// One end of a channel.
#[derive(Debug)]
pub struct Channel(OwnedFd);

impl Channel {
    /// A channel: this process's end, and the other, to be given to a process that is started.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let kind = SocketType::SEQPACKET;
        let (here, there) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
        Ok((Self(here), there))
    }

    /// The end that a process was given.
    pub fn given(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Sends one message of at most [`MESSAGE_MAX`] bytes with at most [`DESCRIPTORS_MAX`] open
    /// descriptors, without waiting.
    ///
    /// # Errors
    /// The other side is gone, does not read, or the message is too long.
    pub fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        if message.len() > MESSAGE_MAX || descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.0, &[IoSlice::new(message)], &mut control, flags)?;
        Ok(())
    }

    /// Waits for the next message, with its descriptors; none once the other side is gone.
    ///
    /// # Errors
    /// The system's, and a message that is not whole.
    pub fn receive(&self) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
        let mut message = vec![0; MESSAGE_MAX];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let parts = &mut [IoSliceMut::new(&mut message)];
            match recvmsg(&self.0, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(None),
                received => break received?,
            }
        };
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        message.truncate(received.bytes);
        let mut descriptors = Vec::new();
        for item in control.drain() {
            if let RecvAncillaryMessage::ScmRights(handed) = item {
                descriptors.extend(handed);
            }
        }
        Ok(Some((message, descriptors)))
    }

    /// Ends the channel for both sides: who waits on it is told that the other is gone.
    pub fn close(&self) {
        // It may have been closed by the other side, which is as good.
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{Channel, DESCRIPTORS_MAX, MESSAGE_MAX};
    use std::io::{Read, Write, pipe};
    use std::os::fd::AsFd;

    #[test]
    fn messages_stay_whole_and_bring_their_descriptors() {
        let (here, there) = Channel::pair().unwrap();
        let there = Channel::given(there);
        let (mut reader, writer) = pipe().unwrap();
        here.send(b"one", &[writer.as_fd()]).unwrap();
        here.send(b"two", &[]).unwrap();
        drop(writer);
        let (message, descriptors) = there.receive().unwrap().unwrap();
        assert_eq!((message.as_slice(), descriptors.len()), (&b"one"[..], 1));
        let mut writer = std::fs::File::from(descriptors.into_iter().next().unwrap());
        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        let (message, descriptors) = there.receive().unwrap().unwrap();
        assert_eq!((message.as_slice(), descriptors.len()), (&b"two"[..], 0));
        drop(here);
        assert!(there.receive().unwrap().is_none());
        assert!(there.send(b"nobody", &[]).is_err());
    }

    #[test]
    fn what_is_too_much_is_not_sent() {
        let (here, there) = Channel::pair().unwrap();
        let (_, writer) = pipe().unwrap();
        assert!(here.send(&[0; MESSAGE_MAX + 1], &[]).is_err());
        assert!(here.send(b"x", &[writer.as_fd(); DESCRIPTORS_MAX + 1]).is_err());
        assert!(here.send(&[0; MESSAGE_MAX], &[writer.as_fd(); DESCRIPTORS_MAX]).is_ok());
        // One that does not read holds nobody up.
        let mut sent = 0;
        while here.send(&[0; MESSAGE_MAX], &[]).is_ok() {
            sent += 1;
            assert!(sent < 100_000);
        }
        Channel::given(there).close();
        assert!(here.send(b"x", &[]).is_err());
    }
}
