"""Raw pieces of messages: the generator writes bytes, because a library would write them well.

A piece is `bytes` with CRLF line ends. What is given as `str` is written in UTF-8.
"""

import base64

CRLF = b"\r\n"
BOUNDARY = b"=_corpus_7f3a"


def raw(text):
    """Bytes of a header or body piece."""
    return text if isinstance(text, bytes) else text.encode("utf-8")


def base64_lines(content, width=76):
    """Base64 as RFC 2045 section 6.8 has it, or with another width of line."""
    text = base64.b64encode(content)
    lines = [text[at:at + width] for at in range(0, len(text), width)]
    return CRLF.join(lines) + CRLF


def part(fields, body):
    """One body part: its fields, an empty line, its body."""
    return b"".join(raw(field) + CRLF for field in fields) + CRLF + body


def text_part(text="Please see the attached file.\r\n"):
    """The harmless beginning that every message has."""
    return part(["Content-Type: text/plain; charset=us-ascii"], raw(text))


def mixed(parts, boundary=BOUNDARY, preamble=b"", epilogue=b"", close=True):
    """The body of a multipart."""
    pieces = [preamble]
    for one in parts:
        pieces.append(b"--" + boundary + CRLF + one)
        if not one.endswith(CRLF):
            pieces.append(CRLF)
    if close:
        pieces.append(b"--" + boundary + b"--" + CRLF)
    return b"".join(pieces) + epilogue


def message(fields, body, version=True):
    """A whole message; `X-Corpus-Id` is set before it by the generator."""
    top = [
        "From: Sender <sender@elsewhere.example>",
        "To: anna@demo.example",
        "Subject: Your documents",
        "Date: Tue, 24 Nov 2026 12:00:00 +0000",
    ]
    if version:
        top.append("MIME-Version: 1.0")
    return part(top + list(fields), body)


def multipart(parts, subtype="mixed", **more):
    """A message whose top is a multipart with a plain boundary."""
    boundary = more.get("boundary", BOUNDARY)
    field = b"Content-Type: multipart/" + raw(subtype) + b'; boundary="' + boundary + b'"'
    return message([field], mixed(parts, **more))


def attachment(content, type_, disposition, encoding="base64", more=()):
    """A part with raw field values for type and disposition; None leaves a field away."""
    fields = []
    if type_ is not None:
        fields.append(b"Content-Type: " + raw(type_))
    if encoding is not None:
        fields.append("Content-Transfer-Encoding: " + encoding)
    if disposition is not None:
        fields.append(b"Content-Disposition: " + raw(disposition))
    fields.extend(more)
    return part(fields, base64_lines(content) if encoding == "base64" else content)


def with_file(content, type_, disposition, **more):
    """The usual message: a text, then a file."""
    return multipart([text_part(), attachment(content, type_, disposition, **more)])


def named(content, name, type_="application/octet-stream"):
    """The usual message, with the name in both fields and nothing odd about it."""
    quoted = raw(name).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return with_file(
        content,
        raw(type_) + b'; name="' + quoted + b'"',
        b'attachment; filename="' + quoted + b'"',
    )
