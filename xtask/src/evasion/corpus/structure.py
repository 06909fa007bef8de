"""Families 30, 33 and 34: where the structure of a message has several readings."""

import re

from mime import BOUNDARY, CRLF, attachment, message, mixed, multipart, named, part, raw, text_part
from registry import table

OCTETS = "application/octet-stream"


def file_part(p, more=()):
    """The file as a part."""
    return attachment(p.content, OCTETS + '; name="%s"' % p.name,
                      'attachment; filename="%s"' % p.name, more=more)


def shaped(p, field, body=None):
    """A message with its own field for the structure, and perhaps its own body."""
    return message([field], body or mixed([text_part(), file_part(p)]))


def doubled(p, fields):
    """A part whose fields are given twice, in the order told."""
    plain = {"type": "Content-Type: text/plain", "encoding": "Content-Transfer-Encoding: 7bit",
             "disposition": "Content-Disposition: inline"}
    true = {"type": 'Content-Type: %s; name="%s"' % (OCTETS, p.name),
            "encoding": "Content-Transfer-Encoding: base64",
            "disposition": 'Content-Disposition: attachment; filename="%s"' % p.name}
    name, first = fields
    order = [plain[name], true[name]] if first == "plain" else [true[name], plain[name]]
    lines = [true[key] for key in true if key != name] + order
    return multipart([text_part(), attachment(p.content, None, None, None)[:0] + part(
        lines, attachment(p.content, None, None).split(b"\r\n\r\n", 1)[1])])


def boundary(text):
    """A field with this after `boundary=`."""
    return b"Content-Type: multipart/mixed; boundary=" + raw(text)


B = BOUNDARY.decode()


def two_tops(p, order):
    """Two Content-Types at the top, one of a multipart and one of a text."""
    fields = [boundary('"%s"' % B), b"Content-Type: text/plain"][::order]
    return message(fields, mixed([text_part(), file_part(p)]))


def two_boundaries(p, order):
    """Two boundaries; the body uses the second or the first."""
    names = ['"%s"' % B, '"other"'][::order]
    return shaped(p, boundary("; boundary=".join(names)))


def inside(p, depth):
    """Multiparts in multiparts."""
    body = file_part(p)
    for level in range(depth):
        name = b"level%d" % level
        body = part([b'Content-Type: multipart/mixed; boundary="' + name + b'"'],
                    mixed([body], name))
    return multipart([text_part(), body])


def early_end(p):
    """An empty line that is not quite empty ends the header for some."""
    return shaped(p, b"X-Note: see below\r\n \r\n" + boundary('"%s"' % B))


table(30, [
    ("boundary twice, first", lambda p: two_boundaries(p, 1)),
    ("boundary twice, last", lambda p: two_boundaries(p, -1)),
    ("no boundary", lambda p: shaped(p, b"Content-Type: multipart/mixed")),
    ("empty boundary", lambda p: shaped(p, boundary('""'), mixed(
        [text_part(), file_part(p)], b""))),
    ("blank at the boundary's end", lambda p: shaped(p, boundary('"%s "' % B))),
    ("blank behind the line", lambda p: shaped(p, boundary('"%s"' % B), mixed(
        [text_part(), file_part(p)]).replace(BOUNDARY + CRLF, BOUNDARY + b" \t" + CRLF))),
    ("text behind the line", lambda p: shaped(p, boundary('"%s"' % B), mixed(
        [text_part(), file_part(p)]).replace(BOUNDARY + CRLF, BOUNDARY + b"x" + CRLF))),
    ("comment", lambda p: shaped(p, boundary("plain(a comment)"), mixed(
        [text_part(), file_part(p)], b"plain"))),
    ("single quotes", lambda p: shaped(p, boundary("'plain'"), mixed(
        [text_part(), file_part(p)], b"'plain'"))),
    ("quoted pair", lambda p: shaped(p, boundary('"pl\\ain"'), mixed(
        [text_part(), file_part(p)], b"plain"))),
    ("RFC 2231 boundary", lambda p: shaped(
        p, b"Content-Type: multipart/mixed; boundary*0=pla; boundary*1=in",
        mixed([text_part(), file_part(p)], b"plain"))),
    ("no last boundary", lambda p: multipart([text_part(), file_part(p)], close=False)),
    ("behind the last boundary", lambda p: multipart(
        [text_part()], epilogue=b"--" + BOUNDARY + CRLF + file_part(p) + b"--" + BOUNDARY
        + b"--" + CRLF)),
    ("in the preamble", lambda p: multipart([text_part()], preamble=uu_of(p))),
    ("in the epilogue", lambda p: multipart([text_part()], epilogue=uu_of(p))),
    ("two types, text last", lambda p: two_tops(p, 1)),
    ("two types, text first", lambda p: two_tops(p, -1)),
    ("type twice in the part, text first", lambda p: doubled(p, ("type", "plain"))),
    ("type twice in the part, text last", lambda p: doubled(p, ("type", "true"))),
    ("encoding twice, 7bit first", lambda p: doubled(p, ("encoding", "plain"))),
    ("encoding twice, 7bit last", lambda p: doubled(p, ("encoding", "true"))),
    ("disposition twice", lambda p: doubled(p, ("disposition", "plain"))),
    ("blank before the colon", lambda p: shaped(
        p, b'Content-Type : multipart/mixed; boundary="' + BOUNDARY + b'"')),
    ("header ended early", early_end),
    ("a line without a colon", lambda p: shaped(
        p, b"this is no field\r\n" + boundary('"%s"' % B))),
    ("fifteen deep", lambda p: inside(p, 15)),
    ("unknown multipart", lambda p: multipart([text_part(), file_part(p)], "x-unknown")),
    ("no MIME-Version", lambda p: message([boundary('"%s"' % B)], mixed(
        [text_part(), file_part(p)]), version=False)),
    ("inner boundary longer", lambda p: multipart([text_part(), part(
        [b'Content-Type: multipart/mixed; boundary="' + BOUNDARY + b'x"'],
        mixed([file_part(p)], BOUNDARY + b"x"))])),
    ("encoded multipart", lambda p: message(
        [boundary('"%s"' % B), "Content-Transfer-Encoding: base64"],
        mixed([text_part(), file_part(p)]))),
    ("text type over a multipart", lambda p: multipart([text_part(), part(
        ["Content-Type: text/plain; boundary=in"], mixed([file_part(p)], b"in"))])),
], lambda p, make: make(p))


def uu_of(p):
    """uuencoded text, outside any part."""
    import olden

    return olden.uu(p) + CRLF


# 33: what is a line depends on who reads. SMTP itself refuses most of these.
table(33, [
    ("LF only in the body", lambda p: lf(p, "body")),
    ("LF only in the part's header", lambda p: lf(p, "part")),
    ("LF only everywhere", lambda p: named(p.content, p.name).replace(CRLF, b"\n")),
    ("CR only in the part's header", lambda p: cr(p)),
    ("CR before CRLF", lambda p: named(p.content, p.name).replace(
        b"Content-Disposition", b"X-Note: a\r\r\nContent-Disposition")),
    ("NUL in a name", lambda p: named(p.content, p.name + "\0.txt")),
    ("NUL in a field's name", lambda p: named(p.content, p.name).replace(
        b"Content-Disposition", b"Content-\0Disposition")),
    ("vertical tab as a line's end", lambda p: named(p.content, p.name).replace(
        b"; filename", b";\x0bfilename")),
    ("form feed before the boundary", lambda p: named(p.content, p.name).replace(
        CRLF + b"--" + BOUNDARY, CRLF + b"\x0c" + CRLF + b"--" + BOUNDARY)),
    ("blank lines of blanks", lambda p: named(p.content, p.name).replace(
        CRLF + b"--" + BOUNDARY, CRLF + b" " + CRLF + b"--" + BOUNDARY)),
], lambda p, make: make(p))


def lf(p, where):
    """Bare LF in one region."""
    whole = named(p.content, p.name)
    head, body = whole.split(b"\r\n\r\n", 1)
    if where == "body":
        return head + b"\r\n\r\n" + body.replace(CRLF, b"\n")
    at = whole.index(b"Content-Type: " + OCTETS.encode())
    end = whole.index(b"\r\n\r\n", at) + 4
    return whole[:at] + whole[at:end].replace(CRLF, b"\n") + whole[end:]


def cr(p):
    """Bare CR between the fields of the part."""
    whole = named(p.content, p.name)
    at = whole.index(b"Content-Type: " + OCTETS.encode())
    end = whole.index(b"\r\n\r\n", at)
    return whole[:at] + whole[at:end].replace(CRLF, b"\r") + whole[end:]


# 34: parameters that no grammar has, and every program reads.
def parameters(p, type_, disposition):
    """The usual message with these two values; `%s` stands for the name."""
    fill = {"n": p.name, "s": p.stem, "e": p.ext}
    return multipart([text_part(), attachment(
        p.content, type_ % fill, disposition % fill)])


PLAIN = 'attachment; filename="%(n)s"'
table(34, [
    ("open quote", (OCTETS, 'attachment; filename="%(n)s')),
    ("closing quote alone", (OCTETS, 'attachment; filename=%(n)s"')),
    ("no semicolon", (OCTETS, 'attachment filename="%(n)s"')),
    ("blank for semicolon", (OCTETS + ' name="%(n)s"', "attachment")),
    ("two semicolons", (OCTETS, 'attachment;; ; filename="%(n)s"')),
    ("blanks around the sign", (OCTETS, 'attachment; filename = "%(n)s"')),
    ("comment before", (OCTETS, 'attachment; (a) filename="%(n)s"')),
    ("comment with quotes", (OCTETS, 'attachment; (filename="notes.txt") filename="%(n)s"')),
    ("comment inside", (OCTETS, "attachment; filename=%(s)s(a).%(e)s")),
    ("backslashes", (OCTETS, 'attachment; filename="%(s)s\\.\\%(e)s"')),
    ("upper case", (OCTETS.upper() + '; NAME="%(n)s"', 'ATTACHMENT; FILENAME="%(n)s"')),
    ("folded at the sign", (OCTETS, 'attachment; filename=\r\n "%(n)s"')),
    ("folded in the name", (OCTETS, 'attachment; filename="%(s)s\r\n .%(e)s"')),
    ("folded before the dot", (OCTETS, "attachment; filename=%(s)s\r\n\t.%(e)s")),
    ("two words, no quotes", (OCTETS, "attachment; filename=my %(n)s")),
    ("single quotes", (OCTETS, "attachment; filename='%(n)s'")),
    ("no disposition value", (OCTETS, 'filename="%(n)s"')),
    ("unknown disposition", (OCTETS, 'x-file; filename="%(n)s"')),
    ("comma for semicolon", (OCTETS, 'attachment, filename="%(n)s"')),
    ("no type value", ('; name="%(n)s"', PLAIN)),
    ("type without a slash", ('file; name="%(n)s"', PLAIN)),
], lambda p, values: parameters(p, *values))
# More parameters than the limit of one field, which is 100.
table(34, [
    ("two thousand before it", (
        OCTETS, "attachment;" + "".join("\r\n p%d=x;" % n for n in range(2000))
        + '\r\n filename="%(n)s"')),
    ("twenty thousand before it", (
        OCTETS, "attachment;" + "".join("\r\n p=%d;" % (n % 10) for n in range(20000))
        + '\r\n filename="%(n)s"')),
], lambda p, values: parameters(p, *values), over_limit=True)
