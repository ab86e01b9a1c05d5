"""The commands of SMTP around the messages: who is there, security, and the end.

RFC 5321; RFC 2034 (status codes), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from django.conf import settings

from deskpost.inbound.channels.smtp_wire import Listener, Wire

log = logging.getLogger(__name__)

UNKNOWN_ALLOWED = 5  # commands that do not exist; with the last of them the peer is sent away
FIXED: Mapping[str, str] = {
    "NOOP": "250 2.0.0 OK",
    "VRFY": "252 2.0.0 Cannot VRFY a user, but will take messages for the addresses here",
    "EXPN": "502 5.5.1 EXPN not implemented",
    "AUTH": "502 5.5.1 AUTH not implemented",
    "HELP": "214 2.0.0 See RFC 5321",
}
FAILED = "451 4.3.0 Something went wrong here; try again later"


class Hello(Wire):
    """A connection whose commands are the methods of that name, if `understood` has it."""

    understood = frozenset({"HELO", "EHLO", "STARTTLS", "QUIT"})
    first = "HELO"

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.peer = ""  # its IP address
        self.name = ""  # what it calls itself; empty before it has said so
        self.is_extended = False
        self._is_secure = False
        self._unknown = 0
        self._securing: asyncio.Task[bool] | None = None

    def begin_anew(self) -> None:
        """Forget what was said of a message."""
        raise NotImplementedError

    def greet(self) -> None:
        peer = self.transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self.say(f"220 {settings.DESKPOST['DOMAIN']} Deskpost")

    def command(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        name = word.upper().decode("ascii", "replace")
        if name in self.understood:
            self.stay()
            try:
                # What is not UTF-8 is kept apart, and refused where it matters.
                getattr(self, name.lower())(rest.strip().decode("utf-8", "surrogateescape"))
            except Exception as error:  # noqa: BLE001 (the peer shall try again)
                self.failed(error)
        elif name in FIXED:
            self.stay()
            self.say(FIXED[name])
        else:
            self._refuse_unknown(name)

    def failed(self, error: BaseException) -> None:
        """Something that we did not foresee: say so, and go on."""
        log.error("an SMTP session failed", exc_info=error)
        self.say(FAILED)

    def _refuse_unknown(self, name: str) -> None:
        self._unknown += bool(name)
        if not name:
            self.say("500 5.5.2 Error: bad syntax")
        elif self._unknown < UNKNOWN_ALLOWED:
            self.say("500 5.5.2 Error: command not recognized")
        else:
            self.say("502 5.5.1 Too many unrecognized commands, goodbye.")
            self.transport.close()

    def helo(self, argument: str) -> None:
        if self._meet(argument):
            self.is_extended = False
            self.say(f"250 {settings.DESKPOST['DOMAIN']}")

    def ehlo(self, argument: str) -> None:
        if not self._meet(argument):
            return
        self.is_extended = True
        offered = [
            settings.DESKPOST["DOMAIN"],
            "ENHANCEDSTATUSCODES",
            f"SIZE {self.listener.limits.message}",
            "8BITMIME",
            "SMTPUTF8",
            *(["STARTTLS"] if self.listener.tls and not self._is_secure else []),
        ]
        self.say(*(f"250-{one}" for one in offered), "250 HELP")

    def _meet(self, name: str) -> bool:
        if not name:
            self.say(f"501 5.5.4 Syntax: {self.first} hostname")
            return False
        self.name = name
        self.begin_anew()
        return True

    def starttls(self, argument: str) -> None:
        if argument:
            self.say("501 5.5.4 Syntax: STARTTLS")
        elif self.listener.tls is None or self._is_secure:
            self.say("454 4.7.0 TLS not available")
        else:
            self.begin()
            self.say("220 2.0.0 Ready to start TLS")
            self._securing = self.loop.create_task(self.start_tls(self.listener.tls))
            self._securing.add_done_callback(self._secured)

    def _secured(self, securing: asyncio.Task[bool]) -> None:
        """All that was said before counts no more (RFC 3207, section 4.2)."""
        if securing.cancelled() or not securing.result():
            return
        self._is_secure, self.name = True, ""
        self.begin_anew()
        self.done()

    def quit(self, argument: str) -> None:
        if argument:
            self.say("501 5.5.4 Syntax: QUIT")
            return
        self.say("221 2.0.0 Bye")
        self.transport.close()
