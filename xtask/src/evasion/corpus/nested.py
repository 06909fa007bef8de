"""Families 23 to 26: messages in messages, in pieces, elsewhere, signed."""

from mime import BOUNDARY, attachment, base64_lines, message, mixed, multipart, named, part, text_part
from registry import table

OCTETS = "application/octet-stream"
TEXT_KINDS = ("by_name", "script", "eicar")


def letter(p):
    """The message inside."""
    return named(p.content, p.name)


def holding(inner, *fields):
    """A message that forwards another as a part."""
    return multipart([text_part(), part(fields or ["Content-Type: message/rfc822"], inner)])


def deep(p, depth):
    """Forwarded over and over; boundaries must differ."""
    inner = letter(p)
    for level in range(depth):
        inner = multipart([text_part(), part(["Content-Type: message/rfc822"], inner)],
                          boundary=b"level%d" % level)
    return inner


table(23, [
    ("plain", lambda p: holding(letter(p))),
    ("the whole message", lambda p: message(["Content-Type: message/rfc822"], letter(p))),
    ("in base64", lambda p: holding(
        base64_lines(letter(p)), "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: base64")),
    ("in base64 as a file", lambda p: named(letter(p), "letter.eml", "message/rfc822")),
    ("in a digest", lambda p: multipart([part([], letter(p))], "digest")),
    ("eight deep", lambda p: deep(p, 8)),
    ("message/global", lambda p: holding(letter(p), "Content-Type: message/global")),
    ("message/news", lambda p: holding(letter(p), "Content-Type: message/news")),
    ("message/delivery-status", lambda p: holding(
        letter(p), "Content-Type: message/delivery-status")),
    ("text/rfc822-headers", lambda p: holding(letter(p), "Content-Type: text/rfc822-headers")),
    ("as octets", lambda p: named(letter(p), "letter.eml")),
    ("without a line before it", lambda p: holding(b"\r\n" + letter(p))),
], lambda p, make: make(p))


def fragment(p, number, total, body):
    """One of the fragments (RFC 2046 section 5.2.2)."""
    more = "; total=%d" % total if total else ""
    return message(['Content-Type: message/partial; id="corpus@elsewhere.example"; number=%d%s'
                    % (number, more)], body)


def plain_letter(p):
    """The message inside, its file without an encoding: a fragment shows what is in it."""
    return multipart([text_part(), attachment(
        p.content, OCTETS, 'attachment; filename="%s"' % p.name, "7bit")], boundary=b"inner")


def halves(p):
    """A letter cut behind its file, so that the first half has it whole."""
    whole = letter(p)
    cut = whole.rindex(b"--" + BOUNDARY)
    return whole[:cut], whole[cut:]


# Without all fragments a reader has only what stands in one; so it stands there whole.
table(24, [
    ("the only one", lambda p: fragment(p, 1, 1, letter(p))),
    ("first", lambda p: fragment(p, 1, 2, letter(p).rsplit(b"--", 2)[0])),
    ("first, total unknown", lambda p: fragment(p, 1, 0, letter(p))),
    ("number zero", lambda p: fragment(p, 0, 1, letter(p))),
    ("in a part", lambda p: multipart([text_part(), part(
        ['Content-Type: message/partial; id="corpus@x"; number=1; total=2'], letter(p))])),
    ("all in one message", lambda p: multipart([part(
        ['Content-Type: message/partial; id="corpus@x"; number=%d; total=2' % number], body)
        for number, body in enumerate(halves(p), 1)])),
], lambda p, make: make(p), prohibited=True)
table(24, [
    ("second", lambda p: fragment(p, 2, 2, plain_letter(p).split(b"\r\n\r\n", 2)[2])),
    ("second, from the content on", lambda p: fragment(p, 2, 2, b"\r\n" + p.content
                                                       + b"\r\n--inner--\r\n")),
    ("last of many", lambda p: fragment(p, 9, 9, b"\r\n" + p.content)),
], lambda p, make: make(p), kinds=TEXT_KINDS, prohibited=True)


def external(p, parameters, body=True):
    """A reference (RFC 2046 section 5.2.3) whose phantom body is the file."""
    inner = attachment(p.content if body else b"", OCTETS + '; name="%s"' % p.name,
                       'attachment; filename="%s"' % p.name)
    return multipart([text_part(), part(
        ["Content-Type: message/external-body; " + parameters], inner)])


table(25, [
    ("URL", 'access-type=URL; URL="http://elsewhere.invalid/%s"'),
    ("anon-ftp", 'access-type=anon-ftp; site=elsewhere.invalid; name="%s"'),
    ("local file", 'access-type=local-file; name="//elsewhere.invalid/share/%s"'),
    ("mail server", 'access-type=mail-server; server=x@elsewhere.invalid; subject="%s"'),
    ("no access type", 'name="%s"'),
    ("content id", 'access-type=content-id; name="%s"'),
], lambda p, parameters: external(p, parameters % p.name), prohibited=True)


# 26: the parts inside are as dangerous as outside.
def entity(p):
    """What is signed."""
    return part([b'Content-Type: multipart/mixed; boundary="signed"'], mixed([
        text_part(), attachment(p.content, OCTETS, 'attachment; filename="%s"' % p.name),
    ], b"signed"))


def der(tag, *contents):
    """One value of DER."""
    body = b"".join(contents)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
DATA = bytes.fromhex("2a864886f70d010701")


def opaque(content, cut=0):
    """SignedData (RFC 5652 section 5.1) without signers; cut: BER of indefinite length."""
    if cut:
        octets = b"\x24\x80" + der(4, content[:cut]) + der(4, content[cut:]) + b"\0\0"
        inside = b"\x30\x80" + der(6, DATA) + b"\xa0\x80" + octets + b"\0\0\0\0"
        return (b"\x30\x80" + der(6, SIGNED_DATA) + b"\xa0\x80\x30\x80" + der(2, b"\x01")
                + der(0x31) + inside + der(0x31) + b"\0\0" * 3)
    inside = der(0x30, der(6, DATA), der(0xA0, der(4, content)))
    signed = der(0x30, der(2, b"\x01"), der(0x31), inside, der(0x31))
    return der(0x30, der(6, SIGNED_DATA), der(0xA0, signed))


def clear(p, protocol, type_, inner=None):
    """multipart/signed (RFC 1847)."""
    signature = attachment(b"signature", type_, None)
    field = 'Content-Type: multipart/signed; protocol="%s"; micalg=sha-256; boundary="outer"'
    return message([field % protocol], mixed([inner or entity(p), signature], b"outer"))


def smime(p, content, type_="application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"):
    """A message that is a PKCS #7 object."""
    return message(["Content-Type: " + type_, "Content-Transfer-Encoding: base64",
                    "Content-Disposition: attachment; filename=smime.p7m"], base64_lines(content))


def signature_is_file(p):
    """The part that should be the signature is the file."""
    return message(['Content-Type: multipart/signed; protocol="application/pgp-signature"; '
                    'micalg=pgp-sha256; boundary="outer"'],
                   mixed([text_part(), attachment(
                       p.content, 'application/pgp-signature; name="%s"' % p.name, None)],
                       b"outer"))


table(26, [
    ("clear S/MIME", lambda p: clear(p, "application/pkcs7-signature",
                                     "application/pkcs7-signature; name=smime.p7s")),
    ("clear PGP", lambda p: clear(p, "application/pgp-signature", "application/pgp-signature")),
    ("opaque", lambda p: smime(p, opaque(entity(p)))),
    ("opaque, in two pieces", lambda p: smime(p, opaque(entity(p), 60))),
    ("opaque, old type", lambda p: smime(p, opaque(entity(p)), "application/x-pkcs7-mime")),
    ("opaque as octets", lambda p: smime(p, opaque(entity(p)), OCTETS)),
    ("opaque in clear", lambda p: clear(
        p, "application/pkcs7-signature", "application/pkcs7-signature",
        part(["Content-Type: application/pkcs7-mime; smime-type=signed-data",
              "Content-Transfer-Encoding: base64"], base64_lines(opaque(entity(p)))))),
    ("the signature is the file", signature_is_file),
    ("multipart/encrypted", lambda p: multipart([
        attachment(b"Version: 1\r\n", "application/pgp-encrypted", None, "7bit"),
        attachment(p.content, 'application/octet-stream; name="%s"' % p.name, None)],
        "encrypted")),
], lambda p, make: make(p))
