"""Families 14 and 15: archives of many kinds, and archives in other things.

Where Debian has a program for a kind, it makes it; rar, cab and lha are written here, stored.
"""

import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib

import cfb
from mime import named
from payloads import docx, pdf, zipped
from registry import table, variant


def tar(p, form=tarfile.USTAR_FORMAT):
    """A tar of the payload."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        entry = tarfile.TarInfo(p.name)
        entry.size = len(p.content)
        archive.addfile(entry, io.BytesIO(p.content))
    return out.getvalue()


def by_program(p, command, output="out", give_name=False):
    """What a program makes of a file of the payload's name."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        with open(os.path.join(folder, p.name), "wb") as file:
            file.write(p.content)
        done = subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            input=(p.name + "\n").encode() if give_name else b"")
        if output is None:
            return done.stdout
        with open(os.path.join(folder, output), "rb") as file:
            return file.read()


def rar4(p):
    """RAR 1.5 to 4: mark, archive header, one stored file, end."""

    def block(kind, flags, fields, data=b""):
        head = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head + data

    name = p.name.encode()
    fields = struct.pack("<IIBIIBBHI", len(p.content), len(p.content), 2, zlib.crc32(p.content),
                         0x5B780000, 20, 0x30, len(name), 0x20) + name
    return (b"Rar!\x1a\x07\0" + block(0x73, 0, bytes(6))
            + block(0x74, 0x8000, fields, p.content) + block(0x7B, 0x4000, b""))


def number(value):
    """A number of RAR 5: seven bits a byte."""
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def rar5(p):
    """RAR 5: mark, main header, one stored file, end."""

    def block(*fields, data=b""):
        body = b"".join(f if isinstance(f, bytes) else number(f) for f in fields)
        body = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(body)) + body + data

    name = p.name.encode()
    size = len(p.content)
    return (b"Rar!\x1a\x07\x01\0" + block(1, 0, 0)
            + block(2, 2, size, 4, size, 0o644, struct.pack("<I", zlib.crc32(p.content)), 0, 1,
                    len(name), name, data=p.content)
            + block(5, 0, 0))


def cab(p):
    """A cabinet [MS-CAB] of one stored file."""
    name = p.name.encode() + b"\0"
    blocks = [p.content[at:at + 32768] for at in range(0, len(p.content), 32768)]
    data = b""
    for block in blocks:
        sizes = struct.pack("<HH", len(block), len(block))
        data += struct.pack("<I", cab_sum(sizes, cab_sum(block, 0))) + sizes + block
    begin = 36 + 8
    at = begin + 16 + len(name)
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, at + len(data), 0, begin, 0, 3, 1, 1, 1, 0,
                                 0, 0)
    folder = struct.pack("<IHH", at, len(blocks), 0)
    file = struct.pack("<IIHHHH", len(p.content), 0, 0, 0x5B78, 0, 0x20) + name
    return head + folder + file + data


def cab_sum(data, seed):
    """The checksum of [MS-CAB] 3.1."""
    for at in range(0, len(data) // 4 * 4, 4):
        seed ^= struct.unpack_from("<I", data, at)[0]
    rest = data[len(data) // 4 * 4:]
    return seed ^ int.from_bytes(rest, "big") if rest else seed


def lha(p):
    """LHA, header of level 0, stored."""
    name = p.name.encode()
    crc = 0
    for byte in p.content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    body = b"-lh0-" + struct.pack("<IIIBB", len(p.content), len(p.content), 0x5B780000, 0x20, 0)
    body += bytes([len(name)]) + name + struct.pack("<H", crc)
    return bytes([len(body), sum(body) & 0xFF]) + body + p.content + b"\0"


def iso(p):
    """An image with long names."""
    return by_program(p, ["genisoimage", "-quiet", "-J", "-r", "-o", "out", p.name])


def seven(p):
    """7z by its usual method."""
    return by_program(p, ["7z", "a", "-bd", "-y", "-t7z", "out.7z", p.name], "out.7z")


def ar(p):
    """The archive of linkers and of Debian's packages."""
    return by_program(p, ["ar", "rc", "out", p.name])


def cpio(form):
    """One of cpio's kinds."""
    return lambda p: by_program(p, ["cpio", "-o", "--quiet", "-H", form], None, True)


KINDS = [
    ("tar", (tar, "documents.tar")),
    ("tar of POSIX", (lambda p: tar(p, tarfile.PAX_FORMAT), "documents.tar")),
    ("tar.gz", (lambda p: gzip.compress(tar(p), mtime=0), "documents.tar.gz")),
    ("tar.bz2", (lambda p: bz2.compress(tar(p)), "documents.tar.bz2")),
    ("tar.xz", (lambda p: lzma.compress(tar(p)), "documents.tar.xz")),
    ("gz", (lambda p: gzip.compress(p.content, mtime=0), None)),
    ("bz2", (lambda p: bz2.compress(p.content), None)),
    ("xz", (lambda p: lzma.compress(p.content), None)),
    ("zst", (lambda p: by_program(p, ["zstd", "-q", "-o", "out", p.name]), None)),
    ("tar.zst", (lambda p: zst(p, tar(p)), "documents.tar.zst")),
    ("7z", (seven, "documents.7z")),
    ("rar 4", (rar4, "documents.rar")),
    ("rar 5", (rar5, "documents.rar")),
    ("cab", (cab, "documents.cab")),
    ("iso", (iso, "documents.iso")),
    ("ar", (ar, "documents.a")),
    ("cpio", (cpio("newc"), "documents.cpio")),
    ("cpio of old", (cpio("odc"), "documents.cpio")),
    ("lha", (lha, "documents.lzh")),
    ("arj", (lambda p: by_program(p, ["arj", "a", "-y", "-m0", "out.arj", p.name], "out.arj"),
             "documents.arj")),
]
ENDINGS = {"gz": ".gz", "bz2": ".bz2", "xz": ".xz", "zst": ".zst"}


def zst(p, content):
    """zstd of something that has no name."""
    done = subprocess.run(["zstd", "-q", "-c"], input=content, check=True, stdout=subprocess.PIPE)
    return done.stdout


for _name, (_make, _file) in KINDS:
    variant(14, _name, prohibited=_name == "iso")(
        lambda p, name=_name, make=_make, file=_file: named(
            make(p), file or p.name + ENDINGS[name], "application/octet-stream"))


def package(p):
    """An OLE package (the stream \\1Ole10Native), as a document embeds a file."""
    return cfb.compound({"\x01Ole10Native": native(p),
                         "\x01CompObj": b"\x01\0\xfe\xff\x03\x0a\0\0" + bytes(60)})


def native(p):
    """The stream itself: the name, the path it had, the file."""
    name = p.name.encode() + b"\0"
    body = struct.pack("<H", 2) + name + b"C:\\" + name + struct.pack("<HHI", 0, 3, len(name) + 3)
    body += b"C:\\" + name + struct.pack("<I", len(p.content)) + p.content
    return struct.pack("<I", len(body)) + body


def embedded_file(p):
    """A PDF with an attachment."""
    names = b"/Names << /EmbeddedFiles << /Names [(" + p.name.encode() + b") 5 0 R] >> >>"
    stream = zlib.compress(p.content)
    return pdf(b"Hello", names, [
        b"<< /Type /Filespec /F (" + p.name.encode() + b") /EF << /F 6 0 R >> >>",
        b"<< /Type /EmbeddedFile /Filter /FlateDecode /Length %d >>\nstream\n" % len(stream)
        + stream + b"\nendstream",
    ])


def shell(*names):
    """Archives around the payload, innermost name first."""

    def make(p):
        members = [(p.name, p.content)]
        for name in names:
            members = [(name, zipped(members, zipfile.ZIP_DEFLATED))]
        return members[0][1]

    return make


def stored(name, content):
    """A zip of one thing."""
    return zipped([(name, content)])


table(15, [
    ("zip in zip", (shell("inner.zip", "outer.zip"), "documents.zip")),
    ("five deep", (shell("1.zip", "2.zip", "3.zip", "4.zip", "5.zip"), "documents.zip")),
    ("tar.gz in zip", (lambda p: stored("a.tar.gz", gzip.compress(tar(p), mtime=0)),
                       "documents.zip")),
    ("7z in zip", (lambda p: stored("a.7z", seven(p)), "documents.zip")),
    ("rar in zip", (lambda p: stored("a.rar", rar5(p)), "documents.zip")),
    ("zip in gz", (lambda p: gzip.compress(shell("a.zip")(p), mtime=0), "documents.zip.gz")),
    ("cab in 7z", (lambda p: nested_seven(p), "documents.7z")),
    ("in a docx", (lambda p: docx(b"Hello", more=[("word/embeddings/" + p.name, p.content)]),
                   "report.docx")),
    ("zip in a docx", (lambda p: docx(b"Hello", more=[(
        "word/embeddings/a.zip", stored(p.name, p.content))]), "report.docx")),
    ("package in a docx", (lambda p: docx(b"Hello", more=[(
        "word/embeddings/oleObject1.bin", package(p))]), "report.docx")),
    ("package in a doc", (lambda p: package(p), "report.doc")),
    ("in a pdf", (embedded_file, "report.pdf")),
    ("a message in zip", (lambda p: stored("letter.eml", named(p.content, p.name)),
                          "documents.zip")),
], lambda p, row: named(row[0](p), row[1]))


variant(15, "iso in zip", prohibited=True)(
    lambda p: named(stored("a.iso", iso(p)), "documents.zip"))


def nested_seven(p):
    """A cabinet inside 7z."""
    from payloads import Payload

    inner = Payload(p.kind, "inner", "cab", cab(p), p.mark, p.harmless)
    return seven(inner)
