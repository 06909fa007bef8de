"""Writes the corpus: one file a message and `manifest.jsonl`, the same for the same seed, but for
the times and salts that 7z, genisoimage, arj and their like put into what they make.

    generate.py FOLDER SEED SAMPLE

Of SAMPLE variants times payloads one is taken, at random; 1 takes all.
"""

import json
import os
import random
import sys

import payloads
import registry
# Each registers its families.
import archives  # noqa: F401
import documents  # noqa: F401
import nested  # noqa: F401
import names  # noqa: F401
import olden  # noqa: F401
import structure  # noqa: F401
import transfer  # noqa: F401
import zips  # noqa: F401


def messages(seed, sample):
    """Every message: (manifest entry, bytes)."""
    number = 0
    for one in registry.VARIANTS:
        for kind in one.kinds or payloads.KINDS:
            number += 1
            # A pair has dice of its own, so that a sample's messages are those of the whole.
            dice = random.Random("%d %d" % (seed, number))
            if dice.randrange(sample):
                continue
            for is_twin in (False, True):
                make = payloads.twin if is_twin else payloads.danger
                p = make(kind, dice)
                name = "%04d%s" % (number, "t" if is_twin else "e")
                body = one.make(p)
                yield {
                    "id": name, "family": one.family, "variant": one.name, "kind": kind,
                    "twin": is_twin, "mark": p.mark.decode("ascii"), **one.notes,
                }, b"X-Corpus-Id: " + name.encode() + b"\r\n" + body


def main():
    """The program."""
    folder, seed, sample = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(os.path.join(folder, "manifest.jsonl"), "w") as manifest:
        for entry, content in messages(seed, sample):
            with open(os.path.join(folder, entry["id"] + ".eml"), "wb") as file:
                file.write(content)
            manifest.write(json.dumps(entry) + "\n")
    with open(os.path.join(folder, "families.json"), "w") as file:
        json.dump(registry.FAMILIES, file)


if __name__ == "__main__":
    main()
