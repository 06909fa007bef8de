//! A blocking client that speaks line by line, for what real clients would not send.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection to a door.
pub(crate) struct Talk {
    stream: BufReader<TcpStream>,
}

impl Talk {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are; false if the other side is gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// One line without its end; empty at the end of the connection.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        // A reset is an end like any other here.
        let _ = self.stream.read_line(&mut line);
        line.trim_end().to_owned()
    }

    /// One SMTP reply: its last line.
    pub(crate) fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// Sends a command and takes its reply.
    pub(crate) fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.reply()
    }

    /// EHLO to the end of the data; the answer is the first refusal, or that to the data.
    pub(crate) fn send_message(&mut self, to: &str, message: &str) -> String {
        let commands = [
            "EHLO client.example".to_owned(),
            "MAIL FROM:<carol@elsewhere.example>".to_owned(),
            format!("RCPT TO:<{to}>"),
            "DATA".to_owned(),
        ];
        self.transact(&commands, message.as_bytes())
    }

    /// The same of a message whose characters up to U+00FF stand for its bytes.
    pub(crate) fn send_latin1(&mut self, to: &str, message: &str) -> String {
        let commands = [
            "EHLO client.example".to_owned(),
            "MAIL FROM:<carol@elsewhere.example> BODY=8BITMIME".to_owned(),
            format!("RCPT TO:<{to}>"),
            "DATA".to_owned(),
        ];
        let bytes: Vec<u8> = message.chars().map(|c| u8::try_from(c).unwrap()).collect();
        self.transact(&commands, &bytes)
    }

    fn transact(&mut self, commands: &[String], message: &[u8]) -> String {
        for command in commands {
            let reply = self.say(command);
            if !reply.starts_with(['2', '3']) {
                return reply;
            }
        }
        self.send(message);
        self.say(".")
    }
}
