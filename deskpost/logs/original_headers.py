"""The headers of a raw message as people read them, and the way that they say it took."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.logs.original import Original
from deskpost.logs.original_private import is_private, redacted
from deskpost.mail.structure import read_headers
from deskpost.mail.words import decode_words, header_text, one_line

BLOCK: Final = 128 * 1024  # octets of headers that are shown
MOST: Final = 400
LENGTH: Final = 4_000  # characters of one value
HOPS: Final = 50
READ_OF_HOP: Final = 2_000  # characters

_FROM = re.compile(r"\s{0,5}from\s{1,5}(\S{1,255})", re.IGNORECASE)
_BY = re.compile(r"\sby\s{1,5}([^\s;]{1,255})", re.IGNORECASE)
_WITH = re.compile(r"\swith\s{1,5}([^\s;]{1,60})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One header: its value as it is meant, and as it was sent where that differs. What was sent
    is left out where it spells a token of this site."""

    name: str
    value: str
    raw: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """All headers in their order, the lines that were not shown, and the servers on the way, the
    first one first."""

    lines: tuple[Line, ...]
    left_out: int
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A server that took the message over, by its own word. `seconds` since the one before it: not
    known where a moment is missing, negative where clocks differ."""

    sender: str
    server: str
    protocol: str
    at: datetime | None
    seconds: float | None = None

    @property
    def delay(self) -> str:
        """The time since the server before it, in words."""
        if self.seconds is None:
            return "–"
        if self.seconds < 0:
            return _("clocks differ by %(time)s") % {"time": words.length(-self.seconds)}
        return words.length(self.seconds)


def headers(original: Original) -> Headers:
    """Return the headers of a message. Never raises."""
    raw = original.raw
    found, _start, left_out = read_headers(raw, 0, len(raw), size=BLOCK, count=MOST)
    lines = tuple(_line(name, value) for name, value in found)
    received = [header_text(value) for name, value in found if name.lower() == "received"]
    return Headers(lines=lines, left_out=left_out, hops=hops(received))


def _line(name: str, value: bytes) -> Line:
    sent = header_text(value)
    meant = one_line(decode_words(sent))
    raw = "" if sent == meant or is_private(sent) or is_private(meant) else sent
    shown = redacted(meant)
    return Line(
        name=name[:200],
        value=shown[:LENGTH],
        raw=raw[:LENGTH],
        cut=max(len(shown), len(raw)) > LENGTH,
    )


def hops(received: Sequence[str]) -> tuple[Hop, ...]:
    """Return the way that Received headers tell of (RFC 5321, section 4.4), topmost given first:
    each server puts its own above the others. Of too many, the last ones."""
    made: list[Hop] = []
    for value in reversed(received[:HOPS]):
        hop = _hop(value[:READ_OF_HOP], made[-1].at if made else None)
        made.append(hop)
    return tuple(made)


def _hop(value: str, before: datetime | None) -> Hop:
    at = _moment(value.rpartition(";")[2][:100])
    named = [pattern.search(value) for pattern in (_BY, _WITH)]
    sender = _FROM.match(value)
    server, protocol = (redacted(found[1]) if found else "" for found in named)
    return Hop(
        sender=redacted(sender[1]) if sender else "",
        server=server,
        protocol=protocol,
        at=at,
        seconds=(at - before).total_seconds() if at and before else None,
    )


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        # No zone of a reader carries it out of the years that there are.
        return at if 1900 < at.year < 9000 else None
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
