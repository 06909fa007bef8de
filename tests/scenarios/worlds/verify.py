"""What dkimpy says of each signature of a message, asking the resolver of this machine."""
import json
import sys

import dkim

message = sys.stdin.buffer.read()
verifier = dkim.DKIM(message)
count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
print(json.dumps([bool(dkim.DKIM(message).verify(idx=i)) for i in range(count)]))
