"""What dkimpy says of each signature of a message, with the records of a zone file."""
import json
import re
import sys

import dkim

zone, message = open(sys.argv[1]).read(), sys.argv[2].encode()
records = {}
for name, value in re.findall(r"^(\S+) TXT (.*)$", zone, re.MULTILINE):
    records[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)).encode()


def dns(name, timeout=5):
    name = name if isinstance(name, str) else name.decode()
    return records.get(name)


verifier = dkim.DKIM(message)
count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
print(json.dumps([bool(dkim.DKIM(message).verify(idx=i, dnsfunc=dns)) for i in range(count)]))
