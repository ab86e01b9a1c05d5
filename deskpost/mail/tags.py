"""Lists of `name=value;`, as DKIM and DMARC write them (RFC 6376, section 3.2)."""

import re
from typing import Final

MAX_TAGS: Final = 100

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def read_tags(text: str) -> dict[str, str] | None:
    """The tags by name, in the order written, or None where the list is malformed.

    A tag that stands there twice, or has no "=", makes the list malformed. Values keep the white
    space within them.
    """
    pieces = text.split(";", MAX_TAGS)
    if len(pieces) > MAX_TAGS:
        return None
    if not pieces[-1].strip():
        pieces.pop()
    found: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or name in found or not _NAME.fullmatch(name):
            return None
        found[name] = value.strip()
    return found
