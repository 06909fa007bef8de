"""Prints what Python's email package sees in each file of a folder: file, reader, content in hex."""

import email
import email.policy
import os
import sys

for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        message = file.read()
    for policy in (email.policy.compat32, email.policy.default):
        try:
            root = email.message_from_bytes(message, policy=policy)
            for part in root.walk():
                if isinstance(part.get_payload(), list):
                    continue
                content = part.get_payload(decode=True)
                if content is not None:
                    print(name, "python", content.hex())
        except Exception as error:  # What Python cannot read it does not extract.
            print(name, "python-fails", repr(error).encode().hex())
