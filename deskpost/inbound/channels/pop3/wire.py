"""A POP3 connection (RFC 1939): commands out, lines in, all of it bounded in time and memory.

The standard library's poplib reads lines of 2,048 bytes at most, keeps all lines of an answer
whatever their number, and waits anew for each byte. Messages have longer lines, and a server that
sends a byte now and then must not hold us for ever: hence this reader.
"""

from __future__ import annotations

import io
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from deskpost import net
from deskpost.net import Fault
from deskpost.problems import Problem

SILENCE = 30.0  # seconds without a byte, and for an answer of one line in all
BLOCK_SECONDS = 300.0  # for a whole message or list
MOST_LINE = 16 * 1024  # of an answer: RFC 2449 has 512, but a SASL challenge may be longer
_CHUNK = 64 * 1024
_CRLF = b"\r\n"
_END = b"\r\n.\r\n"
_STUFFED = b"\r\n.."
# Beyond so many times of what is kept, a message counts as one that never ends.
_ENDLESS = 4
MASK = b"***"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a command, without +OK or -ERR."""

    ok: bool
    text: bytes

    @property
    def code(self) -> str:
        """The response code in brackets (RFC 2449, section 8), in capitals, or ""."""
        if not self.text.startswith(b"["):
            return ""
        return self.text[1:80].partition(b"]")[0].decode("ascii", "replace").upper()


@dataclass(frozen=True, slots=True)
class Block:
    """An answer of many lines, each ended by CRLF, without the dots that RFC 1939, section 3, has
    put before some. `size` is its whole length, of which `content` may be the beginning."""

    content: bytes
    size: int


class Wire:
    """A connection on a socket that is ready.

    Whatever goes wrong is raised as Fault, with host and port; the connection is closed then.
    `seconds` are how long something may take in all, 0 for as long as is usual.
    """

    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        self.sock = sock
        self.is_encrypted = False
        self.is_open = True
        self.secrets: list[bytes] = []  # never shown, even if the server repeats them
        self._facts: dict[str, Any] = {"host": host, "port": port}
        self._held = bytearray()

    def secure(self, host: str) -> dict[str, Any]:
        """Begin TLS; return the certificate's facts. What came before it must have been read: a
        stranger on the way may have put answers there that would count as the server's
        (RFC 2595, section 4)."""
        if self._held:
            self.strange(b"bytes before the encryption began")
        try:
            secured = net.secure(self.sock, host)
        except Fault:
            self.drop()
            raise
        self.sock, self.is_encrypted = secured, True
        return net.certificate(secured)

    def ask(self, command: str, seconds: float = 0) -> Answer:
        """Send a command and return the answer, or the first line of a longer one."""
        self.send(command)
        return self.answer(seconds)

    def send(self, *commands: str) -> None:
        """Send commands. None may hold a line end: a name or password with one would be two."""
        lines = [command.encode() for command in commands]
        if any(sign in line for line in lines for sign in (b"\r", b"\n", b"\0")):
            raise ValueError("a line end or NUL in a command")
        try:
            self.sock.settimeout(SILENCE)
            self.sock.sendall(b"".join(line + _CRLF for line in lines))
        except OSError as error:
            self._fail(error)

    def answer(self, seconds: float = 0) -> Answer:
        """Read the answer to a command."""
        line = self.line(seconds)
        status, _, text = line.partition(b" ")
        if status.upper() not in (b"+OK", b"-ERR"):
            self.strange(line)
        # What is read must be whole; what may be shown holds no secret.
        ok = status.upper() == b"+OK"
        return Answer(ok, text if ok else self.masked(text))

    def line(self, seconds: float = 0) -> bytes:
        """Read a line of an answer, without its CRLF."""
        until = time.monotonic() + (seconds or SILENCE)
        while (end := self._held.find(b"\n")) < 0 and len(self._held) <= MOST_LINE:
            self._receive(until)
        # A server that ends lines otherwise would never end a message as we read it.
        if not self._held.endswith(_CRLF, 0, end + 1) or end > MOST_LINE:
            self.strange(bytes(self._held[:MOST_LINE]))
        line = bytes(self._held[: end - 1])
        del self._held[: end + 1]
        return line

    def block(self, most: int, seconds: float = 0) -> Block:
        """Read the lines up to the one of a single dot, and keep the first `most` bytes of them.

        Raises STRANGE_ANSWER if there is no end after a few times as many.
        """
        until = time.monotonic() + (seconds or BLOCK_SECONDS)
        self._held[:0] = _CRLF  # so that the first line begins like all others
        kept, searched = _Kept(most), 0
        while (end := self._held.find(_END, searched)) < 0:
            searched = max(0, len(self._held) - len(_END) + 1)
            if len(self._held) >= _CHUNK:
                kept.add(self._taken(_whole_lines(self._held)))
                searched = 0
            if kept.size > most * _ENDLESS + _CHUNK:
                self.strange(b"an answer without an end")
            self._receive(until)
        kept.add(self._taken(end + len(_CRLF)))
        del self._held[: len(_END) - len(_CRLF)]
        return Block(kept.content.getvalue(), kept.size)

    def strange(self, said: bytes) -> NoReturn:
        """Give up on a server that does not speak POP3 as it should."""
        self.drop()
        raise Fault(Problem.STRANGE_ANSWER, net.one_line(self.masked(said)), **self._facts)

    def masked(self, said: bytes) -> bytes:
        """Return the server's words without our secrets."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            said = said.replace(secret, MASK)
        return said

    def drop(self) -> None:
        """Close at once; what was to be deleted stays. Never raises."""
        self.is_open = False
        with suppress(OSError):
            self.sock.close()

    def _taken(self, count: int) -> bytes:
        """Take so many bytes of lines, without the added dots."""
        plain = bytes(self._held[:count]).replace(_STUFFED, _STUFFED[:-1])
        del self._held[:count]
        return plain

    def _receive(self, until: float) -> None:
        try:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(min(left, SILENCE))
            received = self.sock.recv(_CHUNK)
            if not received:
                raise EOFError
        except (OSError, EOFError) as error:
            self._fail(error)
        self._held += received

    def _fail(self, error: Exception) -> NoReturn:
        self.drop()
        raise net.fault_of(error, **self._facts) from error


class _Kept:
    """The first `most` bytes of lines; the CRLF in front of the first line is left out."""

    def __init__(self, most: int) -> None:
        self.content = io.BytesIO()
        self.size = -len(_CRLF)
        self._most = most

    def add(self, lines: bytes) -> None:
        begin = -min(self.size, 0)
        self.size += len(lines)
        room = self._most - self.content.tell()
        self.content.write(lines[begin : begin + room])


def _whole_lines(held: bytearray) -> int:
    """Return how much may be taken so that neither an end nor an added dot is cut in two."""
    last = held.rfind(_CRLF)
    return last if last > 0 else len(held) - len(_END) + 1
