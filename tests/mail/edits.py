"""Ways to break a message. Each takes it, two places in it and a piece, and gives another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

MAX_BROKEN: Final = 64 * 1024  # octets; what repeats itself is cut here

Edit = Callable[[bytes, int, int, bytes], bytes]


def edited(raw: bytes, edits: list[tuple[Edit, int, int, bytes]]) -> bytes:
    """The message after these edits, each with two places and a piece of its own."""
    for edit, one, other, piece in edits:
        start, end = sorted((one % (len(raw) + 1), other % (len(raw) + 1)))
        raw = edit(raw, start, end, piece)[:MAX_BROKEN]
    return raw


def _truncate(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:end]


def _delete(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:start] + raw[end:]


def _duplicate(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:end] + raw[start:]


def _swap(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[end:] + raw[start:end] + raw[:start]


def _insert(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:start] + piece + raw[start:]


def _overwrite(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:start] + piece + raw[start + len(piece) :]


def _change_boundary(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    """One delimiter line, or the parameter, is no longer like the others."""
    found = re.compile(rb"--|boundary=").search(raw, start)
    return raw[: found.end()] + piece + raw[found.end() :] if found else raw


def _mangle_number(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    """A length, date, status or uuencoded count becomes enormous."""
    found = re.compile(rb"\d{1,20}").search(raw, start)
    return raw[: found.start()] + b"9" * 30 + raw[found.end() :] if found else raw


def _repeat(raw: bytes, start: int, end: int, piece: bytes) -> bytes:
    return raw[:start] + raw[start : min(end, start + 400)] * 100 + raw[end:]


EDITS: Final[tuple[Edit, ...]] = (
    _truncate,
    _delete,
    _duplicate,
    _swap,
    _insert,
    _overwrite,
    _change_boundary,
    _mangle_number,
    _repeat,
)
