"""The standard library's SMTP client, with replies that are bounded in time and in size: a server
that drips bytes, or never ends its reply, costs one lane some minutes and nothing else."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from typing import Any, Final

# RFC 5321, section 4.5.3.2, asks for minutes. Who gives up too soon after the final dot makes the
# recipient read everything twice.
CONNECT_SECONDS = 30.0
REPLY_SECONDS = 60.0  # for each reply before the message is under way
BODY_SECONDS = 180.0  # to hand the whole message over
TAKEN_SECONDS = 300.0  # for the reply to the final dot

MOST_REPLY: Final = 64 * 1024  # bytes of one reply, all its lines together
CHUNK: Final = 4096
_LINE: Final = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Nonsense(smtplib.SMTPException):
    """What came is no reply of SMTP's (RFC 5321, section 4.2)."""


class Client(smtplib.SMTP):
    """A connection to a relay. `say` writes commands, `reply` reads what is answered; what smtplib
    does itself (EHLO, STARTTLS, AUTH) reads its replies by the same bounds."""

    def __init__(self, name: str) -> None:
        super().__init__(local_hostname=name, timeout=CONNECT_SECONDS)
        self._unread = b""
        self._tls: ssl.SSLContext | None = None

    def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Connect and be greeted; with `tls`, encrypted from the first byte. Raises OSError or an
        SMTPException."""
        self._host, self._tls = host, tls
        code, text = self.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_hostname=host)

    def starttls(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """As smtplib's, but what came before the encryption is no reply after it (RFC 3207)."""
        answer: tuple[int, bytes] = super().starttls(*args, **kwargs)
        if answer[0] != 220:
            raise smtplib.SMTPResponseException(*answer)
        if self._unread:
            raise Nonsense("the relay said something between STARTTLS and the encryption")
        return answer

    def say(self, *commands: str) -> None:
        """Write commands in one packet. Raises ValueError for one that is not one line."""
        for command in commands:
            if "\r" in command or "\n" in command:
                raise ValueError("a command with a line break")
        lines = "".join(f"{command}\r\n" for command in commands)
        self.send_bytes(lines.encode("utf-8"), REPLY_SECONDS)

    def send_bytes(self, data: bytes, seconds: float) -> None:
        """Write bytes, within so many seconds altogether."""
        sock = self._socket()
        sock.settimeout(seconds)
        sock.sendall(data)

    def command(self, command: str, seconds: float) -> tuple[int, bytes]:
        """Write a command and return its reply."""
        self.say(command)
        return self.reply(seconds)

    def getreply(self) -> tuple[int, bytes]:
        return self.reply(REPLY_SECONDS)

    def reply(self, seconds: float) -> tuple[int, bytes]:
        """Return the next reply: its code, and its lines with line feeds between them. Raises
        TimeoutError, Nonsense, or SMTPServerDisconnected."""
        end, lines, size = time.monotonic() + seconds, [], 0
        while True:
            line = self._line(end)
            size += len(line)
            found = _LINE.fullmatch(line)
            if not found or size > MOST_REPLY:
                shown = repr(line[:80])[2:-1]
                raise Nonsense(f"the relay answered what is no SMTP reply: {shown}")
            lines.append(found[3] or b"")
            if found[2] != b"-":
                return int(found[1]), b"\n".join(lines)

    def _line(self, end: float) -> bytes:
        sock = self._socket()
        while b"\n" not in self._unread:
            if len(self._unread) > MOST_REPLY:
                raise Nonsense("the relay’s reply has no end")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
            more = sock.recv(CHUNK)
            if not more:
                raise smtplib.SMTPServerDisconnected("the relay ended the connection")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line.removesuffix(b"\r")

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        return self.sock
