//! One conversation on its way: what every shell does around its machine.

use super::{Conversation, Next, Script, Settings};

/// A session that is accepted and has said nothing yet.
pub(super) struct Session<C> {
    conversation: C,
    opened: bool,
    handshake: bool,
    closed: bool,
    said: Vec<u8>,
    did: Vec<String>,
}

impl<C: Conversation> Session<C> {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            conversation: C::begin(settings),
            opened: false,
            handshake: false,
            closed: false,
            said: Vec::new(),
            did: Vec::new(),
        }
    }

    /// The server may speak.
    pub(super) fn open(&mut self, script: &mut Script) {
        self.opened = true;
        self.run(script);
    }

    /// The client, which has read everything said so far, begins another turn.
    pub(super) fn turn(&mut self, script: &mut Script) {
        if std::mem::take(&mut self.handshake) {
            self.conversation.secured();
            self.run(script);
        }
    }

    /// Bytes of the client arrive (before [`Session::open`]: too early).
    pub(super) fn receive(&mut self, bytes: &[u8], script: &mut Script) {
        // Bytes of the same turn came before the handshake could begin.
        self.handshake = false;
        self.conversation.receive(bytes);
        if self.opened && !self.closed {
            self.run(script);
        }
    }

    /// A `*` line.
    pub(super) fn event(&mut self, event: &str, script: &mut Script) {
        self.conversation.event(event);
        self.run(script);
    }

    /// What the server said since the last call.
    pub(super) fn said(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.said)
    }

    /// What the server did since the last call, as in `!` lines.
    pub(super) fn did(&mut self) -> Vec<String> {
        if self.handshake {
            self.did.push("starttls".to_owned());
        }
        std::mem::take(&mut self.did)
    }

    pub(super) fn kept(&mut self) -> Vec<String> {
        self.conversation.kept()
    }

    /// Does what the machine wants until it wants to read.
    fn run(&mut self, script: &mut Script) {
        loop {
            match self.conversation.next(script) {
                Next::GoOn => {}
                Next::Write => self.said.append(self.conversation.output()),
                Next::Did(what) => self.did.push(what.trim_end().to_owned()),
                Next::Read => break,
                Next::StartTls => {
                    self.handshake = true;
                    break;
                }
                Next::Close => {
                    if !std::mem::replace(&mut self.closed, true) {
                        self.did.push("close".to_owned());
                    }
                    break;
                }
            }
        }
        self.said.append(self.conversation.output());
    }
}
