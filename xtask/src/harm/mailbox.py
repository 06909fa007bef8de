"""Reads mailboxes over POP3 with TLS, as their owners do; prints one JSON object a message.

Reads from stdin: host, port, certificate, remove, users[{address, password}]. Of each message
everything from its first `X-Marker:` field on is what the load sent; before it stand the fields
that the server added.
"""

import hashlib
import json
import poplib
import ssl
import sys

# A line of a body may have 64 KiB; poplib's own limit is 2 KiB.
poplib._MAXLINE = 1 << 20

told = json.load(sys.stdin)
context = ssl.create_default_context(cafile=told["certificate"])
context.check_hostname = False
for user in told["users"]:
    pop = poplib.POP3_SSL(told["host"], told["port"], context=context, timeout=60)
    pop.user(user["address"])
    pop.pass_(user["password"])
    count, _ = pop.stat()
    for number in range(1, count + 1):
        lines = pop.retr(number)[1]
        first = next(i for i, line in enumerate(lines) if line.startswith(b"X-Marker: "))
        sent = b"".join(line + b"\r\n" for line in lines[first:])
        print(json.dumps({
            "mailbox": user["address"],
            "marker": lines[first][len(b"X-Marker: "):].decode(),
            "digest": hashlib.sha256(sent).hexdigest(),
        }))
        if told["remove"]:
            pop.dele(number)
    pop.quit()
