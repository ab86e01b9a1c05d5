"""IMAPClient and imaplib on a socket of ours, under limits, and without a log of what they send."""

from __future__ import annotations

import imaplib
import socket
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient

from deskpost import net
from deskpost.inbound.channels.imap.inlet import SILENCE, Inlet, Lost

SMALL = 1024 * 1024  # bytes that an ordinary answer may have, with what comes along with it
SECONDS = 60.0  # which it may take
GREETING = 64 * 1024  # bytes up to the sign-in
GOODBYE_SECONDS = 2.0
MOST_SHOWN = 200  # bytes of a line that cannot be read


class Answered(Exception):
    """The server answered NO, BAD or BYE (`kind`), with these words."""

    def __init__(self, kind: str, words: bytes) -> None:
        self.kind, self.words = kind, words
        super().__init__(kind)


class Strange(Exception):
    """The server answered what IMAP does not know, or left out what it must say."""


class Wire(imaplib.IMAP4):
    """A connection; begin with `greet`. Every method but `drop` and `goodbye` may fail.

    It raises Answered for every NO, BAD and BYE; Overrun, Lost and OSError when the connection
    fails; and imaplib's errors, Strange, ValueError and others for answers that cannot be read.
    `news` says whether the server told of new messages since it was last set to false.
    """

    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        self._given = sock
        self.inlet = Inlet(sock)
        self.news = False
        self.total = 0  # messages in the folder, as far as the server has told
        self.last_line = b""
        self.secrets: list[bytes] = []  # never shown, even if the server repeats them
        super().__init__(host, port)
        # Or else imaplib refuses commands in a folder that can only be read.
        self.is_readonly = True

    def greet(self) -> None:
        """Read the greeting and the capabilities."""
        try:
            super()._connect()  # type: ignore[misc]
        except self.error:
            self._check_bye()
            raise

    def begin(
        self, most: int = SMALL, seconds: float = SECONDS, literal: int | None = None
    ) -> None:
        """Forget older answers; allow `most` bytes, in `seconds`, to come in from here on."""
        self.untagged_responses.clear()
        self.tagged_commands.clear()
        self.inlet.allow(most, seconds, literal)

    def order(self, *words: str | bytes) -> bytes:
        """Send a command and return the words of its OK; what else came is in `untagged`."""
        _, data = self._simple_command(*words)
        said: bytes = data[-1] or b""
        return said

    def untagged(self, kind: str) -> list[bytes]:
        """Return the lines of this kind that came since `begin`."""
        return [line for line in self.untagged_responses.get(kind, []) if isinstance(line, bytes)]

    def ask(self, *words: str | bytes) -> bytes:
        """Send a command that the server lets wait: return its tag. Read on with `challenge`."""
        tag: bytes = self._command(*words)
        return tag

    def challenge(self, tag: bytes) -> bytes | None:
        """Return what the server asks for ("+"), or None if the command ended with OK."""
        while self.tagged_commands[tag] is None:
            self._check_bye()
            if self._get_response() is None:
                asked: Any = self.continuation_response  # bytes, whatever its types say
                return bytes(asked or b"")
        self.end(tag)
        return None

    def catch_up(self) -> None:
        """Read what has come along already."""
        while b"\n" in self.inlet.held:
            self._get_response()
        self._check_bye()

    def end(self, tag: bytes) -> None:
        """Wait until the command has ended with OK."""
        self._get_tagged_response(tag)

    def secure(self) -> dict[str, Any]:
        """Change to TLS (STARTTLS, RFC 3501, section 6.2.1); return the certificate's facts."""
        self.order("STARTTLS")
        if self.inlet.held:
            # Whoever sits between could have put answers here that would count as encrypted ones.
            self.last_line = bytes(self.inlet.held[:MOST_SHOWN])
            raise Strange
        secured = net.secure(self.sock, self.host)
        self.sock, self.inlet = secured, Inlet(secured)
        self.begin()
        self._get_capabilities()
        return net.certificate(secured)

    def masked(self, said: bytes) -> bytes:
        """Return what the server said without the secrets that it may have repeated."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            said = said.replace(secret, b"***")
        return said

    def last_words(self) -> bytes | None:
        """Return the words of a BYE that was on its way when sending failed."""
        with suppress(Exception):
            self.inlet.allow(SMALL, GOODBYE_SECONDS)
            while "BYE" not in self.untagged_responses:
                self._get_response()
        said = self.untagged("BYE")
        return said[-1] if said else None

    def goodbye(self) -> None:
        """Log out, if that is quickly done, and close. Never raises."""
        with suppress(Exception):
            self.begin(SMALL, GOODBYE_SECONDS)
            self.end(self.ask("LOGOUT"))
        self.drop()

    def drop(self) -> None:
        """Close at once. Never raises."""
        self.state = "LOGOUT"
        self.untagged_responses.clear()
        with suppress(OSError):
            self.sock.close()

    # --- What imaplib calls ---

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host, self.port, self.sock = host, port, self._given
        self.inlet.allow(GREETING, SECONDS)

    def read(self, size: int) -> bytes:
        return self.inlet.exactly(size)

    def readline(self) -> bytes:
        line = self.inlet.line()
        self.last_line = self.masked(line)[:MOST_SHOWN]
        return line

    def send(self, data: Any) -> None:
        try:
            self.sock.settimeout(SILENCE)
            self.sock.sendall(data)
        except OSError as error:
            raise Lost(error) from error

    def shutdown(self) -> None:
        self.drop()

    def _connect(self) -> None:
        """Wait with reading until whoever opens the connection has said what a failure means."""

    def _append_untagged(self, kind: str, data: Any) -> None:
        if kind == "PREAUTH":
            # Signed in as whoever; and STARTTLS would not be possible any more.
            raise Strange
        if kind == "EXISTS":
            # Some servers repeat the number unasked: only a larger one is news.
            total = int(data)
            self.news |= total > self.total
            self.total = total
        elif kind == "EXPUNGE":
            self.total -= 1
        super()._append_untagged(kind, data)  # type: ignore[misc]

    def _check_bye(self) -> None:
        if said := self.untagged_responses.get("BYE"):
            raise Answered("BYE", said[-1] if isinstance(said[-1], bytes) else b"")

    def _get_tagged_response(self, tag: bytes, expect_bye: bool = False) -> Any:
        kind, data = super()._get_tagged_response(tag, expect_bye)  # type: ignore[misc]
        if kind in ("NO", "BAD"):
            raise Answered(kind, data[-1] or b"")
        if kind not in ("OK", "BYE"):
            raise Strange
        return kind, data

    def _log(self, line: object) -> None:
        """Keep nothing: imaplib would remember the last commands, with their passwords."""

    def _mesg(self, words: str, secs: float | None = None) -> None:
        """Write nothing."""


class Client(IMAPClient):  # type: ignore[misc]  # it has no types
    """IMAPClient on a Wire: it encodes folder names and reads what FETCH and LIST answer."""

    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        """Take a socket that is connected; nothing is read so far."""
        self._given = sock
        super().__init__(host, port, use_uid=True, ssl=False, timeout=SILENCE)
        self.normalise_times = False
        # It turns on a log of everything that is sent.
        self.wire.debug = 0

    @property
    def wire(self) -> Wire:
        wire: Wire = self._imap
        return wire

    def encoded(self, folder: str) -> str:
        """Return a folder's name as it stands in a command: modified UTF-7, in quotes."""
        name: bytes | str = self._normalise_folder(folder)
        return name.decode() if isinstance(name, bytes) else name

    def offers(self, capability: str) -> bool:
        """Whether the server offers it, now that we are signed in."""
        return bool(self.has_capability(capability))

    def _create_IMAP4(self) -> Wire:
        return Wire(self._given, self.host, self.port)
