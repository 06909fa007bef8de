"""Families 20 to 22: forms of other days that programs still read."""

import binascii
import struct

from mime import attachment, message, mixed, multipart, named, part, text_part
from registry import NAMELESS, table, variant

CRLF = b"\r\n"


# 20: TNEF [MS-OXTNEF]: attributes of a message, then of each attachment.
def tnef(p, name_in=("title", "long"), body=False):
    """A winmail.dat with one file."""

    def attribute(level, kind, data):
        return (struct.pack("<BII", level, kind, len(data)) + data
                + struct.pack("<H", sum(data) & 0xFFFF))

    out = struct.pack("<IH", 0x223E9F78, 1)
    out += attribute(1, 0x00089006, struct.pack("<I", 0x10000))
    out += attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    out += attribute(1, 0x00078008, b"IPM.Note\0")
    if body:
        out += attribute(1, 0x0002800C, b"Please see the file.\0")
    out += attribute(2, 0x00069002, struct.pack("<HIHHI", 1, 0xFFFFFFFF, 32, 32, 0))
    if "title" in name_in:
        out += attribute(2, 0x00018010, p.name.encode() + b"\0")
    out += attribute(2, 0x0006800F, p.content)
    if "long" in name_in:
        name = p.name.encode() + b"\0"
        property_ = struct.pack("<IHHII", 1, 0x1E, 0x3707, 1, len(name))
        out += attribute(2, 0x00069005, property_ + name.ljust(-(-len(name) // 4) * 4, b"\0"))
    return out


table(20, [
    ("winmail.dat", (lambda p: tnef(p), "winmail.dat", "application/ms-tnef")),
    ("short name alone", (lambda p: tnef(p, ("title",)), "winmail.dat", "application/ms-tnef")),
    ("long name alone", (lambda p: tnef(p, ("long",)), "winmail.dat", "application/ms-tnef")),
    ("with a text", (lambda p: tnef(p, body=True), "winmail.dat", "application/ms-tnef")),
    ("other type", (lambda p: tnef(p), "winmail.dat", "application/octet-stream")),
    ("other name", (lambda p: tnef(p), "data.bin", "application/vnd.ms-tnef")),
    ("wrong checksum", (lambda p: tnef(p)[:-1] + b"\x55", "winmail.dat", "application/ms-tnef")),
], lambda p, row: named(row[0](p), *row[1:]))


def uu(p, name=True, end=True, blanks="`"):
    """uuencoded lines."""
    lines = [b"begin 644 " + p.name.encode() if name else b"begin 644 "]
    for at in range(0, len(p.content), 45):
        line = binascii.b2a_uu(p.content[at:at + 45], backtick=blanks == "`")
        lines.append(line.rstrip(b"\n"))
    lines.append(b"`" if blanks == "`" else b" ")
    if end:
        lines.append(b"end")
    return CRLF.join(lines) + CRLF


def yenc(p, name=True, part=False):
    """yEnc 1.3; as the only part of several, if told so."""
    out, width = bytearray(), 0
    for byte in p.content:
        coded = (byte + 42) % 256
        if coded in (0, 10, 13, 61, 46):
            out += bytes([61, (coded + 64) % 256])
        else:
            out.append(coded)
        width += 1
        if width == 128:
            out, width = out + CRLF, 0
    size = len(p.content)
    head = b"=ybegin %sline=128 size=%d%s\r\n" % (
        b"part=1 total=1 " if part else b"", size, b" name=" + p.name.encode() if name else b"")
    if part:
        head += b"=ypart begin=1 end=%d\r\n" % size
    return head + bytes(out) + b"\r\n=yend size=%d crc32=%08x\r\n" % (
        len(p.content), binascii.crc32(p.content))


def in_text(body, *fields):
    """The whole message is a text."""
    return message(["Content-Type: text/plain", *fields], b"Hello\r\n\r\n" + body)


table(21, [
    ("in the text", lambda p: in_text(uu(p))),
    ("no MIME at all", lambda p: message([], b"Hello\r\n\r\n" + uu(p), version=False)),
    ("without an end", lambda p: in_text(uu(p, end=False))),
    ("blanks for zeros", lambda p: in_text(uu(p, blanks=" "))),
    ("in the second part", lambda p: multipart([text_part(), part(
        ["Content-Type: text/plain"], uu(p))])),
    ("as an encoding", lambda p: multipart([text_part(), attachment(
        uu(p), "application/octet-stream", 'attachment; filename="%s"' % p.name, "x-uuencode")])),
    ("as another encoding name", lambda p: multipart([text_part(), attachment(
        uu(p), "application/octet-stream", 'attachment; filename="%s"' % p.name, "uuencode")])),
    ("inside base64", lambda p: multipart([text_part(), attachment(
        uu(p), "text/plain", None)])),
    ("yEnc in the text", lambda p: in_text(yenc(p), "Content-Transfer-Encoding: 8bit")),
    ("yEnc in a part", lambda p: multipart([text_part(), part(
        ["Content-Type: text/plain", "Content-Transfer-Encoding: 8bit"], yenc(p))])),
    ("yEnc of several parts", lambda p: in_text(
        yenc(p, part=True), "Content-Transfer-Encoding: 8bit")),
], lambda p, make: make(p))


variant(21, "without a name", NAMELESS)(lambda p: in_text(uu(p, name=False)))
variant(21, "yEnc without a name", NAMELESS)(lambda p: in_text(
    yenc(p, name=False), "Content-Transfer-Encoding: 8bit"))


BINHEX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def hqx_sum(data):
    """The checksum of BinHex: CRC-CCITT."""
    return struct.pack(">H", binascii.crc_hqx(data, 0))


def binhex(p):
    """BinHex 4.0 (RFC 1741) without a resource fork."""
    name = p.name.encode()
    head = bytes([len(name)]) + name + b"\0TEXTttxt" + struct.pack(">HII", 0, len(p.content), 0)
    data = head + hqx_sum(head) + p.content + hqx_sum(p.content) + hqx_sum(b"")
    data = data.replace(b"\x90", b"\x90\0")
    bits = "".join(format(byte, "08b") for byte in data)
    bits += "0" * (-len(bits) % 6)
    text = bytes(BINHEX[int(bits[at:at + 6], 2)] for at in range(0, len(bits), 6))
    text = b":" + text + b":"
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return b"(This file must be converted with BinHex 4.0)\r\n\r\n" + CRLF.join(lines) + CRLF


def apple(p, magic):
    """AppleSingle or AppleDouble (RFC 1740): a name, and for the first the data too."""
    name = p.name.encode()
    entries = [(3, name)] + ([(1, p.content)] if magic == 0x00051600 else [(2, bytes(16))])
    at = 26 + 12 * len(entries)
    head = struct.pack(">II", magic, 0x20000) + bytes(16) + struct.pack(">H", len(entries))
    body = b""
    for kind, data in entries:
        head += struct.pack(">III", kind, at + len(body), len(data))
        body += data
    return head + body


def double(p, order=1):
    """multipart/appledouble: the header file and the data."""
    parts = [
        attachment(apple(p, 0x00051607), 'application/applefile; name="%s"' % p.name, None),
        attachment(p.content, 'application/octet-stream; name="%s"' % p.name, None),
    ][::order]
    inner = part([b'Content-Type: multipart/appledouble; boundary="inner"'],
                 mixed(parts, b"inner"))
    return multipart([text_part(), inner])


def hqx_part(p, type_, encoding=None):
    """BinHex as a part."""
    return multipart([text_part(), attachment(
        binhex(p), type_, 'attachment; filename="data.hqx"', encoding)])


table(22, [
    ("BinHex", lambda p: hqx_part(p, "application/mac-binhex40")),
    ("BinHex in base64", lambda p: hqx_part(p, "application/mac-binhex40", "base64")),
    ("BinHex in the text", lambda p: in_text(binhex(p))),
    ("BinHex, other type", lambda p: hqx_part(p, "application/octet-stream")),
    ("AppleDouble", double),
    ("AppleDouble, data first", lambda p: double(p, -1)),
    ("AppleSingle", lambda p: named(apple(p, 0x00051600), "data", "application/applefile")),
    ("AppleSingle, other type", lambda p: named(apple(p, 0x00051600), "data.bin")),
], lambda p, make: make(p))
