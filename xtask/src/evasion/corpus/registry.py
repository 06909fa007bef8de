"""The list of families, and how a variant says that it belongs to one.

A variant is a function from a payload to the bytes of a message: given a harmless payload it makes
the twin, so both have the same shape by construction.
"""

from dataclasses import dataclass, field

FAMILIES = {
    1: "names by RFC 2231",
    2: "continued names",
    3: "encoded words in names",
    4: "names that disagree",
    5: "double extensions",
    6: "ends of names",
    7: "direction and look-alikes",
    8: "percent signs in names",
    9: "class identifiers as names",
    10: "long names",
    11: "control characters in names",
    12: "content, name and type disagree",
    13: "zip directories that lie",
    14: "archives of many kinds",
    15: "archives in archives and documents",
    16: "folders in archives",
    17: "passwords",
    18: "archives under other names",
    19: "bombs",
    20: "TNEF",
    21: "uuencode and yEnc",
    22: "BinHex and Apple's forms",
    23: "messages in messages",
    24: "message/partial",
    25: "message/external-body",
    26: "signed and opaque parts",
    27: "macros and objects",
    28: "active pages and pictures",
    29: "installers, images, shortcuts",
    30: "ambiguous structure",
    31: "transfer encodings",
    32: "PDF",
    33: "line ends and NUL",
    34: "parameters",
}


@dataclass
class Variant:
    """One trick of a family."""

    family: int
    name: str
    make: object
    kinds: tuple = ()
    notes: dict = field(default_factory=dict)


VARIANTS = []

# What is dangerous without its name: tricks that lose the name carry these.
NAMELESS = ("by_content", "both", "script", "macro", "eicar")


def variant(family, name, kinds=(), **notes):
    """Registers a trick; `kinds` are the payloads that it can carry, all if none is named.

    Notes: `encrypted=True` and `over_limit=True` set its twins aside, as does `prohibited=True`:
    the shape itself is on the default list (a disk image, a fragment, a part that is elsewhere),
    whatever is in it. `password="..."` is what a person would be told.
    """

    def register(make):
        VARIANTS.append(Variant(family, name, make, kinds, notes))
        return make

    return register


def table(family, rows, make, kinds=(), **notes):
    """Registers many tricks that differ in one argument: rows of (name, argument)."""
    for name, argument in rows:
        variant(family, name, kinds, **notes)(lambda p, argument=argument: make(p, argument))
