"""An mbox file, message by message, in bounded memory (RFC 4155; mboxo and mboxrd).

A message begins after its "From " line and ends before the next one; the empty line that writers
put between belongs to neither. One level of quoting is taken off (">From " is "From ").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

BEGINNING: Final = b"From "
_CHUNK: Final = 64 * 1024  # of a line that is longer, so much at a time
_QUOTED = re.compile(rb">+From ")
# "From ann@x.test Mon Jan  5 10:00:00 2026": the sender may be missing, or be "ann at x.test" (as
# in archives of lists); day and month, and year and time, stand in either order.
_DATED = re.compile(
    rb"From +(?:\S{1,998} +){0,3}"
    rb"[A-Z][a-z]{2},? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2}) "
    rb"(?=.{0,60}?\d{1,2}:\d\d).{0,60}?\d{4}"
)
_UNDATED = re.compile(rb"From +\S*\s*\Z")
_HEADER = re.compile(rb"[!-9;-~]{1,200}:")
_LINE_ENDS: Final = (b"\n", b"\r\n")


class Lines(Protocol):
    """A file that is open for reading bytes."""

    def readline(self, size: int = ..., /) -> bytes:
        """Read up to and with the next line end, or `size` bytes of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message of an mbox. `raw` is its beginning only if it is shorter than `size`."""

    envelope_from: str  # what stands after "From ", up to a space; may be anything
    raw: bytes
    size: int
    end: int  # how many bytes of the file are read with it


def read(file: Lines, *, limit: int, keep: int) -> Iterator[Entry]:
    """Yield the messages of an mbox, in order.

    Of one larger than `limit` bytes the first `keep` are given. Raises ValueError if the file
    does not begin with a "From " line; OSError as the file does.
    """
    reader = _Reader(file)
    line = reader.line()
    if not line.startswith(BEGINNING):
        raise ValueError("it does not begin with a From line")
    while line:
        envelope_from = _sender(reader.whole_line(line))
        message = _Message(limit, keep)
        line = _read_message(reader, message)
        yield Entry(
            envelope_from=envelope_from,
            raw=message.raw(),
            size=message.size,
            end=reader.taken - len(line),
        )


def _read_message(reader: _Reader, message: _Message) -> bytes:
    """Take in lines up to the next "From " line; return that, or nothing at the end."""
    begins, after_empty = True, False
    while line := reader.line():
        if begins and line.startswith(BEGINNING) and _separates(line, reader, after_empty):
            return line
        # Any line may follow the From line, which is no line of the message.
        after_empty = begins and line in _LINE_ENDS
        message.add(line[1:] if begins and _QUOTED.match(line) else line, is_empty=after_empty)
        begins = line.endswith(b"\n")
    return b""


def _separates(line: bytes, reader: _Reader, after_empty: bool) -> bool:
    """Whether a "From " line begins a message. Not every writer quotes those of the text: one
    without a date does only if it stands after an empty line and before a header."""
    if _DATED.match(line):
        return True
    return bool(after_empty and _UNDATED.match(line) and _HEADER.match(reader.peek()))


def _sender(line: bytes) -> str:
    word = line[len(BEGINNING) :].lstrip(b" ").split(b" ", 1)[0]
    return word.decode("utf-8", "replace").strip()


class _Reader:
    """Lines of a file, of long ones a piece at a time, with a look at the next."""

    def __init__(self, file: Lines) -> None:
        self._file = file
        self._next: bytes | None = None
        self.taken = 0

    def line(self) -> bytes:
        line = self._file.readline(_CHUNK) if self._next is None else self._next
        self._next = None
        self.taken += len(line)
        return line

    def peek(self) -> bytes:
        if self._next is None:
            self._next = self._file.readline(_CHUNK)
        return self._next

    def whole_line(self, beginning: bytes) -> bytes:
        """Read over the rest of a line; return its beginning."""
        piece = beginning
        while piece and not piece.endswith(b"\n"):
            piece = self.line()
        return beginning


class _Message:
    """What is read of one message. An empty line is held back until another follows it."""

    def __init__(self, limit: int, keep: int) -> None:
        self._limit, self._keep = limit, keep
        self._kept = bytearray()
        self._held = b""
        self.size = 0

    def add(self, piece: bytes, *, is_empty: bool) -> None:
        self._take(self._held)
        self._held = piece if is_empty else b""
        if not is_empty:
            self._take(piece)

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size <= self._limit:
            self._kept += piece
        else:
            del self._kept[self._keep :]
            self._kept += piece[: max(0, self._keep - len(self._kept))]

    def raw(self) -> bytes:
        return bytes(self._kept)
