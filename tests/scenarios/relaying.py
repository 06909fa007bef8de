"""A stranger who looks for an open relay: every form of address, from every kind of sender.

relaying.py PORT SOURCE: says each RCPT over a socket from the address SOURCE and prints as JSON
which were accepted, which ended the connection, and how many there are.
"""

import json
import socket
import sys

port, source = int(sys.argv[1]), sys.argv[2]
OWN, HOST, RELAYED, FAR = "gatepost.example", "mail.gatepost.example", "relayed.example", "far.example"

# {o}: our domain, {h}: our own name, {r}: one that we relay for, {f}: anybody's.
FORMS = r"""
<user@{f}>
<user@{f}.>
<USER@FAR.EXAMPLE>
<"user"@{f}>
<"us er"@{f}>
<user@sub.{f}>
<user@[203.0.113.1]>
<user@[192.0.2.1]>
<user@[127.0.0.2]>
<user@[IPv6:2001:db8::1]>
<user@[IPv6:::1]>
<user@[IPv6:::ffff:203.0.113.1]>
<user@203.0.113.1>
<user@127.0.0.1>
<user@localhost>
<user@far>
<user%{f}@{o}>
<user%{f}.@{o}>
<user%{f}@{o}.>
<user%{f}@{h}>
<user%{f}@[127.0.0.1]>
<user%{f}@{r}>
<user%{f}@host.{r}>
<user%{f}%{o}@{o}>
<user%{o}%{f}@{o}>
<user%{f}%{r}@{r}>
<user%{r}%{f}@{r}>
<"user%{f}"@{o}>
<"user%{f}"@{r}>
<user%[203.0.113.1]@{o}>
<"user%[203.0.113.1]"@{o}>
<user%@{o}>
<%{f}@{o}>
<anna+x%{f}@{o}>
<user\uff05{f}@{o}>
<user\uff20{f}@{o}>
<{f}\uff01user@{o}>
<{f}!user@{o}>
<{f}!user@{h}>
<{f}!user@[127.0.0.1]>
<{f}!user@{r}>
<{o}!{f}!user@{o}>
<{f}!{o}!anna@{o}>
<"{f}!user"@{o}>
<{f}!user%{o}@{o}>
<{o}!user%{f}@{o}>
<!{f}!user@{o}>
<"user@{f}"@{o}>
<"user@{f}"@{h}>
<"user@{f}"@[127.0.0.1]>
<"user@{f}"@{r}>
<"user@{o}@{f}"@{o}>
<"user@{f} "@{o}>
<" user @ {f}"@{o}>
<"user\\@{f}"@{o}>
<"user@[203.0.113.1]"@{o}>
<"<user@{f}>"@{o}>
<"user@{f},anna"@{o}>
<"@{f}:user@{f}"@{o}>
<@{o}:user@{f}>
<@[127.0.0.1]:user@{f}>
<@{o},@{h}:user@{f}>
<@{r}:user@{f}>
<@{f}:user%{f}@{o}>
<@{o}:{f}!user@{o}>
<@{o}:"user@{f}"@{o}>
<user@{o}@{f}>
<user@{f}@{o}>
<user@{f}:{o}>
<user%{f}>
<{f}!user>
<"user@{f}">
<user@{o}.{f}>
<user@not{o}>
<user@example>
<user@not{r}>
<user@{r}.{f}>
<user@xn--gatepost-.example>
<user@g\u0430tepost.example>
<us\u00e9r@{f}>
user@{f}
<<user@{f}>>
< user@{f}>
<user@{f} >
<user @{f}>
<user@ {f}>
<user@@{f}>
<user@far..example>
<user@#203.0.113.1>
<user@[203.0.113.1>
<user@[]>
<user@\\{f}>
<user@{f}> NOTIFY=NEVER
<user@{f}> ORCPT=rfc822;anna@{o}
<SRS0=abcd=XY={f}=user@{o}>
<SRS0+abcd=XY={f}=user@{o}>
<SRS1=abcd={o}==abcd=XY={f}=user@{o}>
<"SRS0=abcd=XY={f}=user"@{h}>
<postmaster%{f}@{o}>
<postmaster@{f}>
<anna@{o}>,<user@{f}>
<anna@{o}> <user@{f}>
<anna@{o},user@{f}>
<user@{f}\t>
<user@{f}\0@{o}>
<user@{f}\n@{o}>
"""
SENDERS = [
    "<>",
    "<user@stranger.example>",
    f"<anna@{OWN}>",
    f"<postmaster@{HOST}>",
    "<user@[127.0.0.1]>",
    f"<SRS0=abcd=XY=far.example=user@{OWN}>",
    "<user@relayed.example>",
    "<user@localhost>",
    "<user>",
]


def forms():
    for form in FORMS.strip().split("\n"):
        yield form.encode().decode("unicode_escape").format(o=OWN, h=HOST, r=RELAYED, f=FAR)


class Session:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
        self.file = self.socket.makefile("rb")
        self.reply()
        self.say("EHLO " + HOST)

    def reply(self):
        while (line := self.file.readline())[3:4] == b"-":
            pass
        self.ended = not line
        return line.decode() or "5 gone"

    def say(self, text):
        try:
            self.socket.sendall(text.encode() + b"\r\n")
            return self.reply()
        except OSError:
            self.ended = True
            return "5 gone"


ended, accepted = set(), []
for sender in SENDERS:
    for parameter in ["", " SMTPUTF8"]:
        session = Session()
        for form in forms():
            session.say(f"MAIL FROM:{sender}{parameter}")
            answer = session.say(f"RCPT TO:{form}")
            # Not 4xx either: it would come again, and is not refused by the rules of relaying.
            if answer[0] != "5":
                accepted.append([sender, form, answer])
            # A refusal of the recipient has to count: nobody is left to send to.
            answer = session.say("DATA")
            if answer[0] not in "45":
                accepted.append([sender, form, answer])
                break
            if session.ended:
                ended.add(form)
                session = Session()
            session.say("RSET")
print(json.dumps({"accepted": accepted, "ended": sorted(ended), "forms": len(list(forms()))}))
