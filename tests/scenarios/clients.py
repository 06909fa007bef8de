"""Sends with smtplib under STARTTLS and reads with poplib, as a mail program would."""
import poplib
import smtplib
import ssl
import sys
from email.message import EmailMessage

smtp, pop3, pop3s = (int(port) for port in sys.argv[1:4])
certificate, anna, password = sys.argv[4:7]
context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False

message = EmailMessage()
message["From"] = "Carol <carol@elsewhere.example>"
message["To"] = anna
message["Subject"] = "Grüße"
message.set_content("one\n.leading dot\n..two dots\nend\n")
message.add_attachment(b"\x00\x01\xff" * 1000, maintype="application", subtype="octet-stream", filename="a.bin")
with smtplib.SMTP("127.0.0.1", smtp) as client:
    client.starttls(context=context)
    client.send_message(message)
    client.send_message(message)
    try:
        client.sendmail("carol@elsewhere.example", ["dora@far.example"], b"Subject: x\r\n\r\nx\r\n")
        raise SystemExit("relayed")
    except smtplib.SMTPRecipientsRefused:
        pass


def login(client):
    client.user(anna)
    client.pass_(password)


plain = poplib.POP3("127.0.0.1", pop3)
try:
    plain.user(anna)
    raise SystemExit("USER without TLS")
except poplib.error_proto:
    pass
plain.stls(context=context)
login(plain)
count, size = plain.stat()
assert count == 2, count
first = plain.uidl()[1]
text = b"\r\n".join(plain.retr(1)[1])
assert b".leading dot" in text and b"..two dots" in text, text
assert sum(len(line) + 2 for line in plain.retr(1)[1]) == int(plain.list(1).split()[2])
assert plain.top(1, 0)[1][-1] == b""
plain.dele(1)
plain.rset()
plain.quit()

secure = poplib.POP3_SSL("127.0.0.1", pop3s, context=context)
login(secure)
assert secure.uidl()[1] == first, "unique ids changed"
second = poplib.POP3_SSL("127.0.0.1", pop3s, context=context)
try:
    login(second)
    raise SystemExit("two sessions on one mailbox")
except poplib.error_proto as refusal:
    assert b"IN-USE" in refusal.args[0], refusal
secure.dele(1)
secure.quit()

last = poplib.POP3_SSL("127.0.0.1", pop3s, context=context)
login(last)
left = [line.split()[1] for line in last.uidl()[1]]
assert left == [first[1].split()[1]], left
last.quit()

for name in [anna, "nobody@gatepost.example"]:
    client = poplib.POP3_SSL("127.0.0.1", pop3s, context=context)
    client.user(name)
    try:
        client.pass_("wrong")
        raise SystemExit("logged in with a wrong password")
    except poplib.error_proto as refusal:
        print(refusal.args[0].decode())
    client.close()
print("all well")
