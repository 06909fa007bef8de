"""The messages that filters are measured with: corpus.py FOLDER

FOLDER/small: 250 messages of text, half of them with an HTML form, about 10 KiB each.
FOLDER/large: 40 messages with one attachment of 10 KiB to 5 MiB (incompressible, text, zip).

The same on every machine: seeded, and made of Python's own documentation.
"""
import email.message
import email.utils
import io
import pathlib
import random
import sys
import zipfile
from pydoc_data import topics

RNG = random.Random(20240601)
TEXT = [
    part.strip()
    for topic in sorted(topics.topics)
    for part in topics.topics[topic].split("\n\n")
    if 40 < len(part) < 2000
]


def head(message, number):
    hop = f"mail{number}.example.net ([203.0.113.{number % 250 + 1}])"
    date = email.utils.formatdate(1700000000 + number * 61)
    message["Received"] = f"from {hop} by mx.bench.test with ESMTPS id {number:x}; {date}"
    message["From"] = f"Person {number} <p{number}@example{number % 17}.org>"
    message["To"] = "u@bench.test"
    message["Subject"] = " ".join(RNG.choice(TEXT).split()[:8])
    message["Date"] = date
    message["Message-ID"] = f"<{RNG.getrandbits(64):x}@example{number % 17}.org>"


def words(size):
    parts, length = [], 0
    while length < size:
        part = RNG.choice(TEXT)
        parts.append(part)
        length += len(part)
    return "\n\n".join(parts)


def small(number):
    message = email.message.EmailMessage()
    head(message, number)
    text = words(int(10 ** RNG.uniform(2.8, 4.4)))
    message.set_content(text)
    if number % 2:
        paragraphs = "".join(
            f"<p style='font-family:Arial'>{part.replace('<', '&lt;')} "
            f"<a href='https://example{RNG.randrange(40)}.com/{RNG.getrandbits(32):x}'>link</a></p>"
            for part in text.split("\n\n")
        )
        page = f"<html><body><table>{paragraphs}</table></body></html>"
        message.add_alternative(page, subtype="html")
    return message


def large(number):
    message = email.message.EmailMessage()
    head(message, 1000 + number)
    message.set_content(words(1500))
    size = int(10 ** RNG.uniform(4, 6.69897))
    if number % 3 == 0:
        # The first bytes of a picture, so that no filter takes noise for something else.
        data, name, kind = b"\xff\xd8\xff\xe0" + RNG.randbytes(size), "photo.jpg", "image/jpeg"
    elif number % 3 == 1:
        data, name, kind = words(size).encode()[:size], "report.txt", "application/octet-stream"
    else:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("data.bin", RNG.randbytes(size * 3 // 4))
            zipped.writestr("notes.txt", words(size)[:size])
        data, name, kind = archive.getvalue(), "archive.zip", "application/zip"
    maintype, subtype = kind.split("/")
    message.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return message


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, count, make in (("small", 250, small), ("large", 40, large)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            text = make(number).as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            (folder / name / f"{number:03}.eml").write_bytes(text)


main()
