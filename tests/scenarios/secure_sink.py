"""Another mail server under TLS, with a log-in and REQUIRETLS.

secure_sink.py FOLDER CERTIFICATE KEY: listens on a free port of 127.0.0.1, prints it and the
SHA-256 of its certificate, and keeps of each message what it was told before and the message.
"""

import hashlib
import pathlib
import socketserver
import ssl
import sys

folder, certificate, key = map(pathlib.Path, sys.argv[1:])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


class Session(socketserver.BaseRequestHandler):
    def handle(self):
        self.secured = False
        self.stream = self.request
        self.file = self.stream.makefile("rb")
        self.told = []
        self.say("220 secure.example ESMTP")
        while line := self.file.readline():
            text = line.decode().strip()
            self.told.append(("tls " if self.secured else "clear ") + text)
            if not self.command(text.upper()):
                return

    def say(self, text):
        self.stream.sendall(text.encode() + b"\r\n")

    def command(self, verb):
        if verb.startswith("EHLO") and self.secured:
            self.say("250-secure.example\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 REQUIRETLS")
        elif verb.startswith("EHLO"):
            self.say("250-secure.example\r\n250 STARTTLS")
        elif verb == "STARTTLS":
            self.say("220 go on")
            try:
                self.stream = context.wrap_socket(self.stream, server_side=True)
            except (OSError, ssl.SSLError):
                return False
            self.file = self.stream.makefile("rb")
            self.secured = True
        elif verb.startswith("AUTH"):
            self.say("235 2.7.0 welcome")
        elif verb == "DATA":
            self.say("354 go on")
            lines = []
            while (line := self.file.readline()) not in (b".\r\n", b""):
                lines.append(line.decode())
            name = self.told[-2].split("<")[1].split("@")[0]
            (folder / f"{name}.txt").write_text("\n".join(self.told) + "\n\n" + "".join(lines))
            self.say("250 2.0.0 kept")
        elif verb == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 ok")
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Session) as server:
    print(server.server_address[1], digest, flush=True)
    server.serve_forever()
