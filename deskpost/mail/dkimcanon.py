"""A message as DKIM sees it: its headers, and its body in the two forms (RFC 6376, section 3.4)."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from deskpost.mail.structure import Limits, read_headers

PIECE: Final = 256 * 1024  # octets of a body that are put into form at one time

_LIMITS: Final = Limits()
_BLANKS = re.compile(rb"[ \t]++")


class Message:
    """The headers of a message as they were sent, and the digests of its body, each made once.

    `truncated` says that there were more headers than are read. Never raises.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        found, self._start, self.truncated = read_headers(
            raw, 0, len(raw), size=_LIMITS.header_bytes, count=_LIMITS.headers
        )
        self.headers = tuple((name.encode("ascii"), value) for name, value in found)
        self._digests: dict[str, tuple[bytes, int]] = {}

    def count(self, name: bytes) -> int:
        """How many headers have that name, which is in lower case."""
        return sum(1 for found, _ in self.headers if found.lower() == name)

    def body_digest(self, form: str) -> tuple[bytes, int]:
        """The SHA-256 of the body in the form "simple" or "relaxed", and that form's length."""
        if form not in self._digests:
            digest, length = hashlib.sha256(), 0
            for piece in canonical_body(self._raw, self._start, form=form):
                digest.update(piece)
                length += len(piece)
            self._digests[form] = digest.digest(), length
        return self._digests[form]


def canonical_header(name: bytes, value: bytes, *, form: str) -> bytes:
    """One header in the form "simple" or "relaxed", with its line end."""
    value = value.replace(b"\r\n", b"\n").removesuffix(b"\n")
    if form == "simple":
        return name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"
    value = _BLANKS.sub(b" ", value.replace(b"\n", b""))
    return name.lower() + b":" + value.strip(b" ") + b"\r\n"


def canonical_body(raw: bytes, start: int, *, form: str) -> Iterator[bytes]:
    """The body in the form "simple" or "relaxed", in pieces; line ends become CRLF.

    Time is linear in the size, whatever the body holds.
    """
    relaxed = form == "relaxed"
    end = _end(raw, start, b" \t\r\n" if relaxed else b"\r\n")
    position, blank = start, b""
    while position < end:
        cut = min(end, position + PIECE)
        if raw[cut - 1 : cut] == b"\r":
            cut -= 1  # a line end is not divided
        piece = blank + raw[position:cut].replace(b"\r\n", b"\n")
        if relaxed:
            piece, blank = _relaxed(piece)
        yield piece.replace(b"\n", b"\r\n")
        position = cut
    # An empty body is nothing in the one form, and a line end in the other.
    if end > start or not relaxed:
        yield b"\r\n"


def _end(raw: bytes, start: int, white: bytes) -> int:
    """Where the body ends without the white space at its end, found a piece at a time."""
    end = len(raw)
    while end > start:
        begin = max(start, end - PIECE)
        kept = len(raw[begin:end].rstrip(white))
        if kept:
            return begin + kept
        end = begin
    return start


def _relaxed(piece: bytes) -> tuple[bytes, bytes]:
    """A piece with its blanks made one, none before a line end; and a blank that it ended with.

    Halving runs is many times as fast as a pattern, which would also keep other threads waiting.
    """
    piece = piece.replace(b"\t", b" ")
    while b"  " in piece:
        piece = piece.replace(b"  ", b" ")
    piece = piece.replace(b" \n", b"\n")
    return (piece[:-1], b" ") if piece.endswith(b" ") else (piece, b"")
