"""Signs a message with dkimpy; the key is made if it is not there. Prints the record and the message."""
import base64
import json
import os
import subprocess
import sys

import dkim

key, domain, message = sys.argv[1:4]
if not os.path.exists(key):
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"], check=True,
                   capture_output=True)
public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True,
                        capture_output=True).stdout
record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
signed = message.encode()
if domain:
    signed = dkim.sign(signed, b"s", domain.encode(), open(key, "rb").read(),
                       include_headers=[b"from", b"subject"]) + signed
print(json.dumps({"record": record, "message": signed.decode()}))
