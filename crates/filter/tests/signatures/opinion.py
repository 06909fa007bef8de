"""What dkimpy (Debian: python3-dkim, python3-authres) says of messages, or makes of them.

Reads a request as JSON from the standard input and answers in JSON, one answer a message; bytes
are base64. Nothing is asked of the network: keys come with the request.
"""

import base64
import json
import sys

import dkim


def main():
    request = json.load(sys.stdin)
    keys = {name.encode() + b".": text.encode() for name, text in request["keys"].items()}

    def dns(name, timeout=5):
        name = name if isinstance(name, bytes) else name.encode()
        return keys.get(name if name.endswith(b".") else name + b".")

    messages = [base64.b64decode(message) for message in request["messages"]]
    task = TASKS[request["task"]]
    json.dump([task(request, message, dns) for message in messages], sys.stdout)


def verify(request, message, dns):
    """Each signature in turn."""
    verifier = dkim.DKIM(message)
    count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
    return [bool(dkim.DKIM(message).verify(idx=i, dnsfunc=dns)) for i in range(count)]


def sign(request, message, dns):
    header, body = request["canonicalization"].encode().split(b"/")
    field = dkim.sign(
        message,
        request["selector"].encode(),
        request["domain"].encode(),
        private_key(request),
        canonicalize=(header, body),
        signature_algorithm=request["algorithm"].encode(),
    )
    return base64.b64encode(field + message).decode()


def verify_chain(request, message, dns):
    result, sets, reason = dkim.arc_verify(message, dnsfunc=dns)
    return {"result": result.decode(), "reason": reason, "sets": len(sets)}


def seal(request, message, dns):
    fields = dkim.arc_sign(
        message,
        request["selector"].encode(),
        request["domain"].encode(),
        private_key(request),
        request["server"].encode(),
        signature_algorithm=request["algorithm"].encode(),
    )
    return base64.b64encode(b"".join(fields) + message).decode()


def private_key(request):
    """dkimpy takes RSA as PEM, and of Ed25519 the seed alone: the end of PKCS#8 version 1."""
    pem = request["key"]
    if request["algorithm"].startswith("rsa"):
        return pem.encode()
    lines = [line for line in pem.splitlines() if not line.startswith("-----")]
    return base64.b64encode(base64.b64decode("".join(lines))[-32:])


TASKS = {"verify": verify, "sign": sign, "verify_chain": verify_chain, "seal": seal}
main()
