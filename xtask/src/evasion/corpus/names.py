"""Families 1 to 11: the name of the file."""

from mime import attachment, multipart, named, raw, text_part, with_file
from registry import table, variant

OCTETS = "application/octet-stream"


def disposed(p, parameters, type_=OCTETS):
    """The usual message, the parameters of its disposition as given."""
    return with_file(p.content, type_, b"attachment; " + raw(parameters))


def percent(text, charset="utf-8", plain=""):
    """Every character in percent form, but those in `plain`."""
    return "".join(
        c if c in plain else "".join("%%%02X" % b for b in c.encode(charset)) for c in text)


# 1: RFC 2231 sections 4 and 5.
table(1, [
    ("all percent", lambda p: "filename*=utf-8''" + percent(p.name)),
    ("only the dot", lambda p: "filename*=utf-8''%s%%2e%s" % (p.stem, p.ext)),
    ("latin and a language", lambda p: "filename*=iso-8859-1'en'" + percent(p.name)),
    ("UTF-16", lambda p: "filename*=utf-16''%FE%FF" + percent(p.name, "utf-16-be")),
    ("UTF-16, little end first", lambda p: "filename*=utf-16le''" + percent(p.name, "utf-16-le")),
    ("unknown charset", lambda p: "filename*=x-nothing''" + percent(p.name)),
    ("no charset", lambda p: "filename*=''" + percent(p.name)),
    ("no quotes", lambda p: "filename*=" + percent(p.name)),
    ("quoted", lambda p: 'filename*="utf-8\'\'%s"' % percent(p.name)),
    ("on many lines", lambda p: "filename*0*=utf-8''%s;\r\n filename*1*=%%2E;\r\n filename*2*=%s"
     % (percent(p.stem), percent(p.ext))),
    ("lines cut in the ending", lambda p: "filename*0=%s.%s;\r\n filename*1=%s"
     % (p.stem, p.ext[:1], p.ext[1:])),
    ("as name*", None),
], lambda p, make: with_file(p.content, OCTETS + "; name*=utf-8''" + percent(p.name), "attachment")
    if make is None else disposed(p, make(p)))

# 2: section 3 of the same.
table(2, [
    ("out of order", lambda p: 'filename*1=".%s"; filename*0="%s"' % (p.ext, p.stem)),
    ("a gap", lambda p: 'filename*0="%s"; filename*2=".%s"' % (p.stem, p.ext)),
    ("from one", lambda p: 'filename*1="%s"; filename*2=".%s"' % (p.stem, p.ext)),
    ("given twice", lambda p: 'filename*0="%s"; filename*1=".txt"; filename*1=".%s"'
     % (p.stem, p.ext)),
    ("plain first", lambda p: 'filename="notes.txt"; filename*0="%s"; filename*1=".%s"'
     % (p.stem, p.ext)),
    ("plain last", lambda p: 'filename*0="%s"; filename*1=".%s"; filename="notes.txt"'
     % (p.stem, p.ext)),
    ("zeros before", lambda p: 'filename*00="%s"; filename*01=".%s"' % (p.stem, p.ext)),
    ("a letter each", lambda p: "; ".join(
        "filename*%d=%s" % (n, c) for n, c in enumerate(p.name))),
    ("some encoded", lambda p: "filename*0*=utf-8''%s; filename*1=\".\"; filename*2*=%s"
     % (percent(p.stem), percent(p.ext))),
    ("encoded without star", lambda p: "filename*0=utf-8''%s; filename*1=%%2E%s"
     % (p.stem, p.ext)),
], lambda p, make: disposed(p, make(p)))


def word(text, charset="utf-8"):
    """An encoded word (RFC 2047) by base64."""
    import base64

    return "=?%s?B?%s?=" % (charset, base64.b64encode(text.encode(charset)).decode())


def q_word(text):
    """An encoded word with every character in its Q form."""
    return "=?utf-8?Q?%s?=" % "".join("=%02X" % b for b in text.encode())


# 3: encoded words have no place in parameters (RFC 2047 section 5), and everyone reads them.
table(3, [
    ("quoted", lambda p: 'filename="%s"' % word(p.name)),
    ("unquoted", lambda p: "filename=" + word(p.name)),
    ("Q", lambda p: 'filename="%s"' % q_word(p.name)),
    ("split words", lambda p: 'filename="%s\r\n %s"' % (word(p.stem + "."), word(p.ext))),
    ("split without a blank", lambda p: 'filename="%s%s"' % (word(p.stem), q_word("." + p.ext))),
    ("half a word", lambda p: 'filename="%s%s"' % (p.stem, word("." + p.ext))),
    ("a word, then the ending", lambda p: 'filename="%s.%s"' % (word(p.stem), p.ext)),
    ("lower case", lambda p: 'filename="%s"' % word(p.name).replace("?B?", "?b?")),
    ("UTF-16", lambda p: 'filename="%s"' % word(p.name, "utf-16-be")),
    ("inside RFC 2231", lambda p: "filename*=utf-8''" + percent(word(p.name))),
    ("raw latin", lambda p: b'filename="f\xfcr ' + raw(p.name) + b'"'),
    ("raw UTF-8", lambda p: 'filename="f\u00fcr %s"' % p.name),
], lambda p, make: disposed(p, make(p)))


def two_names(p, make):
    type_, disposition, more = make(p)
    return with_file(p.content, type_, disposition, more=more)


# 4: the first, the last, the longest: each reader has its own.
table(4, [
    ("plain against star", lambda p: (
        OCTETS, "attachment; filename=\"notes.txt\"; filename*=utf-8''%s" % p.name, ())),
    ("star against plain", lambda p: (
        OCTETS, "attachment; filename*=utf-8''notes.txt; filename=\"%s\"" % p.name, ())),
    ("name against filename", lambda p: (
        OCTETS + '; name="%s"' % p.name, 'attachment; filename="notes.txt"', ())),
    ("filename against name", lambda p: (
        OCTETS + '; name="notes.txt"', 'attachment; filename="%s"' % p.name, ())),
    ("given twice, last", lambda p: (
        OCTETS, 'attachment; filename="notes.txt"; filename="%s"' % p.name, ())),
    ("given twice, first", lambda p: (
        OCTETS, 'attachment; filename="%s"; filename="notes.txt"' % p.name, ())),
    ("name alone", lambda p: (OCTETS + '; name="%s"' % p.name, None, ())),
    ("description alone", lambda p: (
        OCTETS, "attachment", ("Content-Description: " + p.name,))),
    ("empty filename", lambda p: (
        OCTETS + '; name="%s"' % p.name, 'attachment; filename=""', ())),
    ("inline", lambda p: (OCTETS, 'inline; filename="%s"' % p.name, ())),
], two_names)

# 5: what the desktop hides is the last ending.
table(5, [
    ("picture", ".jpg"), ("document", ".pdf"), ("four letters", ".jpeg"), ("html", ".html"),
    ("three endings", ".tar.pdf"), ("date", ".2026.11"), ("blank between", ".doc "),
    ("upper case", ".PDF"),
], lambda p, between: named(p.content, p.stem + between + "." + p.ext))

# 6: what Windows cuts off.
table(6, [
    ("dot", "."), ("dots", "..."), ("blank", " "), ("blanks and dots", " . ."),
    ("no-break blank", "\u00a0"), ("zero-width blank", "\u200b"), ("joiner", "\u2060"),
    ("stream", "::$DATA"), ("quote", "'"), ("percent zero", "%00.txt"), ("slash", "/"),
    ("ideographic blank", "\u3000"),
], lambda p, end: named(p.content, p.name + end))

# 7: what a person sees is not what a program does.
FULL = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(0x21, 0x7F))}
table(7, [
    ("right to left", lambda p: p.stem + "\u202egpj." + p.ext),
    ("isolate", lambda p: p.stem + "\u2067gpj\u2069." + p.ext),
    ("mark before the ending", lambda p: p.stem + ".\u200e" + p.ext),
    ("invisible inside", lambda p: p.stem + "." + "\u200b".join(p.ext)),
    ("soft hyphen inside", lambda p: p.stem + "." + p.ext[:1] + "\u00ad" + p.ext[1:]),
    ("full width", lambda p: p.stem + "." + p.ext.translate(FULL)),
    ("full-width dot", lambda p: p.stem + "\uff0e" + p.ext),
    ("one dot leader", lambda p: p.stem + "\u2024" + p.ext),
    ("variation selector", lambda p: p.stem + "." + p.ext + "\ufe0f"),
    ("combining", lambda p: p.stem + "." + p.ext[:1] + "\u034f" + p.ext[1:]),
], lambda p, make: disposed(p, "filename*=utf-8''" + percent(make(p))))

# 8: who stores it as a URL decodes it.
table(8, [
    ("dot", lambda p: p.stem + "%2E" + p.ext),
    ("whole ending", lambda p: p.stem + "." + percent(p.ext)),
    ("lower case", lambda p: p.stem + "%2e" + p.ext),
    ("twice", lambda p: p.stem + "%252E" + p.ext),
    ("whole name", lambda p: percent(p.name)),
    ("dot and blank", lambda p: p.stem + "." + p.ext + "%20"),
], lambda p, make: named(p.content, make(p)))

# 9: a name that ends in a class identifier is opened by that class, whatever it shows.
CLASSES = [
    ("HTML application", "{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("shell script", "{06290BD5-48AA-11D2-8432-006008C3FBFC}"),
    ("control panel", "{21EC2020-3AEA-1069-A2DD-08002B30309D}"),
    ("lower case", "{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}"),
    ("after an ending", "txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}"),
]
table(9, CLASSES, lambda p, ending: named(
    p.content, p.stem + "." + ("{draft of November, third one}.txt" if p.harmless else ending)))

# 10: what does not fit is cut, each program at another place.
table(10, [
    ("long", lambda p: "a" * 240 + "." + p.ext),
    ("very long", lambda p: "a" * 900 + "." + p.ext),
    ("blanks", lambda p: p.stem + ".pdf" + " " * 120 + "." + p.ext),
    ("many blanks", lambda p: p.stem + " " * 700 + "." + p.ext),
    ("ending before the length", lambda p: p.name + " " * 250 + ".txt"),
    ("many dots", lambda p: p.stem + "." * 200 + p.ext),
], lambda p, make: named(p.content, make(p)))

# 11: C programs stop at NUL; terminals and file systems at others.
table(11, [
    ("NUL by RFC 2231", lambda p: "filename*=utf-8''%s%%00.txt" % p.name),
    ("NUL before the ending", lambda p: "filename*=utf-8''%s%%00.%s" % (p.stem, p.ext)),
    ("newline", lambda p: "filename*=utf-8''%s%%0A.%s" % (p.stem, p.ext)),
    ("return", lambda p: "filename*=utf-8''%s.%s%%0D%%0A" % (p.stem, p.ext)),
    ("tab", lambda p: 'filename="%s\t.%s"' % (p.stem, p.ext)),
    ("backspace", lambda p: 'filename="%s.txt\b\b\b%s"' % (p.stem, p.ext)),
    ("escape", lambda p: 'filename="%s\x1b[2K.%s"' % (p.stem, p.ext)),
    ("delete", lambda p: 'filename="%s.%s\x7f"' % (p.stem, p.ext)),
], lambda p, make: disposed(p, make(p)))


@variant(4, "two dispositions")
def _(p):
    more = ('Content-Disposition: attachment; filename="%s"' % p.name,)
    return multipart([text_part(), attachment(
        p.content, OCTETS, 'attachment; filename="notes.txt"', more=more)])
