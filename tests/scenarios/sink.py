"""Another mail server, which does with each message what its recipient's name says.

sink.py FOLDER [EXTENSION...]: listens on a free port of 127.0.0.1, prints it, keeps what it takes in
FOLDER, the lines of MAIL and RCPT in the file FOLDER.log, and in FOLDER.senders a line for each
message: its recipients and its sender. It offers the extensions besides its own.
"""

import itertools
import pathlib
import socketserver
import sys

folder = pathlib.Path(sys.argv[1])
numbers = itertools.count(1)


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.recipients = []
        self.is_tired = False
        self.say("220 sink.example ESMTP")
        while line := self.rfile.readline():
            if not self.command(line.strip()):
                return

    def command(self, line):
        verb = line.upper()
        if verb[:4] in (b"MAIL", b"RCPT"):
            with open(f"{folder}.log", "ab") as log:
                log.write(line + b"\n")
        if verb.startswith(b"EHLO"):
            more = "".join(f"250-{extension}\r\n" for extension in sys.argv[2:])
            self.say(f"250-sink.example\r\n250-PIPELINING\r\n{more}250 8BITMIME")
        elif self.is_tired and verb[:4] in (b"MAIL", b"RCPT"):
            self.say("421 4.7.0 enough for one connection")
            return False
        elif verb.startswith(b"MAIL"):
            self.sender = line.split(b"<")[1].split(b">")[0].decode()
            self.say("250 ok")
        elif verb.startswith(b"RCPT"):
            return self.recipient(line.split(b"<")[1].split(b"@")[0].decode())
        elif verb == b"DATA":
            return self.data()
        elif verb == b"QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 ok")
        return True

    def recipient(self, name):
        if name == "nobody" or name.startswith("gatepost-check-"):
            self.say("550 5.1.1 No such user here")
        elif name == "later":
            self.say("451 4.2.0 Come again")
        elif name == "garbage":
            self.say("what do you want")
        elif name == "huge":
            try:
                self.wfile.write(b"250-" + b"x" * 70 + b"\r\n")
                for _ in range(140_000):
                    self.wfile.write(b"250-" + b"x" * 70 + b"\r\n")
                self.say("250 ok")
            except OSError:
                return False
        elif name == "twice":
            # A second answer to what was asked once.
            self.wfile.write(b"250 ok\r\n250 and more\r\n250 and more\r\n")
        else:
            self.recipients.append(name)
            self.say("250 2.1.5 ok")
        return True

    def data(self):
        if not self.recipients:
            self.say("554 5.5.1 nobody is there")
            return True
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line)
        if "cut" in self.recipients:
            return False
        self.is_tired = "once" in self.recipients
        leaves = "leaves" in self.recipients
        name = "-".join(self.recipients)
        (folder / f"{next(numbers)}-{name}.eml").write_bytes(b"".join(lines))
        with folder.with_suffix(".senders").open("a") as senders:
            senders.write(f"{name} <{self.sender}>\n")
        self.recipients = []
        self.say("250 2.0.0 kept")
        return not leaves


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Session) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
