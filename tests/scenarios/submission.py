"""Submits with smtplib at the doors for users: under STARTTLS, and with TLS from the first byte."""
import smtplib
import ssl
import subprocess
import sys

smtp, submission, submissions = (int(port) for port in sys.argv[1:4])
certificate, anna, password, ben, ben_password, gatepost, settings = sys.argv[4:11]
context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False
MESSAGE = "From: %s\r\nTo: %s\r\nSubject: hello\r\n\r\nhello\r\n" % (anna, ben)


def submit(client):
    client.login(anna, password)
    client.sendmail(anna, [ben], MESSAGE)
    client.sendmail(anna, ["dora@far.example"], MESSAGE)
    client.quit()


with smtplib.SMTP("127.0.0.1", smtp) as stranger:
    stranger.starttls(context=context)
    stranger.ehlo()
    assert not stranger.has_extn("auth"), "a log-in is offered to strangers"

client = smtplib.SMTP("127.0.0.1", submission)
client.ehlo()
assert not client.has_extn("auth"), "a log-in is offered without TLS"
code, words = client.docmd("AUTH", "PLAIN AGEAYg==")
assert code in (530, 538), (code, words)
client.starttls(context=context)
submit(client)
submit(smtplib.SMTP_SSL("127.0.0.1", submissions, context=context))

client = smtplib.SMTP_SSL("127.0.0.1", submissions, context=context)
try:
    client.login(anna, "wrong")
    raise SystemExit("logged in with a wrong password")
except smtplib.SMTPAuthenticationError as refused:
    assert refused.smtp_code == 535, refused

def administrate(*arguments):
    command = [gatepost, "--config", settings, "--yes", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


# Two sessions of one user: one that waits, one that is in the middle of a message.
idle = smtplib.SMTP_SSL("127.0.0.1", submissions, context=context)
busy = smtplib.SMTP_SSL("127.0.0.1", submissions, context=context)
for client in [idle, busy]:
    client.login(ben, ben_password)
busy.mail(ben)
busy.rcpt(anna)
assert busy.docmd("DATA")[0] == 354
said = administrate("account", "disable", ben)
assert "2" in said, said
assert idle.getreply()[0] == 421
busy.send(b"Subject: late\r\n\r\nlate\r\n.\r\n")
code, words = busy.getreply()
assert code >= 500, (code, words)

print("all well")
