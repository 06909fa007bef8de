"""Holds N SMTP connections after EHLO (with STARTTLS if asked), tells when, waits for a line.

An idle connection is one that has been silent for a while: servers give buffers back then.
"""
import resource
import socket
import ssl
import sys
import time

port, number, tls = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "tls"
resource.setrlimit(resource.RLIMIT_NOFILE, (number + 100, number + 100))
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def reply(s):
    text = b""
    while not text.endswith(b"\r\n") or text.rstrip(b"\r\n").split(b"\r\n")[-1][3:4] == b"-":
        piece = s.recv(4096)
        if not piece:
            raise SystemExit("the server closed: %r" % text)
        text += piece
    return text


held = []
# All at once: strangers are made to wait for their greeting.
greeted = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
for s in greeted:
    reply(s)
    s.sendall(b"EHLO idle.example\r\n")
    reply(s)
    if tls:
        s.sendall(b"STARTTLS\r\n")
        reply(s)
        s = context.wrap_socket(s)
        s.sendall(b"EHLO idle.example\r\n")
        reply(s)
    held.append(s)
time.sleep(4)
print("held", flush=True)
sys.stdin.readline()
