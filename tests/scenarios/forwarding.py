"""What dkimpy says of a message's ARC chain, with the records of a zone file."""
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


result, sets, reason = dkim.arc_verify(message, dnsfunc=dns)
print(result.decode(), len(sets), reason)
