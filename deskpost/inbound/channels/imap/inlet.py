"""What comes in from a mail server: no more bytes, and for no longer, than the work at hand needs.

imaplib trusts its server: it reserves whatever size a literal announces, and waits as long as a
byte comes now and then. So it reads through here.
"""

from __future__ import annotations

import socket
import time

SILENCE = 30.0  # seconds without a byte
MOST_LINE = 8 * 1024 * 1024  # the UIDs of about a million messages, in one line of SEARCH
CHUNK = 64 * 1024


class Overrun(Exception):
    """The server sends more than the work at hand can need."""


class Lost(Exception):
    """The connection broke while something was sent; `cause` is the OSError.

    Not an OSError: imaplib would turn that into words of its own.
    """

    def __init__(self, cause: OSError) -> None:
        self.cause = cause
        super().__init__(str(cause))


class Inlet:
    """The bytes of a socket, of which `held` were read and not used so far."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.held = bytearray()
        self.allow(0, 0)

    def allow(self, most: int, seconds: float, literal: int | None = None) -> None:
        """Begin a piece of work: `most` bytes may come in it, in `seconds`, and literals of up to
        `literal` bytes."""
        self._left = most
        self._literal = most if literal is None else literal
        self._until = time.monotonic() + seconds

    def line(self) -> bytes:
        """Return the next line with its end. Raises Overrun, and OSError at the end of the stream,
        after too long a silence and when the time is over."""
        seen = 0
        while (end := self.held.find(b"\n", seen)) < 0:
            seen = len(self.held)
            if seen > MOST_LINE:
                raise Overrun
            self.held += self._more(CHUNK)
        return self._take(end + 1)

    def exactly(self, size: int) -> bytes:
        """Return so many bytes. Raises as `line` does; what is too large is not even begun."""
        if size > min(self._literal, self._left + len(self.held)):
            raise Overrun
        parts = [self._take(min(size, len(self.held)))]
        missing = size - len(parts[0])
        while missing:
            parts.append(self._more(min(missing, CHUNK)))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _take(self, size: int) -> bytes:
        taken = bytes(self.held[:size])
        del self.held[:size]
        if not self.held:
            # Hundreds of connections that wait should hold no room for what they once read.
            self.held = bytearray()
        return taken

    def _more(self, most: int) -> bytes:
        patience = min(SILENCE, self._until - time.monotonic())
        if patience <= 0:
            raise TimeoutError("the time for this work is over")
        self._sock.settimeout(patience)
        came = self._sock.recv(most)
        if not came:
            raise ConnectionResetError("the server closed the connection")
        self._left -= len(came)
        if self._left < 0:
            raise Overrun
        return came
