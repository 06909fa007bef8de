"""A zip whose only member is itself, so that who unpacks to the end never comes to it.

    quine.py FILE

After R. Cox, Zip Files All The Way Down (2010): a program of two instructions, "put out the next n
bytes" (L, a stored block) and "repeat the last n bytes" (R, a match), that puts out itself between
a head and a tail. An instruction is five bytes; head and tail have the one length for which that
is so.
"""

import struct
import sys
import zlib

# Instruction and head together, instruction and tail together: the longest match of deflate.
LONGEST = 258
SIDE = LONGEST - 5
NAME = b"quine.zip"


def literal(count):
    """L: the head of a stored block (RFC 1951 section 3.2.4)."""
    return struct.pack("<BHH", 0, count, count ^ 0xFFFF)


def repeat(count):
    """R: a block of matches by the fixed codes, filled to five bytes."""
    block = "0" + "10"  # Not the last; fixed codes, the lower bit first.
    if count == 20:
        # Length 10 (code 264), distance 20 (code 8 and 3 bits), twice: RFC 1951 section 3.2.5.
        match = "0001000" + "01000" + bits(3, 3)
        text = block + match + match + "0000000"
    else:
        # Length 258 (code 285), distance 258 (code 16 and 7 bits), then an empty block.
        text = block + "11000101" + "10000" + bits(1, 7) + "0000000" + block + "0000000"
    assert len(text) == 40, (count, len(text))
    return int(text[::-1], 2).to_bytes(5, "little")


def bits(value, count):
    """Extra bits come with the lowest first."""
    return format(value, "0%db" % count)[::-1]


def quine(crc=0):
    """The file, with this in the place of its checksum."""
    size = 2 * SIDE + 2 * SIDE + 5 * 30
    facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0x5B78, crc, size - SIDE - (SIDE - 5), size)
    extra = SIDE - 30 - len(NAME)
    head = (b"PK\3\4" + facts + struct.pack("<HH", len(NAME), extra) + NAME
            + struct.pack("<HH", 0x6363, extra - 4) + bytes(extra - 4))
    entry = (b"PK\1\2" + struct.pack("<H", 20) + facts
             + struct.pack("<HHHHHII", len(NAME), 0, 0, 0, 0, 0, 0) + NAME)
    comment = SIDE - 5 - len(entry) - 22
    # The tail begins with the last block, which is empty.
    tail = (b"\1\0\0\xff\xff" + entry + struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), size - SIDE + 5, comment)
        + bytes(comment))
    assert len(head) == len(tail) == SIDE
    side, four = literal(LONGEST), literal(20)
    again, r4, l0, l1 = repeat(LONGEST), repeat(20), literal(0), literal(5)
    out = head + side + head + side + again + l1 + again + l1 + l1 + four + again + l1 + l1 + four
    out += r4 + four + r4 + four + r4 + four + r4 + four + r4 + l0 + l0 + side
    out += r4 + l0 + l0 + side + again + tail + again + tail
    assert len(out) == size, (len(out), size)
    return out


def solved():
    """The file with its true checksum, which is linear in what stands for it."""
    base = zlib.crc32(quine(0))
    # Rows of (effect of a bit, that bit), for effect + bit = base over two elements.
    rows = [(zlib.crc32(quine(1 << n)) ^ base ^ 1 << n, 1 << n) for n in range(32)]
    crc, left = 0, base
    for n in range(31, -1, -1):
        pivot = next((row for row in rows if row[0] >> n & 1), None)
        if pivot is None:
            assert not left >> n & 1, "there is none; another name has one"
            continue
        rows = [(a ^ pivot[0], b ^ pivot[1]) if a >> n & 1 else (a, b)
                for a, b in rows if (a, b) != pivot]
        if left >> n & 1:
            left, crc = left ^ pivot[0], crc ^ pivot[1]
    return quine(crc)


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(solved())
