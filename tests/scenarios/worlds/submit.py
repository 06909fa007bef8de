"""A mail program of a user: finds its server by name, believes its certificate, logs in, sends."""
import smtplib
import ssl
import sys

server, authority, user, password, message, *to = sys.argv[1:]
with smtplib.SMTP(server, 587, timeout=30) as client:
    client.starttls(context=ssl.create_default_context(cafile=authority))
    client.login(user, password)
    client.sendmail(user, to, message.encode())
print("sent")
