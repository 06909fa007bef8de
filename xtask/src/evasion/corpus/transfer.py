"""Family 31: transfer encodings that readers forgive, each in its own way."""

import base64

from mime import CRLF, attachment, base64_lines, multipart, text_part
from registry import table

OCTETS = "application/octet-stream"


def coded(p, body, encoding):
    """The usual message with a body that is coded already."""
    head = attachment(b"", OCTETS + '; name="%s"' % p.name,
                      'attachment; filename="%s"' % p.name, None)
    field = b"Content-Transfer-Encoding: " + encoding.encode() + CRLF
    return multipart([text_part(), field + head + body])


def flat(content):
    """Base64 in one piece."""
    return base64.b64encode(content)


def between(content, junk, step=20):
    """Junk after every so many characters."""
    text = flat(content)
    return junk.join(text[at:at + step] for at in range(0, len(text), step)) + CRLF


def pieces(p):
    """Base64 of two pieces, each padded by itself: some stop at the first padding."""
    cut = p.content.index(p.mark) + len(p.mark)
    cut += 1 if cut % 3 == 0 else 0
    return base64_lines(p.content[:cut]) + flat(p.content[cut:]) + CRLF


def quoted(content, lower=False, bare=False, soft=b"=\r\n"):
    """Quoted-printable that codes every byte, on short lines."""
    out = []
    for at in range(0, len(content), 20):
        line = b"".join(b"=%02X" % byte for byte in content[at:at + 20])
        out.append(line.lower() if lower else line)
    text = soft.join(out)
    return (b"a=b = c\r\n" if bare else b"") + text + CRLF


table(31, [
    ("junk characters", lambda p: (between(p.content, b"!*\r\n"), "base64")),
    ("blanks between", lambda p: (between(p.content, b" ", 4) + CRLF, "base64")),
    ("one character a line", lambda p: (between(p.content, CRLF, 1), "base64")),
    ("short lines", lambda p: (base64_lines(p.content, 7), "base64")),
    ("long lines", lambda p: (base64_lines(p.content, 900), "base64")),
    ("no line ends", lambda p: (flat(p.content) + CRLF, "base64")),
    ("empty lines", lambda p: (between(p.content, b"\r\n\r\n", 76), "base64")),
    ("dashes between", lambda p: (between(p.content, b"\r\n-\r\n", 76), "base64")),
    ("padding first", lambda p: (b"====\r\n" + base64_lines(p.content), "base64")),
    ("pieces joined", lambda p: (pieces(p), "base64")),
    ("a piece before", lambda p: (flat(b"Hi") + CRLF + base64_lines(p.content), "base64")),
    ("padding missing", lambda p: (flat(p.content).rstrip(b"=") + CRLF, "base64")),
    ("text behind", lambda p: (base64_lines(p.content) + b"\r\nThe end, or not.\r\n", "base64")),
    ("upper case", lambda p: (base64_lines(p.content), "BASE64")),
    ("in quotes", lambda p: (base64_lines(p.content), '"base64"')),
    ("comment", lambda p: (base64_lines(p.content), "base64 (as ever)")),
    ("parameter", lambda p: (base64_lines(p.content), "base64; x=y")),
    ("two names", lambda p: (base64_lines(p.content), "base64, 7bit")),
    ("dash", lambda p: (base64_lines(p.content), "base-64")),
    ("x-base64", lambda p: (base64_lines(p.content), "x-base64")),
    ("quoted-printable", lambda p: (quoted(p.content), "quoted-printable")),
    ("quoted, lower case", lambda p: (quoted(p.content, True), "quoted-printable")),
    ("quoted, bare signs", lambda p: (quoted(p.content, bare=True), "quoted-printable")),
    ("quoted, blanks at soft breaks", lambda p: (
        quoted(p.content, soft=b"= \t\r\n"), "quoted-printable")),
    ("quoted, upper case name", lambda p: (quoted(p.content), "QUOTED-PRINTABLE")),
], lambda p, make: coded(p, *make(p)))


def plain(p, encoding):
    """The content as it is, under the name of an encoding."""
    return coded(p, p.content + CRLF, encoding)


table(31, [("as it is, " + name, name) for name in ("7bit", "8bit", "binary", "x-unknown", "none")],
      plain, kinds=("by_name", "script", "eicar"))
