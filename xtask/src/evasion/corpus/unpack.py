"""Whether a mark is in a file, or in what a person gets out of it with the usual programs.

These unpackers are not ours: Python's own, libarchive's bsdtar and 7z. What they cannot do (yEnc,
BinHex, data in pages) is a few lines here. Everything is bounded: the corpus holds bombs.
"""

import base64
import binascii
import bz2
import email
import io
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
import zlib

DEPTH_MAX = 10
# Bytes looked at for one message; bombs end here.
BYTES_MAX = 64 << 20
MEMBER_MAX = 16 << 20
MEMBERS_MAX = 300
SECONDS_MAX = 20

# What the programs are asked about, by how it begins and where.
OUTSIDE = [
    (0, b"7z\xbc\xaf\x27\x1c"), (0, b"Rar!\x1a\x07"), (0, b"MSCF"), (0, b"!<arch>\n"),
    (0, b"070701"), (0, b"070702"), (0, b"070707"), (0, b"\xc7\x71"), (0, b"\x28\xb5\x2f\xfd"),
    (0, b"\x60\xea"), (2, b"-lh"), (32769, b"CD001"), (257, b"ustar"), (0, b"\x1f\x9d"),
    (0, b"PK\x03\x04"),
]


class Search:
    """One search, with what it may still cost."""

    def __init__(self, mark, password=None):
        self.mark = mark
        self.password = password
        self.left = BYTES_MAX
        self.seen = set()

    def found(self, content, depth=0):
        """Whether the mark is in these bytes or inside them."""
        if self.mark in content:
            return True
        self.left -= len(content)
        if depth >= DEPTH_MAX or self.left < 0 or hash(content) in self.seen:
            return False
        self.seen.add(hash(content))
        for inside in self.insides(content):
            if inside and self.found(inside, depth + 1):
                return True
        return False

    def insides(self, content):
        """What is in a file, one after another, cheap forms first."""
        for form in (streams, zip_members, mail_parts, uuencoded, yencoded, binhexed, in_pages,
                     hex_data):
            yield from form(content)
        if any(content[at:at + len(magic)] == magic for at, magic in OUTSIDE):
            yield from self.by_programs(content)

    def by_programs(self, content):
        """What bsdtar and 7z get out of it."""
        folder = tempfile.mkdtemp(prefix="unpack-")
        try:
            path = os.path.join(folder, "file")
            with open(path, "wb") as file:
                file.write(content)
            password = self.password or "none"
            yield from self.program(folder, ["bsdtar", "--passphrase", password, "-xOf", path])
            yield from self.program(folder, ["7z", "x", "-so", "-y", "-p" + password, path])
            if content[:2] == b"\x60\xea":
                yield from self.program(folder, ["arj", "p", "-y", path])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def program(self, folder, command):
        """The output of a program, cut at its bound."""
        try:
            child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            output = child.stdout.read(MEMBER_MAX)
            child.kill()
            child.wait(SECONDS_MAX)
        except (OSError, subprocess.SubprocessError):
            return
        yield output


def streams(content):
    """gzip, bzip2, xz, and deflate inside a PDF."""
    if content[:2] == b"\x1f\x8b":
        yield inflated(content, 31)
    for magic, opener in ((b"BZh", bz2.BZ2Decompressor), (b"\xfd7zXZ", lzma.LZMADecompressor)):
        if content.startswith(magic):
            try:
                yield opener().decompress(content, MEMBER_MAX)
            except (OSError, lzma.LZMAError, EOFError):
                pass
    if b"%PDF" in content[:1024]:
        for match in re.finditer(rb"stream\r?\n", content):
            yield inflated(content[match.end():], 15)


def inflated(content, bits):
    """Deflate, as far as it goes."""
    machine = zlib.decompressobj(bits)
    try:
        return machine.decompress(content, MEMBER_MAX)
    except zlib.error:
        return b""


def zip_members(content):
    """By the directory, as Python reads it; then by the local headers, as a repair tool does."""
    if b"PK\x03\x04" not in content:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist()[:MEMBERS_MAX]:
                try:
                    with archive.open(entry) as member:
                        yield member.read(MEMBER_MAX)
                except Exception:  # Any damage: the next member may be whole.
                    continue
    except Exception:  # zipfile raises many kinds on what is broken.
        pass
    for count, match in enumerate(re.finditer(rb"PK\x03\x04", content)):
        head = content[match.start():match.start() + 30]
        if len(head) == 30 and count < MEMBERS_MAX and head[8:10] == b"\x08\0":
            begin = match.start() + 30 + head[26] + 256 * head[27] + head[28] + 256 * head[29]
            yield inflated(content[begin:], -15)


def mail_parts(content):
    """A message, or a message inside an S/MIME object; not fields somewhere in a text."""
    head = re.split(rb"\r?\n\r?\n", content[:65536].lstrip(), maxsplit=1)[0]
    if content.startswith(b"\x30"):
        match = re.search(rb"(?i)content-type:", content[:4096])
    elif re.match(rb"[!-9;-~]+ ?:", head):
        match = re.search(rb"(?im)^(content-[a-z-]+|mime-version|from) ?:", head)
    else:
        return
    if not match:
        return
    begin = match.start() if content.startswith(b"\x30") else 0
    try:
        yield from leaves(email.message_from_bytes(content[begin:].lstrip(b"\r\n")))
    except Exception:  # The email package raises many kinds on what is broken.
        return


def leaves(parsed):
    """The decoded bodies of a message, as Python's email package has them."""
    for one in parsed.walk():
        if one.is_multipart():
            continue
        try:
            body = one.get_payload(decode=True)
        except Exception:  # The same.
            continue
        if body:
            yield body


def uuencoded(content):
    """What stands between `begin` and `end`."""
    for match in re.finditer(rb"(?m)^begin [0-7]{3,4}\b.*$", content):
        out = b""
        for line in content[match.end():].lstrip(b"\r\n").split(b"\n"):
            if line.strip() in (b"end", b"`", b""):
                break
            try:
                out += binascii.a2b_uu(line.rstrip(b"\r"))
            except binascii.Error:
                continue
        yield out


def yencoded(content):
    """The lines between `=ybegin` and `=yend`."""
    for match in re.finditer(rb"(?ms)^=ybegin [^\n]*\n(?:=ypart [^\n]*\n)?(.*?)(?:^=yend|\Z)",
                             content):
        out, escaped = bytearray(), False
        for byte in match.group(1):
            if byte in b"\r\n":
                continue
            if byte == 0x3D and not escaped:
                escaped = True
                continue
            out.append((byte - 42 - (64 if escaped else 0)) % 256)
            escaped = False
        yield bytes(out)


BINHEX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def binhexed(content):
    """BinHex 4.0 without a look at its checksums."""
    if b"BinHex" not in content and b":" not in content[:2]:
        return
    match = re.search(rb"(?m)^:([^:]*):", content[content.find(b"BinHex"):])
    if not match:
        return
    bits = "".join(format(BINHEX.index(c), "06b") for c in match.group(1) if c in BINHEX)
    data = bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - 7, 8))
    yield re.sub(rb"(?s)\x90\0", b"\x90", data)


def in_pages(content):
    """What a page's script would put together, and what a calendar or card holds: base64."""
    if not re.search(rb"(?i)<(html|svg|script|image)|BEGIN:V(CALENDAR|CARD)", content[:4096]):
        return
    joined = re.sub(rb"[\"']\s*\+\s*[\"']|\r?\n[ \t]", b"", content)
    for count, match in enumerate(re.finditer(rb"[A-Za-z0-9+/]{40,}=*", joined)):
        if count >= MEMBERS_MAX:
            return
        try:
            yield base64.b64decode(match.group() + b"===")
        except binascii.Error:
            continue


def hex_data(content):
    """Objects in RTF are written in hex."""
    if not content.lstrip().startswith(b"{\\rt"):
        return
    for match in re.finditer(rb"\\objdata([^}]*)", content):
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", re.sub(rb"\\[a-z]+[0-9]* ?", b"", match.group(1)))
        yield bytes.fromhex(digits[:len(digits) // 2 * 2].decode())
