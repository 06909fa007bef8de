"""Messages of honest senders that filters have refused or broken: harmless.py FOLDER

Writes each as FOLDER/NAME.eml. Made by Python's own library, and signed by OpenSSL and GnuPG, so
that they are what programs write.
"""
import base64
import email
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP

folder = pathlib.Path(sys.argv[1])


def write(name, message):
    """One message, with what every message has."""
    for field, value in (("From", "Carol <carol@elsewhere.example>"), ("To", "anna@demo.example"),
                         ("Subject", name)):
        if field not in message:
            message[field] = value
    raw(name, message.as_bytes(policy=SMTP))


def raw(name, content):
    """One message as it is."""
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    (folder / (name + ".eml")).write_bytes(content)


def with_file(name, file, content, maintype="application", subtype="octet-stream"):
    """A letter and a file."""
    message = EmailMessage(policy=SMTP)
    message.set_content("Please find the file attached.\n")
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=file)
    write(name, message)


def zipped(members):
    """A zip as programs write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def pdf():
    """A document of one empty page."""
    return (b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
            b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
            b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\n"
            b"trailer\n<< /Size 4 /Root 1 0 R >>\n%%EOF\n")


# Text that begins as a program does.
with_file("a text about MZ", "town.txt", b"MZ is how programs of DOS begin.\r\n", "text", "plain")
letter = EmailMessage(policy=SMTP)
letter.set_content("MZ is a town, and this is a letter about it.\n")
write("a letter about MZ", letter)

# Names with more than one ending.
for file in ("report.jan.pdf", "invoice.2026.11.pdf", "minutes v1.2.pdf", "U.S. figures.pdf"):
    with_file(file, file, pdf(), "application", "pdf")

# Archives of text.
with_file("a zip of text", "notes.zip", zipped([
    ("notes/", b""), ("notes/readme.txt", b"Read me.\n" * 50), ("notes/figures.csv", b"a,b\n1,2\n"),
    ("notes/MZ.txt", b"MZ is a town.\n")]), "application", "zip")
with_file("a zip in a zip", "outer.zip", zipped([
    ("inner.zip", zipped([("readme.txt", b"Read me.\n")]))]), "application", "zip")

# A document that somebody signed in the office suite: the signature is a part of the package.
TYPES = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.'
         'openxmlformats.org/package/2006/content-types"><Default Extension="sigs" ContentType='
         '"application/vnd.openxmlformats-package.digital-signature-origin"/></Types>')
RELATIONS = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://'
             'schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type='
             '"http://schemas.openxmlformats.org/%s" Target="%s"/></Relationships>')
with_file("a signed document", "contract.docx", zipped([
    ("[Content_Types].xml", TYPES),
    ("_rels/.rels", RELATIONS % ("package/2006/relationships/digital-signature/origin",
                                 "_xmlsignatures/origin.sigs")),
    ("word/document.xml", '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats'
     '.org/wordprocessingml/2006/main"><w:body/></w:document>'),
    ("_xmlsignatures/origin.sigs", b""),
    ("_xmlsignatures/_rels/origin.sigs.rels", RELATIONS % (
        "package/2006/relationships/digital-signature/signature", "sig1.xml")),
    ("_xmlsignatures/sig1.xml", '<?xml version="1.0"?><Signature xmlns="http://www.w3.org/2000/09/'
     'xmldsig#" Id="idPackageSignature"><SignatureValue>%s</SignatureValue></Signature>'
     % base64.b64encode(os.urandom(256)).decode())]),
    "application", "vnd.openxmlformats-officedocument.wordprocessingml.document")

# Invitations: an alternative of the text, and often the same as a file.
EVENT = ("BEGIN:VCALENDAR\r\nPRODID:-//Elsewhere//EN\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
         "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
         "UID:1@elsewhere.example\r\nDTSTART;TZID=Europe/Berlin:20261124T120000\r\n"
         "ORGANIZER;CN=Carol:mailto:carol@elsewhere.example\r\nSUMMARY:Lunch\r\n"
         "ATTENDEE;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:anna@demo.example\r\n"
         "DESCRIPTION:Join at https://meet.elsewhere.example/1\\nor not.\r\n"
         "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
         "END:VEVENT\r\nEND:VCALENDAR\r\n")
invitation = MIMEMultipart("mixed")
alternative = MIMEMultipart("alternative")
alternative.attach(MIMEText("You are invited.\n"))
alternative.attach(MIMEText("<html><body><p>You are invited.</p></body></html>\n", "html"))
event = MIMEText(EVENT, "calendar", "utf-8")
event.set_param("method", "REQUEST")
alternative.attach(event)
invitation.attach(alternative)
attached = MIMEBase("application", "ics", name="invite.ics")
attached.set_payload(base64.encodebytes(EVENT.encode()).decode())
attached["Content-Transfer-Encoding"] = "base64"
attached["Content-Disposition"] = 'attachment; filename="invite.ics"'
invitation.attach(attached)
write("an invitation", invitation)

# A digest of a mailing list, as Mailman makes it.
digest = MIMEMultipart("mixed")
digest.preamble = "This is a digest in MIME.\n"
digest.attach(MIMEText("Today's topics: two.\n"))
inside = MIMEMultipart("digest")
for number in (1, 2):
    one = EmailMessage(policy=SMTP)
    one["From"] = "dave@elsewhere.example"
    one["Subject"] = "Topic %d" % number
    one["Message-ID"] = "<%d@elsewhere.example>" % number
    one.set_content("Something about topic %d.\n-- \nDave\n" % number)
    if number == 2:
        one.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="figures.csv")
    inside.attach(MIMEMessage(one))
digest.attach(inside)
digest.attach(MIMEText("_______________\nlist@lists.elsewhere.example\n"))
digest["List-Id"] = "<list.lists.elsewhere.example>"
write("a digest", digest)

# A report that something was not delivered, with the message.
report = MIMEMultipart("report", report_type="delivery-status")
report.attach(MIMEText("Your message was not delivered.\n"))
status = MIMEBase("message", "delivery-status")
status.set_payload([email.message_from_string(block) for block in (
    "Reporting-MTA: dns; mx.elsewhere.example\n\n",
    "Final-Recipient: rfc822; dave@elsewhere.example\nAction: failed\nStatus: 5.1.1\n\n")])
report.attach(status)
original = EmailMessage(policy=SMTP)
original["From"], original["Subject"] = "anna@demo.example", "Hello"
original.set_content("Hello Dave.\n")
report.attach(MIMEMessage(original))
write("a bounce", report)

# Mail that is signed, which must stay as it is to the byte.
with tempfile.TemporaryDirectory() as scratch:
    where = pathlib.Path(scratch)

    def run(*command, **more):
        return subprocess.run(command, cwd=where, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, **more).stdout

    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
        "certificate.pem", "-subj", "/CN=Carol/emailAddress=carol@elsewhere.example")
    inner = EmailMessage(policy=SMTP)
    inner.set_content("Signed, with a file.\n")
    inner.add_attachment(pdf(), maintype="application", subtype="pdf", filename="report.jan.pdf")
    (where / "inner.eml").write_bytes(inner.as_bytes())
    (where / "secret.eml").write_bytes(b"Content-Type: text/plain\r\n\r\nSigned.\r\n")
    sign = ("openssl", "cms", "-sign", "-signer", "certificate.pem", "-inkey", "key.pem", "-from",
            "carol@elsewhere.example", "-to", "anna@demo.example", "-subject")
    raw("clear S_MIME", run(*sign, "clear", "-in", "inner.eml"))
    raw("opaque S_MIME", run(*sign, "opaque", "-in", "inner.eml", "-nodetach"))

    (where / "home").mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", "home", "--batch", "--quiet", "--pinentry-mode", "loopback",
           "--passphrase", "")
    run(*gpg, "--quick-generate-key", "carol@elsewhere.example", "default", "default", "never")
    armour = run(*gpg, "--armor", "--detach-sign", "--output", "-", "inner.eml")
    key = run(*gpg, "--armor", "--export", "carol@elsewhere.example")
    subprocess.run(["gpgconf", "--homedir", "home", "--kill", "all"], cwd=where, check=False)
    head = (b"From: carol@elsewhere.example\r\nTo: anna@demo.example\r\nSubject: PGP\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n"
            b" protocol=\"application/pgp-signature\"; boundary=\"s\"\r\n\r\n--s\r\n")
    raw("clear PGP", head + inner.as_bytes() + b"\r\n--s\r\n"
        b"Content-Type: application/pgp-signature; name=\"OpenPGP_signature.asc\"\r\n"
        b"Content-Disposition: attachment; filename=\"OpenPGP_signature.asc\"\r\n\r\n"
        + armour + b"\r\n--s--\r\n")
    with_file("a key", "OpenPGP_0x1234567890ABCDEF.asc", key, "application", "pgp-keys")
