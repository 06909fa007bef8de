"""Asks a web server as no browser would: requests over one connection, told and answered as JSON."""
import http.client
import json
import ssl
import sys

port, requests = int(sys.argv[1]), json.loads(sys.argv[2])
context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
answers = []
for request in requests:
    body = request.get("body")
    try:
        connection.request(request["method"], request["path"], body, request.get("headers", {}))
        answer = connection.getresponse()
        answers.append({
            "status": answer.status,
            "headers": {name.lower(): value for name, value in answer.getheaders()},
            "body": answer.read().decode(),
        })
    except (http.client.HTTPException, OSError) as error:
        answers.append({"status": 0, "headers": {}, "body": repr(error)})
        connection.close()
connection.close()
print(json.dumps(answers))
