"""What is in a mailbox, read over POP3 and decoded by Python's mail library."""
import email
import email.policy
import json
import poplib
import ssl
import sys

port, user, password = sys.argv[1:]
box = poplib.POP3_SSL("127.0.0.1", int(port), context=ssl._create_unverified_context())
box.user(user)
box.pass_(password)
mails = []
for n in range(box.stat()[0]):
    lines = box.retr(n + 1)[1]
    mail = email.message_from_bytes(b"\r\n".join(lines), policy=email.policy.default)
    body = mail.get_body(("plain",))
    mails.append({
        "id": mail["Message-ID"] or "",
        "subject": mail["Subject"] or "",
        "path": mail["Return-Path"] or "",
        "auto": mail["Auto-Submitted"] or "",
        "reply": mail["Reply-To"] or "",
        "answers": mail["In-Reply-To"] or "",
        "signed": "DKIM-Signature" in mail,
        "defects": [str(defect) for defect in mail.defects],
        "ascii": all(line.isascii() for line in lines),
        "longest": max(map(len, lines), default=0),
        "text": body.get_content() if body else "",
    })
box.quit()
print(json.dumps(mails))
