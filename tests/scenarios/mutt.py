"""What mutt makes of a message: mutt.py FILE

FILE is one message with CRLF line ends. mutt opens it on a terminal of its own, decodes it as it
does for a reader, and what it shows is printed.
"""
import os
import pathlib
import pty
import select
import sys
import tempfile
import time

SECONDS_MAX = 30

folder = pathlib.Path(tempfile.mkdtemp())
box, out = folder / "box", folder / "out"
(folder / "Mail").mkdir()  # or mutt asks whether to make it
message = pathlib.Path(sys.argv[1]).read_bytes().replace(b"\r\n", b"\n")
box.write_bytes(b"From carol@elsewhere.example Wed Nov 25 12:00:00 2026\n" + message + b"\n")
keys = f"<pipe-message>cat > {out}<enter><exit>"
settings = 'set pipe_decode=yes wait_key=no prompt_after=no charset=utf-8'
arguments = ["mutt", "-n", "-F", "/dev/null", "-R", "-e", settings, "-e", f'push "{keys}"']
child, terminal = pty.fork()
if child == 0:
    environment = os.environ | {"TERM": "xterm", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    os.execvpe("mutt", [*arguments, "-f", str(box)], environment)
ends = time.monotonic() + SECONDS_MAX
shown = b""
while time.monotonic() < ends:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
else:
    os.kill(child, 9)
    sys.exit(f"mutt did not end: {shown[-2000:]!r}")
os.waitpid(child, 0)
if not out.exists():
    sys.exit(f"mutt showed nothing: {shown[-2000:]!r}")
sys.stdout.buffer.write(out.read_bytes())
