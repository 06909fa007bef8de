"""Programs of this machine hand in their mail: gatepost sendmail, called by its old name.

local.py SENDMAIL SOCKET SINK ANNA BEN: each call is made as another user of the system.
"""
import os
import smtplib
import subprocess
import sys
import time

sendmail, socket, sink, anna, ben = sys.argv[1:6]
NOBODY, DAEMON, ROOT, UNKNOWN = 65534, 1, 0, 4_000_000
HOST = "mail.gatepost.example"


def call(uid, *arguments, text="", socket=socket, settings=None):
    environment = {"PATH": "/usr/bin", "GATEPOST_SUBMIT_SOCKET": socket}
    if settings:
        environment = {"PATH": "/usr/bin", "GATEPOST_CONFIG": settings}
    text = text if isinstance(text, bytes) else text.encode()
    return subprocess.run([sendmail, *arguments], input=text, capture_output=True, env=environment,
                          user=uid, group=uid, extra_groups=[], cwd="/", timeout=60)


def check(expected, uid, *arguments, **more):
    done = call(uid, *arguments, **more)
    assert done.returncode == expected, (arguments, expected, done)
    return (done.stdout + done.stderr).decode()


# As cron calls it, in Unix lines, with a name of this machine for its author.
cron = "From: root (Cron Daemon)\nTo: %s\nSubject: Cron <nobody> job\n\nline\n" % anna
check(0, NOBODY, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", anna, text=cron)
# As PHP, git and mutt do: recipients of the header, Bcc among them, a dot alone in the text.
mail = "To: %s\nCc: dora@far.example\nBcc: %s\nSubject: header\n\nabove\n.\nbelow Gr\u00fc\u00dfe\n"
check(0, NOBODY, "-t", "-oi", text=mail % (anna, ben))
check(0, NOBODY, anna, text="Subject: dot\n\nkept\n.\nlost\n")
# Sixty-four and above, each code of sysexits.
check(64, NOBODY, "-Z")
check(64, NOBODY, text="Subject: to nobody\n\nx\n")
check(64, NOBODY, "-bd")
check(64, NOBODY, "-q10m")
check(65, NOBODY, "-t", text="Subject: no recipients\n\nx\n")
check(65, NOBODY, "not an@@address", text="x\n")
check(65, NOBODY, anna, text="MIME-Version: 1.0\nSubject: NUL\n\na\0b\n")
check(65, NOBODY, anna, text="MIME-Version: 1.0\nSubject: long\n\n" + "x" * 2_000 + "\n")
told = check(67, NOBODY, "nosuch@gatepost.example", text="Subject: x\n\nx\n")
assert "550" in told, told
told = check(67, NOBODY, anna, "nosuch@gatepost.example", text="Subject: one of two\n\nx\n")
assert f"{anna}: 250" in told, "who has got it is said: " + told
check(69, NOBODY, anna, text=b"Subject: large\n\n" + b"x" * 70 * 1024)
check(75, NOBODY, anna, text="x\n", socket=socket + ".none")
check(77, NOBODY, "-f", anna, "dora@far.example", text="Subject: forged\n\nx\n")
check(77, NOBODY, "dora@far.example", text=f"From: {anna}\nSubject: forged\n\nx\n")
told = check(77, UNKNOWN, anna, text="x\n")
assert "user database" in told, told
check(77, NOBODY, anna, text="x\n", socket=os.path.dirname(sink) + "/private/submit.sock")
check(78, NOBODY, anna, text="x\n", settings="/nonexistent/gatepost.toml")
# Who was granted an address sends as it; root as every one of ours, and as none of others.
check(0, DAEMON, "-f", ben, "dora@far.example", text=f"From: {ben}\nSubject: granted\n\nx\n")
check(77, DAEMON, "-f", anna, "dora@far.example", text="Subject: not granted\n\nx\n")
check(0, ROOT, "-f", anna, "dora@far.example", text="Subject: by root\n\nx\n")
check(77, ROOT, "-f", "x@far.example", "dora@far.example", text="Subject: x\n\nx\n")
# Asked about, nobody is told more than by sending.
told = check(67, NOBODY, "-bv", anna, "nosuch@gatepost.example", "dora@far.example")
assert f"{anna}: deliverable" in told and "nosuch@gatepost.example: 550" in told, told
# The queue: each sees the own, root everything.
check(0, NOBODY, "later@far.example", text="Subject: waits\n\nx\n")
check(0, DAEMON, "later@far.example", text="Subject: waits too\n\nx\n")
deadline = time.monotonic() + 30
while "deferred" not in (mine := check(0, NOBODY, "-bp")):
    assert time.monotonic() < deadline, "it is never tried: " + mine
assert mine.count("later@far.example") == 1 and f"nobody@{HOST}" in mine, mine
everything = check(0, ROOT, "-bp")
assert everything.count("later@far.example") == 2, everything
assert "1 tried again" in check(0, NOBODY, "-q")
assert "is empty" in check(0, 2, "-bp")
check(0, NOBODY, "-bi")


class Pipe(smtplib.SMTP):
    """SMTP with a program, as a mail program does that is told of one."""

    def _get_socket(self, host, port, timeout):
        import socket as sockets
        ours, theirs = sockets.socketpair()
        self.program = subprocess.Popen([sendmail, "-bs"], stdin=theirs, stdout=theirs, user=NOBODY,
                                        group=NOBODY, extra_groups=[], cwd="/",
                                        env={"GATEPOST_SUBMIT_SOCKET": socket})
        theirs.close()
        return ours


with Pipe("localhost", 25) as client:
    assert not client.has_extn("auth")
    client.sendmail(f"nobody@{HOST}", [anna], "Subject: piped\r\n\r\n.dot\r\n")
    program = client.program
assert program.wait(30) == 0
lines = "EHLO x\nMAIL FROM:<nobody@%s>\nRCPT TO:<%s>\nDATA\nSubject: LF\n\nx\n.\nQUIT\n"
said = check(0, NOBODY, "-bs", text=lines % (HOST, anna))
assert "kept as" in said, said
said = check(75, NOBODY, "-bs", socket=socket + ".none")
assert said.startswith("421 "), said

print("all well")
