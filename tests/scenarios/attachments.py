"""What a user finds in the mailbox: attachments.py PORT USER PASSWORD

Prints, as JSON, for each message the raw bytes (latin-1) and the parts that Python's reader sees:
type, name, and content (latin-1).
"""
import email
import json
import poplib
import ssl
import sys

port, user, password = sys.argv[1:]
box = poplib.POP3_SSL("127.0.0.1", int(port), context=ssl._create_unverified_context())
box.user(user)
box.pass_(password)
messages = []
for number in range(box.stat()[0]):
    raw = b"\r\n".join(box.retr(number + 1)[1]) + b"\r\n"
    message = email.message_from_bytes(raw)
    parts = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True) or b""
        parts.append(
            {
                "type": part.get_content_type(),
                "name": part.get_filename() or "",
                "content": content.decode("latin-1"),
            }
        )
    messages.append(
        {
            "subject": message["Subject"] or "",
            "raw": raw.decode("latin-1"),
            "parts": parts,
            "defects": [str(defect) for part in message.walk() for defect in part.defects],
        }
    )
box.quit()
print(json.dumps(messages))
