"""Chromium at the release page, driven over WebDriver: what a person sees, and what a foreign page
can do. Prints a JSON object; every wait has its end."""
import html
import http.server
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SECONDS_MAX = 60
host, link, mark = sys.argv[1:]
path = link.split("/", 3)[3]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Foreign(http.server.BaseHTTPRequestHandler):
    """Another site's page, with a form like ours: also its mark is right."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        form = (f'<!DOCTYPE html><title>prize</title><form method="post" action="{html.escape(link)}">'
                f'<input type="hidden" name="mark" value="{html.escape(mark)}">'
                '<button type="submit">win</button></form>')
        self.wfile.write(form.encode())

    def log_message(self, *_):
        pass


foreign = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
threading.Thread(target=foreign.serve_forever, daemon=True).start()
driver_port, profile = free_port(), tempfile.mkdtemp()
driver = subprocess.Popen(["chromedriver", f"--port={driver_port}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ask(method, where, told=None):
    data = None if told is None else json.dumps(told).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{driver_port}{where}", data, method=method,
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(error.read().decode()) from error


def until(what):
    """The first true answer."""
    begun = time.monotonic()
    while True:
        try:
            found = what()
        except (OSError, RuntimeError) as error:
            found, why = None, error
        else:
            why = found
        if found:
            return found
        if time.monotonic() - begun > SECONDS_MAX:
            raise SystemExit(f"waited in vain: {why}")
        time.sleep(0.1)


def see():
    script = """return {
        title: document.title,
        heading: document.querySelector("h1")?.textContent ?? "",
        text: document.body.innerText,
        scripts: document.querySelectorAll("script, img, iframe, [onclick]").length,
        display: getComputedStyle(document.querySelector("dl") ?? document.body).display,
    }"""
    return ask("POST", f"{session}/execute/sync", {"script": script, "args": []})


def open_page(url):
    ask("POST", f"{session}/url", {"url": url})
    return see()


def press():
    """Presses the button, and waits for another page."""
    before = see()["title"]
    found = ask("POST", f"{session}/element", {"using": "css selector", "value": "button"})
    ask("POST", f"{session}/element/{next(iter(found.values()))}/click", {})
    until(lambda: see()["title"] != before)
    return see()


session = None
try:
    until(lambda: ask("GET", "/status")["ready"])
    made = ask("POST", "/session", {"capabilities": {"alwaysMatch": {
        "acceptInsecureCerts": True,
        "timeouts": {"pageLoad": 30_000, "script": 30_000},
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", f"--user-data-dir={profile}",
            f"--host-resolver-rules=MAP {host} 127.0.0.1",
        ]},
    }}})
    session = f"/session/{made['sessionId']}"
    seen = {}
    open_page(f"http://127.0.0.1:{foreign.server_port}/")
    seen["foreign"] = press()
    seen["page"] = open_page(link)
    seen["asked"] = press()
    seen["again"] = open_page(link)
    seen["log"] = ask("POST", f"{session}/se/log", {"type": "browser"})
    print(json.dumps(seen))
finally:
    try:
        if session:
            ask("DELETE", session)
    finally:
        driver.terminate()
        driver.wait(timeout=SECONDS_MAX)
        shutil.rmtree(profile, ignore_errors=True)
