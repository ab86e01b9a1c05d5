"""The world outside at its worst: a mail server that misbehaves as a test says.

It is told what to do at which point of the dialogue (`at`), and keeps each dialogue and each
message, also those that it refused. Points: greeting, ehlo, helo, starttls, auth, mail, rcpt,
data, content (once a part of the message has come), dot (the message has come), rset, noop, quit.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from tests.parts.misdeeds import Act, Line, answer
from tests.parts.ports import HOST
from tests.parts.refusing_talk import POINTS, Dialogue, Received, Talk

OFFERS = ("PIPELINING", "SIZE 20971520", "8BITMIME", "SMTPUTF8")


@dataclass(slots=True)
class _Rule:
    point: str
    act: Act
    of: str
    left: float


class Refusing:
    """A context manager: serves on `port` of 127.0.0.1, each client in a thread of its own.

    `offers` are the lines after the first of EHLO's answer. With `context`, STARTTLS is offered;
    with `is_tls` besides, TLS begins at once. With `takes_data`, DATA is answered 354 although no
    recipient was taken. `patience` is how many seconds each answer waits for a client that
    perhaps speaks on without it; with 0 only what has come already is seen.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        offers: Iterable[str] = OFFERS,
        context: ssl.SSLContext | None = None,
        is_tls: bool = False,
        takes_data: bool = False,
        patience: float = 0.0,
    ) -> None:
        self.port = port
        self.offers = list(offers)
        self.context, self.is_tls, self.takes_data = context, is_tls, takes_data
        self.patience = patience
        self.dialogues: list[Dialogue] = []
        self.received: list[Received] = []
        self.most_open = 0  # connections at one time
        self._rules: list[_Rule] = []
        self.clients: set[socket.socket] = set()  # those that are connected
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._ending = threading.Event()

    # --- What it is told ---

    def at(self, point: str, act: Act | str, *, of: str = "", times: float = float("inf")) -> None:
        """Do `act` at that point (a text is answered), so many times; what is told last goes first.

        With `of`, only for that recipient: at RCPT, and for the points after it.
        """
        assert point in POINTS, point
        assert not of or point in {"rcpt", "data", "content", "dot"}, "no recipient is known yet"
        act = answer(act) if isinstance(act, str) else act
        with self._changed:
            self._rules.insert(0, _Rule(point, act, of.lower(), times))

    def behave(self) -> None:
        """Give the usual answers again."""
        with self._changed:
            self._rules.clear()

    # --- What it has seen ---

    @property
    def messages(self) -> list[Received]:
        """What it said yes to."""
        return [one for one in list(self.received) if 200 <= one.code < 300]

    def to(self, recipient: str) -> list[Received]:
        """Everything that came for that recipient, whatever the answer was."""
        return [one for one in list(self.received) if recipient in one.recipients]

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Received]:
        """Return the messages once it said yes to `count`; TimeoutError if it does not."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, seconds):
                raise TimeoutError(f"{len(self.messages)} of {count} messages")
        return self.messages

    # --- Serving ---

    def __enter__(self) -> Self:
        self._server = socket.create_server((HOST, self.port))
        self.port = self._server.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *problem: object) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._changed:
            clients = list(self.clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # until the server's socket is closed
            while not self._ending.is_set():
                client, _ = self._server.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._talk, client)

    def _talk(self, client: socket.socket) -> None:
        dialogue = Dialogue()
        with self._changed:
            self.clients.add(client)
            self.most_open = max(self.most_open, len(self.clients))
            self.dialogues.append(dialogue)
        line = Line(client, self._ending, self.patience)
        try:
            Talk(self, line, dialogue).run()
        finally:
            with self._changed:
                self.clients.discard(client)
            line.cut()

    def told(self, point: str, recipient: str) -> Act | None:
        """Return what to do at that point, if anything else than usual."""
        with self._changed:
            for rule in self._rules:
                if rule.point == point and rule.left > 0 and rule.of in ("", recipient.lower()):
                    rule.left -= 1
                    return rule.act
        return None

    def keep(self, received: Received) -> None:
        """Put a message to the others."""
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()
