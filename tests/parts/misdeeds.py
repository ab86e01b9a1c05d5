"""What a mail server may do instead of giving its usual answer. For tests.parts.refusing."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

CHUNK = 1 << 16
FAREWELL_SECONDS = 2.0  # in which a client reads our last words
MEGABYTE = 1 << 20


class Line:
    """The server's side of one connection. Everything is quiet about a peer that is gone."""

    def __init__(self, sock: socket.socket, ending: threading.Event, patience: float) -> None:
        self.sock = sock
        self.ending = ending  # set when the server ends
        self.is_open = True
        self.ahead = False  # the client spoke on before the last answer was given
        self._patience = patience
        self._rest = b""

    def read_line(self) -> bytes | None:
        """Return the next line without its end, or None when the client is gone."""
        return self._read_to(b"\r\n")

    def read_message(self, first: Callable[[Line], object] | None) -> bytes | None:
        """Return what follows DATA, dots taken off; `first` is called once a part has come."""
        if self._rest.startswith(b".\r\n"):  # an empty message, already here
            self._rest = self._rest[3:]
            return b""
        lines: list[bytes] = []
        while self.is_open and (line := self.read_line()) is not None:
            if first and not lines:
                first(self)
            if line == b".":
                return b"".join(lines)
            lines.append(line.removeprefix(b".") + b"\r\n")
        return None

    def _read_to(self, end: bytes) -> bytes | None:
        while self.is_open and end not in self._rest:
            if not self._receive():
                return None
        found, _, self._rest = self._rest.partition(end)
        return found if self.is_open else None

    def _receive(self) -> bool:
        try:
            data = self.sock.recv(CHUNK)
        except OSError:
            data = b""
        self._rest += data
        self.is_open = self.is_open and bool(data)
        return bool(data)

    def note_ahead(self) -> None:
        """See, before an answer is given, whether the client speaks on without it."""
        if not self._rest and self._has_more(self._patience):
            self._receive()
        self.ahead = bool(self._rest)

    def _has_more(self, seconds: float) -> bool:
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                return True
            return bool(select.select([self.sock], [], [], seconds)[0])
        return False

    def say(self, data: bytes) -> bool:
        """Send; returns whether the client still listens."""
        try:
            self.sock.sendall(data)
        except OSError:
            self.is_open = False
        return self.is_open

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS; what came before it is forgotten."""
        self._rest = b""
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True)
        except OSError:
            self.is_open = False

    def listen_only(self) -> None:
        """Read until the client goes or the server ends, and say nothing."""
        while self._receive():
            self._rest = b""

    def cut(self) -> None:
        """End the connection at once."""
        self.is_open = False
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def part(self) -> None:
        """End the connection so that the client still reads what was said last."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(FAREWELL_SECONDS)
            while self.sock.recv(CHUNK):
                pass
        self.cut()


@dataclass(frozen=True, slots=True)
class Act:
    """An answer of its own kind. `code` is what it amounts to, 0 where it is none: what is not 2xx
    or 3xx has no effect."""

    code: int
    do: Callable[[Line], object]


def answer(text: str) -> Act:
    """Answer with this text: a code and words, in several lines where it has line ends."""
    return raw("".join(f"{line}\r\n" for line in text.splitlines()).encode(), int(text[:3]))


def raw(data: bytes, code: int = 0) -> Act:
    """Send these octets, whatever they are; `code` says what they amount to."""
    return Act(code, lambda line: line.say(data))


def silence() -> Act:
    """Say nothing for as long as the client waits."""
    return Act(0, Line.listen_only)


def late(seconds: float, text: str) -> Act:
    """Answer after so many seconds."""

    def do(line: Line) -> None:
        line.ending.wait(seconds)
        answer(text).do(line)

    return Act(int(text[:3]), do)


def dripping(text: str, every: float = 0.01) -> Act:
    """Answer octet by octet, with so many seconds between two."""

    def do(line: Line) -> None:
        for octet in f"{text}\r\n".encode():
            if not line.say(bytes([octet])) or line.ending.wait(every):
                return

    return Act(int(text[:3]), do)


def hang_up() -> Act:
    """End the connection instead of answering."""
    return Act(0, Line.cut)


def answer_and_hang_up(text: str) -> Act:
    """Answer, then end the connection."""

    def do(line: Line) -> None:
        answer(text).do(line)
        line.part()

    return Act(int(text[:3]), do)


def endless_reply(code: int = 250, words: bytes = b"and more") -> Act:
    """Begin a reply of several lines that never has a last one."""

    def do(line: Line) -> None:
        piece = b"%d-%s\r\n" % (code, words) * 100
        while line.say(piece) and not line.ending.is_set():
            pass

    return Act(0, do)


NONSENSE: dict[str, Act] = {
    "words": raw(b"what is this?\r\n"),
    "an empty line": raw(b"\r\n"),
    "a code out of range": raw(b"999 so there\r\n"),
    "a code of two digits": raw(b"25 fine\r\n"),
    "a code of no digits at all": raw("٢٥٠ ok\r\n".encode()),
    "a megabyte without a line end": raw(b"250 " + b"x" * MEGABYTE),
    "a reply that never ends": endless_reply(),
    "binary": raw(bytes(range(256)) + b"\r\n"),
}
