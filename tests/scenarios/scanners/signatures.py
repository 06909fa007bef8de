"""Signatures as if of ClamAV's own, without its signature (.cud): signatures.py FILE DAYS

Made so many days ago. The standard library alone.
"""
import gzip
import hashlib
import io
import sys
import tarfile
import time

file, days = sys.argv[1], int(sys.argv[2])
at = int(time.time()) - days * 86_400
date = time.strftime("%d %b %Y %H-%M +0000", time.gmtime(at))
head = f"ClamAV-VDB:{date}:27500:1:90:X:X:tests:{at}"
rules = b"Test.Other:0:*:" + b"nobody writes this".hex().encode() + b"\n"
info = f"{head}\ndaily.ndb:{len(rules)}:{hashlib.sha256(rules).hexdigest()}\n".encode()

out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
    for name, data in (("daily.info", info), ("daily.ndb", rules)):
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
with open(file, "wb") as made:
    made.write(head.ljust(512).encode() + gzip.compress(out.getvalue()))
