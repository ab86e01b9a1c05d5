"""The messages of a POP3 mailbox: their lasting names (UIDL) and sizes (LIST), RFC 1939."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deskpost.inbound.channels.source import Item

MOST_LISTING = 32 * 1024 * 1024  # bytes: some 400,000 messages
LONGEST_UID = 70
_MOST_DIGITS = 15


class Malformed(ValueError):
    """A line that a listing must not have; the message shows it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """`items` in the mailbox's order, and under which numbers each lies in this session."""

    items: Sequence[Item]
    numbers: Mapping[str, Sequence[int]]


def read_uids(lines: bytes) -> dict[int, bytes]:
    """Read the answer to UIDL: unique id by number. Raises Malformed."""
    found: dict[int, bytes] = {}
    for line in lines.split(b"\r\n")[:-1]:
        number, _, uid = line.partition(b" ")
        uid = uid.strip()
        if not uid or _number(number, line) in found:
            raise Malformed(_shown(line))
        found[_number(number, line)] = uid
    return found


def read_sizes(lines: bytes) -> dict[int, int]:
    """Read the answer to LIST: bytes by number; more may stand behind. Raises Malformed."""
    found: dict[int, int] = {}
    for line in lines.split(b"\r\n")[:-1]:
        parts = line.split(maxsplit=2)
        if len(parts) < 2 or _number(parts[0], line) in found:
            raise Malformed(_shown(line))
        found[_number(parts[0], line)] = _number(parts[1], line)
    return found


def join(uids: Mapping[int, bytes], sizes: Mapping[int, int]) -> Listing:
    """Make one of both. Raises Malformed if they do not speak of the same messages.

    RFC 1939, section 7, lets identical copies have the same id: these count as one message, and
    all its numbers are kept. Where the sizes differ they are no copies, and have ids of our own.
    """
    if uids.keys() != sizes.keys():
        raise Malformed(f"UIDL has {len(uids)} messages, LIST {len(sizes)}, not the same")
    items: dict[str, Item] = {}
    numbers: dict[str, list[int]] = {}
    for number in sorted(uids):
        name, size = uid_of(uids[number]), sizes[number]
        if name in items and items[name].size != size:
            name = uid_of(uids[number] + b" " + str(size).encode())
        items.setdefault(name, Item(uid=name, size=size))
        numbers.setdefault(name, []).append(number)
    return Listing(list(items.values()), numbers)


def uid_of(said: bytes) -> str:
    """Return a unique id as it is if RFC 1939 allows it, else its SHA-256: 71 characters."""
    if len(said) <= LONGEST_UID and all(0x21 <= byte <= 0x7E for byte in said):
        return said.decode("ascii")
    return "sha256:" + hashlib.sha256(said).hexdigest()


def _number(said: bytes, line: bytes) -> int:
    if not said.isdigit() or len(said) > _MOST_DIGITS:
        raise Malformed(_shown(line))
    return int(said)


def _shown(line: bytes) -> str:
    return line[:200].decode("utf-8", "replace")
