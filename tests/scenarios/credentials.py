"""Logs in with app passwords: by PLAIN, and by SCRAM as written here from RFC 5802 alone."""
import base64
import hashlib
import hmac
import json
import os
import poplib
import re
import smtplib
import ssl
import subprocess
import sys
import time

ports = dict(zip(["submission", "submissions", "pop3", "pop3s"], map(int, sys.argv[1:5])))
certificate, anna, main, ben, gatepost, settings = sys.argv[5:11]
context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False


def administrate(*arguments, code=0):
    command = [gatepost, "--config", settings, "--yes", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, (arguments, done)
    return json.loads(done.stdout).get("value")


def app_password(name, *more):
    made = administrate("account", "app-password", "add", anna, name, *more)
    assert made["name"] == name and len(made["password"]) == 30, made
    return made["password"]


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def sha(data):
    return hashlib.sha256(data).digest()


def sign(key, data):
    return hmac.new(key, data, "sha256").digest()


class Scram:
    """A client. `flag` is the GS2 flag, `bound` what it says to be bound to."""

    def __init__(self, user, password, flag="n", bound=b""):
        self.header, self.bound, self.password = flag + ",,", bound, password.encode()
        self.nonce = b64(os.urandom(18))
        self.bare = "n=%s,r=%s" % (user.replace("=", "=3D").replace(",", "=2C"), self.nonce)

    def first(self):
        return b64(self.header + self.bare)

    def final(self, challenge):
        server = base64.b64decode(challenge).decode()
        nonce, salt, rounds = (part[2:] for part in server.split(","))
        assert nonce.startswith(self.nonce) and len(nonce) > len(self.nonce) + 16, server
        assert int(rounds) >= 4096, server
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(salt), int(rounds))
        without = "c=%s,r=%s" % (b64(self.header.encode() + self.bound), nonce)
        message = ",".join([self.bare, server, without]).encode()
        key = sign(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, sign(sha(key), message)))
        self.signature = sign(sign(salted, b"Server Key"), message)
        return b64("%s,p=%s" % (without, b64(proof)))

    def check(self, challenge):
        assert base64.b64decode(challenge).decode() == "v=" + b64(self.signature)


class Pop(poplib.POP3_SSL):
    def __init__(self):
        super().__init__("127.0.0.1", ports["pop3s"], context=context)

    def ask(self, line):
        self._putcmd(line)
        return self.file.readline().decode().strip()

    def scram(self, scram, mechanism="SCRAM-SHA-256"):
        said = self.ask("AUTH %s %s" % (mechanism, scram.first()))
        if not said.startswith("+ "):
            return said
        said = self.ask(scram.final(said[2:]))
        if not said.startswith("+ "):
            return said
        scram.check(said[2:])
        return self.ask("")


def smtp():
    return smtplib.SMTP_SSL("127.0.0.1", ports["submissions"], context=context)


def smtp_scram(client, scram, mechanism="SCRAM-SHA-256", initial=True):
    client.ehlo_or_helo_if_needed()
    if initial:
        code, said = client.docmd("AUTH", "%s %s" % (mechanism, scram.first()))
    else:
        code, said = client.docmd("AUTH", mechanism)
        assert (code, said) == (334, b""), (code, said)
        code, said = client.docmd(scram.first())
    if code == 334:
        code, said = client.docmd(scram.final(said))
    if code == 334:
        scram.check(said)
        code, said = client.docmd("")
    return code


def end_point(stream):
    return sha(stream.getpeercert(binary_form=True))


def refused(code, user, password):
    client = smtp()
    try:
        client.login(user, password)
        raise SystemExit("logged in")
    except smtplib.SMTPAuthenticationError as error:
        assert error.smtp_code == code, error


phone, laptop = app_password("phone"), app_password("laptop")
administrate("account", "app-password", "add", anna, "phone", code=1)

# By password: each of the three, however it is typed.
for password in [main, phone, laptop, phone.upper().replace("-", ""), phone.replace("-", " ")]:
    client = smtp()
    client.login(anna, password)
    client.quit()
    client = Pop()
    client.user(anna)
    client.pass_(password)
    client.quit()
refused(535, ben, phone)

# SCRAM, with and without channel binding.
assert "SCRAM-SHA-256-PLUS" in Pop().capa()["SASL"]
for password in [phone, laptop]:
    for initial in [True, False]:
        client = smtp()
        assert smtp_scram(client, Scram(anna, password), initial=initial) == 235
        assert client.mail(anna)[0] == 250
    assert Pop().scram(Scram(anna.split("@")[0], password)).startswith("+OK")
    plus, flag = "SCRAM-SHA-256-PLUS", "p=tls-server-end-point"
    client = smtp()
    assert smtp_scram(client, Scram(anna, password, flag, end_point(client.sock)), plus) == 235
    client = Pop()
    assert client.scram(Scram(anna, password, flag, end_point(client.sock)), plus)[:3] == "+OK"
# TLS 1.2 has no exporter that is safe; the certificate still binds.
old = ssl.create_default_context(cafile=certificate)
old.check_hostname = False
old.maximum_version = ssl.TLSVersion.TLSv1_2
client = smtplib.SMTP("127.0.0.1", ports["submission"])
client.starttls(context=old)
assert smtp_scram(client, Scram(anna, phone, "p=tls-exporter", b"0" * 32), plus) == 535
assert smtp_scram(client, Scram(anna, phone, flag, end_point(client.sock)), plus) == 235

# What must not work, and all of it looks the same.
for scram, mechanism in [
    (Scram(anna, "wrong"), "SCRAM-SHA-256"),
    (Scram(anna, main), "SCRAM-SHA-256"),
    (Scram(ben, phone), "SCRAM-SHA-256"),
    (Scram("nobody@gatepost.example", phone), "SCRAM-SHA-256"),
    (Scram("a,b=c", phone), "SCRAM-SHA-256"),
    (Scram(anna, phone, "y"), "SCRAM-SHA-256"),
    (Scram(anna, phone, flag, b"0" * 32), plus),
    (Scram(anna, phone, flag), plus),
    (Scram(anna, phone, "n"), plus),
    (Scram(anna, phone, "p=tls-unique", b"0" * 12), plus),
]:
    client = smtp()
    assert smtp_scram(client, scram, mechanism) == 535, scram.bare
    assert client.mail(anna)[0] == 530
    assert Pop().scram(scram, mechanism) == "-ERR [AUTH] The name or the password is wrong"

# A good exchange, played again.
taped = Scram(anna, phone)
client = smtp()
client.ehlo()
code, said = client.docmd("AUTH", "SCRAM-SHA-256 " + taped.first())
final = taped.final(said)
assert client.docmd(final)[0] == 334
assert client.docmd("")[0] == 235
client = smtp()
client.ehlo()
code, said = client.docmd("AUTH", "SCRAM-SHA-256 " + taped.first())
assert client.docmd(final)[0] == 535
# Rubbish is bounded and ends nothing but itself.
client = smtp()
client.ehlo()
for junk in ["=", "AAAA", "biws" * 2000, "?" * 11000, b64("n,,n=a,r=" + "x" * 5000)]:
    assert client.docmd("AUTH", "SCRAM-SHA-256 " + junk)[0] in (500, 501), junk[:40]
client.close()
client = smtp()
assert smtp_scram(client, Scram(anna, phone)) == 235

# A foreign client.
def msmtp(password, *more):
    command = ["msmtp", "--host=127.0.0.1", "--port=%d" % ports["submission"], "--tls=on",
               "--tls-starttls=on", "--tls-certcheck=off", "--auth=scram-sha-256",
               "--user=" + anna, "--passwordeval=echo " + password, "--from=" + anna, ben]
    text = "From: %s\r\nSubject: by SCRAM\r\n\r\nhello\r\n" % anna
    return subprocess.run(command, input=text, capture_output=True, text=True)


assert msmtp(phone).returncode == 0, msmtp(phone)
assert "535" in msmtp("wrong").stderr

# OpenSSL exports what binds a connection of TLS 1.3; Python's module cannot.
label = ["-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"]
client = subprocess.Popen(
    ["openssl", "s_client", "-connect", "127.0.0.1:%d" % ports["pop3s"], "-tls1_3", *label],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)


def hear(pattern):
    for line in client.stdout:
        found = re.match(pattern, line.strip())
        if found:
            return found.group(1)
    raise SystemExit("openssl ended")


exported = bytes.fromhex(hear(r"Keying material: ([0-9A-F]{64})$"))
hear(r"(\+OK .*)")
scram = Scram(anna, phone, "p=tls-exporter", exported)
client.stdin.write("AUTH %s %s\r\n" % (plus, scram.first()))
client.stdin.write(scram.final(hear(r"\+ (\S+)$")) + "\r\n")
scram.check(hear(r"\+ (\S+)$"))
client.stdin.write("\r\n")
assert hear(r"([+-].*)") == "+OK Logged in"
client.stdin.write("QUIT\r\n")
client.wait(timeout=20)

# Only here, only for this, only until then.
reader = app_password("reader", "--protocol", "pop3")
scanner = app_password("scanner", "--protocol", "submission", "--network", "192.0.2.0/24")
refused(535, anna, reader)
refused(535, anna, scanner)
assert Pop().scram(Scram(anna, reader)).startswith("+OK")
soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
guest = app_password("guest", "--expires", soon)
sending, reading = smtp(), Pop()
sending.login(anna, guest)
assert reading.scram(Scram(anna, guest)).startswith("+OK")
assert sending.getreply()[0] == 421, "a session outlives its password"
assert reading.file.readline() == b"", "a session outlives its password"
refused(535, anna, guest)

# Who has lost a password is out at once; the others stay.
by_main, by_phone, by_laptop = smtp(), smtp(), Pop()
by_main.login(anna, main)
by_phone.login(anna, phone)
assert by_laptop.scram(Scram(anna, laptop)).startswith("+OK")
shown = administrate("account", "app-password", "list", anna)
last = {row["name"]: row["place"] for row in shown if row["last"]}
assert last["phone"] == "127.0.0.1/32" and "scanner" not in last, shown
said = administrate("account", "app-password", "remove", anna, "phone")
assert "ended: 1" in said, said
assert by_phone.getreply()[0] == 421
assert by_main.noop()[0] == 250 and by_laptop.noop()
refused(535, anna, phone)
assert Pop().scram(Scram(anna, phone)).startswith("-ERR [AUTH]")
changed = administrate("account", "password", anna)
assert by_main.getreply()[0] == 421
assert by_laptop.noop(), "an app password is not the main one"
by_laptop.quit()

# What an administrator grants.
client = smtp()
client.login(anna, laptop)


def sends(sender):
    code, said = client.mail(sender)
    client.rset()
    return code, said


assert sends(ben) == (553, b"5.7.1 The sender's address does not belong to this log-in")
administrate("account", "grant", anna, ben)
administrate("account", "grant", anna, "@far.example")
administrate("account", "grant", anna, ben, code=1)
assert sends(ben)[0] == 250 and sends("anyone@far.example")[0] == 250
client.sendmail(ben, [ben], "From: %s\r\nSender: anna@far.example\r\n\r\nx\r\n" % ben)
shown = administrate("account", "show", anna)
assert shown["account"]["grants"] == [ben, "@far.example"], shown
administrate("account", "revoke", anna, ben)
assert sends(ben)[0] == 553
try:
    client.sendmail(anna, [ben], "From: %s\r\n\r\nx\r\n" % ben)
    raise SystemExit("sent as another")
except smtplib.SMTPDataError as error:
    assert error.smtp_code == 553, error
print("all well")
