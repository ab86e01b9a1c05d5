"""A message as an mbox holds it (RFC 4155; mboxrd), in bounded memory. `mbox.py` reads it back,
byte for byte but for a line end that may be added at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from deskpost.mail.mbox import Lines

NOBODY: Final = "MAILER-DAEMON"  # as RFC 4155 names a sender that is empty
_CHUNK: Final = 64 * 1024
_TO_QUOTE = re.compile(rb">*From ")
_PLAIN = re.compile(r"[!-~]{1,320}")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def entry(message: Lines, sender: str, at: datetime) -> Iterator[bytes]:
    """Yield a message with its From line, the empty line after it, and each line that could be
    taken for one quoted. `sender` is the envelope sender, `at` (aware) the time of arrival."""
    yield _from_line(sender, at)
    begins, line = True, b""
    while piece := message.readline(_CHUNK):
        line = piece
        yield b">" + line if begins and _TO_QUOTE.match(line) else line
        begins = line.endswith(b"\n")
    yield b"\n" if begins else b"\n\n"


def _from_line(sender: str, at: datetime) -> bytes:
    """In UTC, with names of days and months that no locale changes. Readers want ASCII."""
    utc = at.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    who = sender if _PLAIN.fullmatch(sender) else NOBODY
    return f"From {who} {day} {month} {utc.day:2d} {utc:%H:%M:%S} {utc.year}\n".encode()
