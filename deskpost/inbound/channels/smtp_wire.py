"""The wire under SMTP: lines and messages out of bytes, answers into them, and their limits.

What the peer sends is taken up in the order in which it came; while an answer is still being
found (a directory is read, a message stored), the rest waits, and beyond a limit is not read at
all.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import Any

from deskpost.inbound.channels.directory import Directory
from deskpost.inbound.channels.smtp_content import Content
from deskpost.inbound.intake import Intake

COMMAND_LIMIT = 2048  # bytes of a command and its line end
PIECE = 64 * 1024  # bytes that are read at one time
TOO_MANY = "421 4.3.2 Too many connections; try again later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one listener takes. Sizes in bytes, times in seconds."""

    message: int
    connections: int
    recipients: int
    idle: int


@dataclass(slots=True)
class Listener:
    """What all connections of a process share."""

    intake: Intake
    directory: Directory
    limits: Limits
    tls: ssl.SSLContext | None
    connections: int = 0
    stopping: bool = False
    open: set[Wire] = field(default_factory=set)
    # Bytes are taken out of it before anything else is read into it: one serves all.
    piece: memoryview = field(default_factory=lambda: memoryview(bytearray(PIECE)))


class Wire(asyncio.BufferedProtocol):
    """One connection. Subclasses write `greet`, `command` and `message`."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.is_busy = False  # an answer is being found
        self._is_full = False  # the peer does not read its answers
        self._waiting = bytearray()
        self._skipping = False  # the rest of a line that was too long
        self._content: Content | None = None
        self._told = 0  # bytes of the message at which the clock was set anew
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def greet(self) -> None:
        """The peer is there."""
        raise NotImplementedError

    def command(self, line: bytes) -> None:
        """The peer has sent a line, which is given without its end."""
        raise NotImplementedError

    def message(self, content: bytes, oversize_bytes: int | None) -> None:
        """The peer has sent what `expect_message` asked for."""
        raise NotImplementedError

    def say(self, *lines: str) -> None:
        """Answer with these lines."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write("".join(f"{line}\r\n" for line in lines).encode())

    def expect_message(self) -> None:
        """What comes next is a message."""
        self._content, self._told = Content(self.listener.limits.message), 0

    def begin(self) -> None:
        """An answer will take a while: leave what comes meanwhile."""
        self.is_busy = True

    def done(self) -> None:
        """That answer was given: go on."""
        self.is_busy = False
        self._go_on()

    def stay(self) -> None:
        """The peer has done something sensible: it may be idle from now on."""
        self._until = self.loop.time() + self.listener.limits.idle

    async def start_tls(self, context: ssl.SSLContext) -> bool:
        """Secure the connection; what was sent before in the clear counts no more (RFC 3207,
        section 4.2). Returns whether it went well; if not, the connection is closed."""
        self._waiting.clear()
        seconds, plain = float(self.listener.limits.idle), self.transport
        secured: Any = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            secured = await self.loop.start_tls(
                plain, self, context, server_side=True, ssl_handshake_timeout=seconds
            )
        if secured is None or plain.is_closing():
            # Of a connection that is lost amid the handshake asyncio tells nobody, and may call it
            # secured: its place is given back here.
            self.connection_lost(None)
            return False
        self.transport = secured
        return True

    # --- What asyncio calls ---------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.listener.connections += 1
        self.listener.open.add(self)
        if self.listener.stopping or self.listener.connections > self.listener.limits.connections:
            self.say(TOO_MANY)
            transport.close()
            return
        self.stay()
        self._watch()
        self.greet()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self in self.listener.open:
            self.listener.open.discard(self)
            self.listener.connections -= 1

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.listener.piece

    def buffer_updated(self, nbytes: int) -> None:
        self._waiting += self.listener.piece[:nbytes]
        self._go_on()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._go_on()

    # --- Out of bytes ---------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._waiting and self._is_free():
            if self._content is not None:
                self._take_content(self._content)
            elif not self._take_line():
                break
        if self.transport is None:
            return
        if len(self._waiting) >= PIECE and not self._is_free():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _is_free(self) -> bool:
        if self.transport is None or self.transport.is_closing():
            return False
        return not (self.is_busy or self._is_full)

    def _take_content(self, content: Content) -> None:
        piece = bytes(self._waiting)
        end = content.feed(piece)
        if content.size - self._told >= PIECE or end is not None:
            self._told = content.size
            self.stay()  # not for each byte: a message must not come for hours
        if end is None:
            self._waiting.clear()
            return
        del self._waiting[:end]
        self._content = None
        self.message(*content.result())

    def _take_line(self) -> bool:
        """Take up a line; returns whether there was a whole one."""
        end = self._waiting.find(b"\n") + 1
        if not end:
            if len(self._waiting) > COMMAND_LIMIT:
                self._skipping = True
                self._waiting.clear()
            return False
        line = bytes(self._waiting[:end])
        del self._waiting[:end]
        if self._skipping or end > COMMAND_LIMIT:
            self._skipping = False
            self.say("500 5.5.2 Command line too long")
        else:
            self.command(line.rstrip(b"\r\n"))
        return True

    def _watch(self) -> None:
        """Close the connection when it was idle for too long; cut it if it will not be closed."""
        if self.transport is None:
            return
        left = self._until - self.loop.time()
        if left <= 0:
            left = self.listener.limits.idle
            if self.transport.is_closing():
                self.transport.abort()
            self.transport.close()
        self._timer = self.loop.call_later(left, self._watch)
