"""The anti-malware test file in many wrappings: viruses.py

Prints, as JSON, pairs of the wrapping's name and the message (latin-1). The standard library alone.
"""
import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import quopri
import struct
import tarfile
import zipfile

# In two pieces, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
messages = []


def lines(data):
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def add(name, header, body):
    start = b"From: carol@elsewhere.example\r\nSubject: " + name.encode() + b"\r\n"
    messages.append((name, (start + header + b"\r\n" + body).decode("latin-1")))


def mixed(name, header, body):
    whole = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n"
        + header + b"\r\n" + body + b"\r\n--b--\r\n"
    )
    add(name, b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n", whole)


def attached(name, file, data, media=b"application/octet-stream"):
    header = (
        b"Content-Type: " + media + b'; name="' + file + b'"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
    )
    mixed(name, header, lines(data))


def zipped(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(mode):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        member = tarfile.TarInfo("notes.txt")
        member.size = len(EICAR)
        archive.addfile(member, io.BytesIO(EICAR))
    return out.getvalue()


def uuencoded(data):
    rows = [binascii.b2a_uu(data[at : at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return b"begin 644 notes.txt\r\n" + b"\r\n".join(rows) + b"\r\n`\r\nend\r\n"


def yencoded(data):
    body = bytearray()
    for byte in data:
        code = (byte + 42) % 256
        body += bytes([61, (code + 64) % 256]) if code in (0, 10, 13, 61) else bytes([code])
    size = b"%d" % len(data)
    return (
        b"=ybegin line=128 size=" + size + b" name=notes.txt\r\n" + bytes(body)
        + b"\r\n=yend size=" + size + b"\r\n"
    )


def binhex(data):
    """BinHex 4.0 (RFC 1741) without runs."""
    letters = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"

    def crc(piece):
        return struct.pack(">H", binascii.crc_hqx(piece, 0))

    name = b"notes.txt"
    forks = struct.pack(">II", len(data), 0)
    head = bytes([len(name)]) + name + b"\0" + b"TEXTttxt" + b"\0\0" + forks
    raw = head + crc(head) + data + crc(data) + crc(b"")
    raw = raw.replace(b"\x90", b"\x90\0")
    bits = "".join(f"{byte:08b}" for byte in raw)
    bits += "0" * (-len(bits) % 6)
    text = bytes(letters[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))
    text = b":" + text + b":"
    rows = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"(This file must be converted with BinHex 4.0)\r\n\r\n" + b"\r\n".join(rows) + b"\r\n"


def tnef(data):
    """TNEF (MS-OXTNEF) with one attachment."""

    def attribute(level, key, content):
        check = struct.pack("<H", sum(content) & 0xFFFF)
        return bytes([level]) + struct.pack("<II", key, len(content)) + content + check

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x00089006, struct.pack("<I", 0x10000))
        + attribute(2, 0x00069002, struct.pack("<HIHHHH", 1, 0, 0, 0, 0, 0))
        + attribute(2, 0x00018010, b"notes.txt\0")
        + attribute(2, 0x0006800F, data)
    )


def docx(data):
    kinds = (
        b'<?xml version="1.0"?><Types xmlns='
        b'"http://schemas.openxmlformats.org/package/2006/content-types"></Types>'
    )
    return zipped(
        [
            ("[Content_Types].xml", kinds),
            ("word/document.xml", b"<w:document/>"),
            ("word/embeddings/oleObject1.bin", data),
        ]
    )


def length(n):
    return bytes([n]) if n < 128 else b"\x82" + struct.pack(">H", n)


def tagged(tag, content):
    return bytes([tag]) + length(len(content)) + content


def signed(content):
    """CMS SignedData (RFC 5652) around a content, without signers."""
    data = tagged(6, bytes.fromhex("2a864886f70d010701"))
    inner = tagged(0x30, data + tagged(0xA0, tagged(4, content)))
    body = tagged(0x30, tagged(2, b"\1") + tagged(0x31, b"") + inner + tagged(0x31, b""))
    return tagged(0x30, tagged(6, bytes.fromhex("2a864886f70d010702")) + tagged(0xA0, body))


INNER = b"Subject: inner\r\nContent-Type: text/plain\r\n\r\n" + EICAR + b"\r\n"

add("a plain text", b"", EICAR + b"\r\n")
add(
    "a plain text in quoted-printable",
    b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"".join(b"=%02X" % byte for byte in EICAR[:20]) + b"=\r\n" + EICAR[20:] + b"\r\n",
)
attached("base64", b"notes.txt", EICAR, b"text/plain")
mixed(
    "an attachment in quoted-printable",
    b"Content-Type: application/octet-stream; name=notes.txt\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    quopri.encodestring(EICAR, quotetabs=True).replace(b"\n", b"\r\n"),
)
add("uuencode", b"", b"hello\r\n" + uuencoded(EICAR))
add("yEnc", b"", b"hello\r\n" + yencoded(EICAR))
add("BinHex", b"", binhex(EICAR))
attached("zip, stored", b"notes.zip", zipped([("notes.txt", EICAR)], zipfile.ZIP_STORED))
attached("zip, deflated", b"notes.zip", zipped([("notes.txt", EICAR)]))
attached("zip in zip", b"notes.zip", zipped([("a.zip", zipped([("notes.txt", EICAR)]))]))
attached("zip with LZMA", b"notes.zip", zipped([("notes.txt", EICAR)], zipfile.ZIP_LZMA))
attached("tar", b"notes.tar", tarred("w"))
attached("tar.gz", b"notes.tar.gz", tarred("w:gz"))
attached("gzip", b"notes.gz", gzip.compress(EICAR))
attached("bzip2", b"notes.bz2", bz2.compress(EICAR))
attached("xz", b"notes.xz", lzma.compress(EICAR))
mixed("a message in it", b"Content-Type: message/rfc822\r\n", INNER)
mixed(
    "a message in base64",
    b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n",
    lines(INNER),
)
add(
    "a digest",
    b"MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=b\r\n",
    b"--b\r\n\r\n" + INNER + b"\r\n--b--\r\n",
)
attached("TNEF", b"winmail.dat", tnef(EICAR), b"application/ms-tnef")
attached("docx", b"notes.docx", docx(EICAR))
attached(
    "a data URI in HTML",
    b"page.html",
    b'<html><a href="data:text/plain;base64,' + base64.b64encode(EICAR) + b'">x</a></html>',
    b"text/html",
)
attached(
    "an object in RTF",
    b"notes.rtf",
    rb"{\rtf1{\object\objemb{\*\objdata " + binascii.hexlify(EICAR) + b"}}}",
    b"application/rtf",
)
attached("S/MIME", b"smime.p7m", signed(INNER), b"application/pkcs7-mime; smime-type=signed-data")
attached("a wrong type", b"photo.jpg", EICAR, b"image/jpeg")
print(json.dumps(messages))
