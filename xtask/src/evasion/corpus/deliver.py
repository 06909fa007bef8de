"""Sends the corpus through a server and fetches what arrived, as others' programs would.

Reads JSON from stdin: host, smtp, pop3s, certificate, user {address, password}, corpus, folder.
Writes what arrived into the folder, one file a message. Prints one JSON object: `refused`, the
server's answer by id, and `strange`, how many messages bear no id that was sent.

Nothing here mends a message: its bytes go out as they are, but for the dots of RFC 5321 section
4.5.2, and come in as they are.
"""

import json
import os
import poplib
import re
import smtplib
import ssl
import sys

# A line of the corpus may be long; poplib's own limit is 2 KiB.
poplib._MAXLINE = 8 << 20
SECONDS_MAX = 60
# A connection is good for so many, then for no more: the server may have a bound of its own.
MESSAGES_MAX = 50


def send(told, names):
    """Sends every message; what was refused, with the answer."""
    refused = {}
    smtp = None
    for count, name in enumerate(names):
        with open(os.path.join(told["corpus"], name + ".eml"), "rb") as file:
            content = file.read()
        if smtp is None or count % MESSAGES_MAX == 0:
            if smtp is not None:
                smtp.close()
            smtp = smtplib.SMTP(told["host"], told["smtp"], timeout=SECONDS_MAX)
            smtp.ehlo("corpus.example")
        answer = one(smtp, told["user"]["address"], content)
        if answer:
            refused[name] = answer
            smtp.close()
            smtp = None
    if smtp is not None:
        smtp.quit()
    return refused


def one(smtp, recipient, content):
    """One message; the answer, if it was not taken."""
    try:
        for command in ("MAIL FROM:<sender@elsewhere.example> BODY=8BITMIME",
                        "RCPT TO:<%s>" % recipient, "DATA"):
            code, text = smtp.docmd(command)
            if code >= 400:
                return "%d %s" % (code, text.decode(errors="replace"))
        stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", content)
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        smtp.sock.sendall(stuffed + end)
        code, text = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return "the connection ended: %s" % error
    return None if code == 250 else "%d %s" % (code, text.decode(errors="replace"))


def fetch(told, names):
    """Writes every message of the mailbox; how many were not of the corpus."""
    context = ssl.create_default_context(cafile=told["certificate"])
    context.check_hostname = False
    pop = poplib.POP3_SSL(told["host"], told["pop3s"], context=context, timeout=SECONDS_MAX)
    pop.user(told["user"]["address"])
    pop.pass_(told["user"]["password"])
    strange = 0
    for number in range(1, pop.stat()[0] + 1):
        content = whole(pop, number)
        found = re.search(rb"(?m)^X-Corpus-Id: (\w+)\r?$", content)
        name = found.group(1).decode() if found else ""
        if name not in names:
            strange += 1
            continue
        with open(os.path.join(told["folder"], name + ".eml"), "wb") as file:
            file.write(content)
    pop.quit()
    return strange


def whole(pop, number):
    """RETR, with its line ends: poplib's own loses which they were."""
    pop._shortcmd("RETR %d" % number)
    lines = []
    while True:
        line = pop.file.readline()
        if not line or line == b".\r\n":
            return b"".join(lines)
        # The lines of POP3 end in CRLF; a bare LF ends none.
        is_begin = not lines or lines[-1].endswith(b"\r\n")
        lines.append(line[1:] if is_begin and line.startswith(b".") else line)


def main():
    """The program."""
    told = json.load(sys.stdin)
    with open(os.path.join(told["corpus"], "manifest.jsonl")) as file:
        names = [json.loads(line)["id"] for line in file]
    refused = send(told, names)
    strange = fetch(told, set(names))
    print(json.dumps({"refused": refused, "strange": strange}))


if __name__ == "__main__":
    main()
