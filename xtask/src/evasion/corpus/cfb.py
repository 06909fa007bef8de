"""Compound files [MS-CFB] and macro projects [MS-OVBA], as small as readers accept them.

Sources of macros are written as uncompressed chunks, and sectors in their order, so that the mark
can be searched for.
"""

import struct

SECTOR, MINI = 512, 64
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
STREAM_MIN = 4096


def compound(tree):
    """A compound file; `tree` maps names to bytes (a stream) or to a dict (a storage)."""
    entries = [["Root Entry", 5, FREE, FREE, FREE, END, 0]]
    data = []
    _add(tree, 0, entries, data)
    sectors, chains = [], []

    def place(content):
        """Puts bytes into sectors of their own; the number of the first."""
        content = content.ljust(-(-len(content) // SECTOR) * SECTOR, b"\0")
        first, count = len(sectors), len(content) // SECTOR
        chains.extend([first + n + 1 for n in range(count - 1)] + [END])
        sectors.extend(content[n * SECTOR:(n + 1) * SECTOR] for n in range(count))
        return first

    minis, mini_chains = b"", []
    for index, content in data:
        entries[index][6] = len(content)
        if len(content) >= STREAM_MIN:
            entries[index][5] = place(content)
            continue
        first, count = len(minis) // MINI, -(-len(content) // MINI)
        entries[index][5] = first if count else END
        mini_chains += [first + n + 1 for n in range(count - 1)] + [END] * (count > 0)
        minis += content.ljust(count * MINI, b"\0")
    mini_fat, mini_fats = END, 0
    if minis:
        entries[0][5], entries[0][6] = place(minis), len(minis)
        mini_chains += [FREE] * (-len(mini_chains) % 128)
        mini_fats = len(mini_chains) // 128
        mini_fat = place(struct.pack("<%dI" % len(mini_chains), *mini_chains))
    unused = bytes(68) + struct.pack("<III", FREE, FREE, FREE) + bytes(48)
    directory = b"".join(_entry(*entry) for entry in entries)
    begin = place(directory + unused * (-len(entries) % 4))
    fats = 1
    while (len(chains) + fats) > fats * 128:
        fats += 1
    table = chains + [FAT] * fats
    at = len(sectors)
    table += [FREE] * (fats * 128 - len(table))
    packed = struct.pack("<%dI" % len(table), *table)
    sectors += [packed[n * SECTOR:(n + 1) * SECTOR] for n in range(fats)]
    header = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, fats, begin, 0, STREAM_MIN, mini_fat, mini_fats,
                          END, 0)
    places = [at + n for n in range(fats)] + [FREE] * (109 - fats)
    return header + struct.pack("<109I", *places) + b"".join(sectors)


def _add(tree, parent, entries, data):
    """Children of a storage, as a tree that leans right: legal, if not balanced."""
    names = sorted(tree, key=lambda name: (len(name), name.upper()))
    before = None
    for name in names:
        index = len(entries)
        content = tree[name]
        entries.append([name, 1 if isinstance(content, dict) else 2, FREE, FREE, FREE, 0, 0])
        if before is None:
            entries[parent][4] = index
        else:
            entries[before][3] = index
        before = index
        if isinstance(content, dict):
            _add(content, index, entries, data)
        else:
            data.append((index, content))


def _entry(name, kind, left, right, child, start, size):
    text = name.encode("utf-16-le")
    packed = text.ljust(64, b"\0") + struct.pack("<HBB", len(text) + 2, kind, 1)
    packed += struct.pack("<III", left, right, child) + bytes(36)
    return packed + struct.pack("<IQ", start, size)


def squeezed(content):
    """A CompressedContainer [MS-OVBA] 2.4.1 of literal tokens, or of raw chunks where it fits."""
    out = b"\x01"
    while content:
        chunk, content = content[:4096], content[4096:]
        if len(chunk) == 4096:
            out += struct.pack("<H", 0x3FFF) + chunk
            continue
        body = b"".join(b"\0" + chunk[n:n + 8] for n in range(0, len(chunk), 8))
        out += struct.pack("<H", 0xB000 | (len(body) - 1)) + body
    return out


def project(source):
    """The storages and streams of a macro project with one module."""
    module = squeezed(source.ljust(4096, b" "))
    name = b"Module1"
    records = [
        (0x01, struct.pack("<I", 1)), (0x02, struct.pack("<I", 0x409)),
        (0x14, struct.pack("<I", 0x409)), (0x03, struct.pack("<H", 1252)),
        (0x04, b"Project1"), (0x05, b""), (0x40, b""), (0x06, b""), (0x3D, b""),
        (0x07, struct.pack("<I", 0)), (0x08, struct.pack("<I", 0)),
    ]
    packed = b"".join(struct.pack("<HI", kind, len(value)) + value for kind, value in records)
    packed += struct.pack("<HIIH", 0x09, 4, 1, 1)
    packed += struct.pack("<HI", 0x0C, 0) + struct.pack("<HI", 0x3C, 0)
    packed += struct.pack("<HIH", 0x0F, 2, 1) + struct.pack("<HIH", 0x13, 2, 0xFFFF)
    wide = name.decode().encode("utf-16-le")
    for kind, value in [
        (0x19, name), (0x47, wide), (0x1A, name), (0x32, wide), (0x1C, b""), (0x48, b""),
        (0x31, struct.pack("<I", 0)), (0x1E, struct.pack("<I", 0)),
        (0x2C, struct.pack("<H", 0xFFFF)), (0x21, b""), (0x2B, b""), (0x10, b""),
    ]:
        packed += struct.pack("<HI", kind, len(value)) + value
    text = b'ID="{00000000-0000-0000-0000-000000000000}"\r\nModule=Module1\r\nName="Project1"\r\n'
    return {
        "VBA": {"dir": squeezed(packed), "_VBA_PROJECT": b"\xCC\x61\xFF\xFF\0\0\0",
                "Module1": module},
        "PROJECT": text,
    }
