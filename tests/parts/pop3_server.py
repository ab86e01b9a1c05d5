"""A POP3 server by script, for what no honest server does: lies, garbage, silence."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Self

Reply = bytes | None | Callable[[socket.socket], None]
HANG_UP = b""
SILENCE = None


class Pop3Server:
    """Holds `messages` and answers as RFC 1939 has it, except for `answers`.

    Their keys are commands ("RETR 1"), or a command's first word, or GREETING; a value is sent as
    it is. HANG_UP ends the connection, SILENCE says nothing, and a function may do what it likes
    with the socket. "" is what is said to a line that is no command, such as a token.
    """

    def __init__(self, *messages: bytes, answers: Mapping[str, Reply] | None = None) -> None:
        self.messages = messages
        self.answers = dict(answers or {})
        self.said: list[str] = []  # the lines that clients have sent
        self.sessions_ended = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *problem: object) -> None:
        for sock in (self._listening, *self._connections):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(10)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                self._begin(partial(self._serve, connection))

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            if self._reply(connection, "GREETING"):
                for line in lines:
                    command = line.decode("utf-8", "replace").removesuffix("\r\n")
                    self.said.append(command)
                    if not self._reply(connection, command) or command == "QUIT":
                        break
        self.sessions_ended += 1

    def _reply(self, connection: socket.socket, command: str) -> bool:
        """Answer; return whether the session goes on."""
        verb = command.partition(" ")[0]
        known = next((key for key in (command, verb) if key in self.answers), None)
        reply = self.answers[known] if known is not None else self._usual(command)
        if callable(reply):
            reply(connection)
        elif reply is not None:
            connection.sendall(reply)
        return reply != HANG_UP

    def _usual(self, command: str) -> bytes:
        verb, _, number = command.partition(" ")
        if verb in ("UIDL", "LIST", "RETR", "TOP") and (not number or verb in ("RETR", "TOP")):
            return b"+OK\r\n" + self._lines(verb, number) + b".\r\n"
        usual = {
            "CAPA": b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n",
            "STAT": b"+OK %d 1\r\n" % len(self.messages),
            "STLS": b"-ERR what?\r\n",
            "AUTH": b"+ \r\n",
        }
        return usual.get(verb, b"+OK\r\n")

    def _lines(self, verb: str, number: str) -> bytes:
        if verb == "UIDL":
            return b"".join(b"%d uid-%d\r\n" % (n, n) for n in self._numbers())
        if verb == "LIST":
            return b"".join(b"%d %d\r\n" % (n, len(self.messages[n - 1])) for n in self._numbers())
        message = self.messages[int(number.split()[0]) - 1]
        if verb == "TOP":
            message = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return stuffed(message)

    def _numbers(self) -> range:
        return range(1, len(self.messages) + 1)


def stuffed(message: bytes) -> bytes:
    """Put a dot before each line that begins with one (RFC 1939, section 3)."""
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
