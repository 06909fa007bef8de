"""Other mail servers that mean harm, or have gone mad: what each does, its port or the recipient says.

hostile_sink.py FOLDER: listens on free ports of 127.0.0.1, prints them as JSON, and keeps in FOLDER
what was said to each in the clear.
"""

import json
import pathlib
import socketserver
import sys
import threading

folder = pathlib.Path(sys.argv[1])

# Bytes for which nobody waits to their end.
MUCH = 10 * 1024 * 1024
# The answers to RCPT, by the recipient's name.
RCPT = {
    "endless": b"250 " + b"x" * MUCH,
    "bare": b"550 5.1.1 no\n250 2.1.5 fine\r\n",
    "control": b"550 5.1.1 \x1b[31mred\x07\x00\x08\x7f \r Bcc: a@b.example\xc3\xa9\xff <b>\r\n",
    "long": b"550 5.1.1 " + b"long " * 600 + b"\r\n",
    "lines": b"550-5.1.1 one\r\n550-\r\n550-5.1.1 Subject: two\r\n550 5.1.1 \r\n",
    "mixed": b"250-fine\r\n550 or not\r\n",
    "closing": b"421 4.3.2 closing\r\n",
    "early": b"354 go on\r\n",
}
# The answers to DATA, and to the dot.
DATA = {"data-never": b"554 5.7.1 not this\r\n"}
DOT = {
    "dot-later": b"451 4.3.0 later\r\n",
    "dot-never": b"554 5.7.1 never\r\n",
    "dot-garbage": b"thank you\r\n",
    "dot-again": b"354 and more\r\n",
    "dot-twice": b"250 2.0.0 kept\r\n550 5.7.1 or not\r\n",
    "dot-huge": b"250-" + b"250-more\r\n" * (MUCH // 10),
}


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.talk()
        except OSError:
            # Who hears enough goes.
            pass

    def say(self, answer):
        self.wfile.write(answer)

    def talk(self):
        self.name = ""
        self.say(b"220 hostile.example ESMTP\r\n")
        while line := self.rfile.readline():
            with open(folder / self.server.mode, "ab") as heard:
                heard.write(line)
            verb = line.strip().upper()
            if verb.startswith(b"EHLO"):
                self.hello()
            elif verb == b"STARTTLS":
                # The last one is for a session that is believed to be under TLS.
                self.say(b"220 go on\r\n250-hostile.example\r\n250 AUTH PLAIN\r\n")
            elif verb.startswith(b"RCPT"):
                self.name = line.split(b"<")[1].split(b"@")[0].decode()
                self.say(RCPT.get(self.name, b"250 2.1.5 ok\r\n"))
            elif verb == b"DATA" and self.name in RCPT:
                self.say(b"554 5.5.1 nobody is there\r\n")
            elif verb == b"DATA" and self.name in DATA:
                self.say(DATA[self.name])
            elif verb == b"DATA":
                self.say(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.say(DOT[self.name])
            elif verb == b"QUIT":
                return self.say(b"221 bye\r\n")
            else:
                self.say(b"250 ok\r\n")

    def hello(self):
        match self.server.mode:
            case "before":
                # An answer to what was not said yet.
                self.say(b"250-hostile.example\r\n250 STARTTLS\r\n220 go on\r\n")
            case "after":
                self.say(b"250-hostile.example\r\n250 STARTTLS\r\n")
            case _:
                self.say(b"250-hostile.example\r\n250 PIPELINING\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


ports = {}
for mode in ["clear", "before", "after"]:
    server = Server(("127.0.0.1", 0), Session)
    server.mode = mode
    ports[mode] = server.server_address[1]
    threading.Thread(target=server.serve_forever).start()
print(json.dumps(ports), flush=True)
