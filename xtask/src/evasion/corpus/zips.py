"""Families 13, 16 to 19: zips that lie, folders, passwords, wrong names, bombs."""

import gzip
import io
import os
import struct
import subprocess
import tempfile
import zipfile
import zlib

import quine
from mime import named
from payloads import zipped
from registry import NAMELESS, table, variant

ZIP = "application/zip"


def sent(p, content, name="documents.zip", type_=ZIP):
    """The usual message with an archive."""
    return named(content, name, type_)


def decoy(p):
    """A member that is there beside the payload: harmless, and larger than a name."""
    return ("readme.txt", b"Nothing to see here.\r\n" * 4)


def local(own, content, **lies):
    """A local header and its data; `lies` are fields of the header (APPNOTE 4.3.7)."""
    name = lies.get("name", own.encode())
    extra = lies.get("extra", b"")
    return struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 20, lies.get("flags", 0), lies.get("method", 0), 0, 0x5B78,
        lies.get("crc", zlib.crc32(content)), lies.get("packed", len(content)),
        lies.get("size", len(content)), len(name), len(extra)) + name + extra + content


def central(own, content, offset, **lies):
    """An entry of the central directory (APPNOTE 4.3.12)."""
    name = lies.get("name", own.encode())
    extra = lies.get("extra", b"")
    return struct.pack(
        "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, lies.get("flags", 0), lies.get("method", 0), 0,
        0x5B78, lies.get("crc", zlib.crc32(content)), lies.get("packed", len(content)),
        lies.get("size", len(content)), len(name), len(extra), 0, 0, 0, 0, offset) + name + extra


def ended(locals_, centrals, entries=None, comment=b""):
    """Both halves and the record that ends them."""
    count = len(centrals) if entries is None else entries
    directory = b"".join(centrals)
    return (locals_ + directory + struct.pack(
        "<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(locals_), len(comment))
        + comment)


def one(p, local_lies=None, central_lies=None):
    """An archive of the payload alone, with lies in either header."""
    return ended(local(p.name, p.content, **(local_lies or {})),
                 [central(p.name, p.content, 0, **(central_lies or {}))])


def duplicate(p, order):
    """One name twice: which of them is the file?"""
    texts = [p.content, b"harmless\r\n"][::order]
    out, entries = b"", []
    for content in texts:
        entries.append(central("document.txt" if p.harmless else p.name, content, len(out)))
        out += local("document.txt" if p.harmless else p.name, content)
    return ended(out, entries)


def unlisted(p):
    """In the data, not in the directory."""
    first = local(p.name, p.content)
    name, content = decoy(p)
    return ended(first + local(name, content), [central(name, content, len(first))])


def zip64(p):
    """Sizes in the 64-bit extra fields of a small file."""
    extra = struct.pack("<HHQQ", 1, 16, len(p.content), len(p.content))
    lies = {"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": extra}
    return one(p, lies, lies)


table(13, [
    ("plain", lambda p: zipped([(p.name, p.content)])),
    ("deflated", lambda p: zipped([decoy(p), (p.name, p.content)], zipfile.ZIP_DEFLATED)),
    ("local name harmless", lambda p: one(p, {"name": b"document.txt"})),
    ("central name harmless", lambda p: one(p, None, {"name": b"document.txt"})),
    ("given twice, first", lambda p: duplicate(p, 1)),
    ("given twice, last", lambda p: duplicate(p, -1)),
    ("bytes before", lambda p: b"GIF89a" + bytes(300) + zipped([(p.name, p.content)])),
    ("bytes behind", lambda p: zipped([(p.name, p.content)]) + b"\r\n" * 200),
    ("truncated", lambda p: zipped([(p.name, p.content)])[:-30]),
    ("no directory", lambda p: local(p.name, p.content)),
    ("not in the directory", unlisted),
    ("two archives", lambda p: zipped([decoy(p)]) + zipped([(p.name, p.content)])),
    ("the first of two archives", lambda p: zipped([(p.name, p.content)]) + zipped([decoy(p)])),
    ("zip64", zip64),
    ("wrong sizes", lambda p: one(p, {"size": 3, "packed": 3})),
    ("wrong checksum", lambda p: one(p, {"crc": 1}, {"crc": 1})),
    ("wrong count", lambda p: ended(local(p.name, p.content),
                                    [central(p.name, p.content, 0)], entries=0)),
    ("unicode name in an extra field", lambda p: one(p, None, {
        "name": b"document.txt", "extra": unicode_path(b"document.txt", p.name.encode())})),
    ("a directory in the comment", lambda p: ended(
        local(p.name, p.content), [central(p.name, p.content, 0)], comment=zipped([decoy(p)]))),
], lambda p, make: sent(p, make(p)))


# Who believes the flag cannot look inside.
variant(13, "flag of encryption", encrypted=True)(lambda p: sent(p, one(p, {"flags": 1})))


def unicode_path(plain, name):
    """The Info-ZIP Unicode Path field (APPNOTE 4.6.9)."""
    return struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(plain)) + name


# 16: who unpacks writes where the archive says.
table(16, [
    ("folder", "papers/2026/%s"), ("parent", "../../%s"), ("absolute", "/tmp/%s"),
    ("drive", "C:\\Users\\Public\\%s"), ("backslashes", "papers\\%s"), ("share", "\\\\host\\c\\%s"),
    ("dot folder", "./././%s"), ("folder like a file", "letter.txt/%s"),
    ("start folder", "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup/%s"),
], lambda p, path: sent(p, zipped([decoy(p), (path % p.name, p.content)])))


# 17: nobody can look inside, but who was told the password.
PASSWORD = "infected"


def by_7z(p, kind, *options):
    """An archive made by 7z with the password."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        with open(os.path.join(folder, p.name), "wb") as file:
            file.write(p.content)
        subprocess.run(["7z", "a", "-bd", "-y", "-t" + kind, "-p" + PASSWORD, *options, "out",
                        p.name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, [n for n in os.listdir(folder) if n != p.name][0]),
                  "rb") as file:
            return file.read()


def seven_zip(name, kind, file, *options):
    variant(17, name, encrypted=True, password=PASSWORD)(
        lambda p: named(by_7z(p, kind, *options), file, "application/octet-stream"))


seven_zip("zip, old cipher", "zip", "documents.zip", "-mem=ZipCrypto")
seven_zip("zip, AES", "zip", "documents.zip", "-mem=AES256")
seven_zip("7z", "7z", "documents.7z")
seven_zip("7z, names too", "7z", "documents.7z", "-mhe=on")
seven_zip("7z under another name", "7z", "documents.dat", "-mhe=on")


@variant(17, "zip in a zip", encrypted=True, password=PASSWORD)
def _(p):
    return sent(p, zipped([decoy(p), ("inner.zip", by_7z(p, "zip", "-mem=AES256"))]))


# 18: the kind is in the bytes.
table(18, [
    ("picture", ("photo.jpg", "image/jpeg")), ("text", ("readme.txt", "text/plain")),
    ("document", ("report.docx", "application/octet-stream")),
    ("unknown ending", ("data.zzz", "application/octet-stream")),
    ("no ending", ("data", "application/octet-stream")),
    ("zip as rar", ("data.rar", "application/x-rar")),
    ("zip as gz", ("data.gz", "application/gzip")),
], lambda p, name: sent(p, zipped([(p.name, p.content)]), *name))


@variant(18, "gzip as text", NAMELESS)
def _(p):
    return sent(p, gzip.compress(p.content, mtime=0), "readme.txt", "text/plain")


# 19: over a limit, whatever it is; all small on the way.
def bomb(name, make):
    variant(19, name, over_limit=True)(lambda p: sent(p, make(p)))


def wrapped(p, depth, width=1):
    """Archives in archives."""
    members = [(p.name, p.content)]
    for level in range(depth):
        inner = zipped(members)
        members = [("%d-%d.zip" % (level, n), inner) for n in range(width)]
    return zipped(members, zipfile.ZIP_DEFLATED)


def large(p, mebibytes):
    """Zeros beside the payload; the zeros first."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("zeros.txt")
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w") as member:
            for _ in range(mebibytes):
                member.write(bytes(1 << 20))
        archive.writestr(zipfile.ZipInfo(p.name), p.content)
    return out.getvalue()


def overlapping(p, count):
    """Many entries of one local header."""
    first = local(p.name, p.content)
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = zeros.compress(bytes(1 << 20)) + zeros.flush()
    lies = {"method": 8, "size": 1 << 20, "packed": len(packed), "crc": zlib.crc32(bytes(1 << 20))}
    body = first + local("zeros", packed, **lies)
    entries = [central("zeros%d" % n, packed, len(first), **lies) for n in range(count)]
    return ended(body, [central(p.name, p.content, 0)] + entries)


bomb("depth 12", lambda p: wrapped(p, 12))
bomb("depth 40", lambda p: wrapped(p, 40))
bomb("wide and deep", lambda p: wrapped(p, 4, 9))
bomb("ratio", lambda p: large(p, 300))
bomb("count", lambda p: zipped([("f%05d" % n, b"") for n in range(11000)]
                               + [(p.name, p.content)]))
bomb("overlapping", lambda p: overlapping(p, 400))
bomb("gzip in gzip", lambda p: gzips(p, 20))
bomb("contains itself", lambda p: zipped([("quine.zip", quine.solved()), (p.name, p.content)]))


def gzips(p, depth):
    """The same with gzip."""
    content = p.content
    for _ in range(depth):
        content = gzip.compress(content, 0, mtime=0)
    return content
