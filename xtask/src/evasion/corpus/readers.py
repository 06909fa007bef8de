"""Four readers that are not ours, and which of them get the mark out of a message.

    readers.py MANIFEST ORIGINALS [DELIVERED KNOWN]

Prints one JSON line a message: id, `original` and `delivered` (lists of readers; `delivered` is
null if the message did not arrive) and `changed`, whether what came is not what was sent. KNOWN is
what a run without DELIVERED printed: where nothing was changed, the readers are not asked again,
because what the server puts before a message hides nothing in it.
"""

import email
import email.policy
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile

import unpack

READERS = ("python", "mime-tools", "munpack", "ripmime")
SECONDS_MAX = 20
# A reader that is given a bomb does not fill the disk.
FILES_MAX = 2000

perl = None


def by_python(path, _folder):
    """Python's email package, in this process, by its old and its new rules."""
    with open(path, "rb") as file:
        content = file.read()
    for policy in (email.policy.compat32, email.policy.default):
        try:
            yield from unpack.leaves(email.message_from_bytes(content, policy=policy))
        except Exception:  # Its parser of headers raises many kinds.
            continue


def by_mime_tools(path, folder):
    """MIME-tools, in a Perl process of this worker."""
    global perl
    if perl is None or perl.poll() is not None:
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "readers.pl")
        perl = subprocess.Popen(["perl", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
    perl.stdin.write(path + "\t" + folder + "\n")
    perl.stdin.flush()
    perl.stdout.readline()
    yield from files(folder)


def by_program(command):
    """A reader that writes files into a folder."""

    def read(path, folder):
        with open(path, "rb") as file:
            try:
                subprocess.run(command(path, folder), stdin=file, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, timeout=SECONDS_MAX, cwd=folder,
                               env={**os.environ, "TMPDIR": folder})
            except subprocess.TimeoutExpired:
                pass
        yield from files(folder)

    return read


def by_munpack(path, folder):
    """munpack, on the message as it is and as Unix keeps mail: with CRLF it sees no end of the
    header of a message inside a message."""
    read = by_program(lambda path, folder: ["munpack", "-q", "-t", "-C", folder])
    yield from read(path, folder)
    with tempfile.TemporaryDirectory(prefix="reader-") as other:
        kept = os.path.join(other, "message")
        with open(path, "rb") as sent, open(kept, "wb") as file:
            file.write(sent.read().replace(b"\r\n", b"\n"))
        parts = os.path.join(other, "parts")
        os.mkdir(parts)
        yield from read(kept, parts)


def files(folder):
    """The contents of what was written."""
    count = 0
    for where, _, names in os.walk(folder):
        for name in names:
            count += 1
            path = os.path.join(where, name)
            if count > FILES_MAX or os.path.islink(path):
                continue
            with open(path, "rb") as file:
                yield file.read(unpack.MEMBER_MAX)


PROGRAMS = {
    "python": by_python,
    "mime-tools": by_mime_tools,
    "munpack": by_munpack,
    "ripmime": by_program(lambda path, folder: ["ripmime", "-i", path, "-d", folder]),
}


def who_finds(path, entry):
    """The readers that get the mark out of a message."""
    found = []
    for reader in READERS:
        folder = tempfile.mkdtemp(prefix="reader-")
        search = unpack.Search(entry["mark"].encode(), entry.get("password"))
        try:
            if any(search.found(content) for content in PROGRAMS[reader](path, folder)):
                found.append(reader)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def judge(task):
    """One message: as it was sent, or as it came."""
    entry, original, delivered, known = task
    if delivered is None:
        return {"id": entry["id"], "original": who_finds(original, entry), "delivered": None,
                "changed": False}
    result = {"id": entry["id"], "original": known, "delivered": None, "changed": True}
    if not os.path.exists(delivered):
        return result
    with open(original, "rb") as file:
        sent = file.read()
    with open(delivered, "rb") as file:
        result["changed"] = not file.read().endswith(sent)
    result["delivered"] = who_finds(delivered, entry) if result["changed"] else known
    return result


def lines(path):
    """The objects of a file, one a line."""
    with open(path) as file:
        return [json.loads(line) for line in file]


def main():
    """The program."""
    manifest, originals = sys.argv[1:3]
    delivered, known = (sys.argv[3:5] + [None, None])[:2]
    before = {one["id"]: one["original"] for one in lines(known)} if known else {}
    tasks = []
    for entry in lines(manifest):
        name = entry["id"] + ".eml"
        tasks.append((entry, os.path.join(originals, name),
                      delivered and os.path.join(delivered, name), before.get(entry["id"])))
    with multiprocessing.Pool(os.cpu_count() or 2) as pool:
        for result in pool.imap(judge, tasks, chunksize=8):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
