"""The policies of MTA-STS over HTTPS, as a web server of the domains has them (RFC 8461 §3.3).

policies.py ADDRESS CERTIFICATE KEY POLICIES: POLICIES is JSON, the server that may take the mail of
each domain.
"""

import http.server
import json
import ssl
import sys

address, certificate, key, policies = sys.argv[1:]
policies = json.loads(policies)


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        domain = self.headers.get("Host", "").removeprefix("mta-sts.")
        if self.path != "/.well-known/mta-sts.txt" or domain not in policies:
            return self.send_error(404)
        text = f"version: STSv1\r\nmode: enforce\r\nmx: {policies[domain]}\r\nmax_age: 86400\r\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


server = http.server.ThreadingHTTPServer((address, 443), Pages)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
