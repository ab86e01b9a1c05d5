"""One dialogue of tests.parts.refusing, and what is kept of it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from tests.parts.misdeeds import Act, Line, answer

USUAL = {
    "greeting": "220 world.test ready",
    "helo": "250 world.test",
    "starttls": "220 2.0.0 go on",
    "auth": "235 2.7.0 welcome",
    "mail": "250 2.1.0 OK",
    "rcpt": "250 2.1.5 OK",
    "data": "354 go on",
    "dot": "250 2.0.0 OK",
    "rset": "250 2.0.0 OK",
    "noop": "250 2.0.0 OK",
    "quit": "221 2.0.0 bye",
}
POINTS = frozenset({*USUAL, "ehlo", "content"})
_PATH = re.compile(r"<([^<>]*)>")
_SIZE = re.compile(r"\bSIZE=(\d{1,12})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One command; `ahead` where it came before the one before it was answered."""

    verb: str
    line: str
    ahead: bool


@dataclass(slots=True)
class Dialogue:
    """What one client said, in order."""

    commands: list[Said] = field(default_factory=list)

    @property
    def verbs(self) -> list[str]:
        return [said.verb for said in self.commands]

    @property
    def is_pipelined(self) -> bool:
        """Whether the client ever spoke on without waiting."""
        return any(said.ahead for said in self.commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that came whole; `code` is the answer to it, 0 if it had none."""

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    code: int
    dialogue: Dialogue


class Manners(Protocol):
    """What a dialogue needs of its server."""

    offers: list[str]
    context: ssl.SSLContext | None
    is_tls: bool
    takes_data: bool

    def told(self, point: str, recipient: str) -> Act | None:
        """Return what to do at that point, if anything else than usual."""

    def keep(self, received: Received) -> None:
        """Put a message to the others."""


class Talk:
    """One dialogue, from the greeting to its end."""

    def __init__(self, server: Manners, line: Line, dialogue: Dialogue) -> None:
        self._server, self._line, self._dialogue = server, line, dialogue
        self._is_secure = server.is_tls
        self._forget()

    def _forget(self) -> None:
        self._mail_from: str | None = None
        self._recipients: list[str] = []
        self._named = ""

    def run(self) -> None:
        if self._server.is_tls and self._server.context:
            self._line.secure(self._server.context)
        self._answer("greeting")
        while self._line.is_open and (said := self._line.read_line()) is not None:
            text = said.decode("utf-8", "replace")
            verb = text.partition(" ")[0].lower()
            ahead = self._line.ahead
            self._dialogue.commands.append(Said(verb=verb.upper(), line=text, ahead=ahead))
            self._obey(verb, text)

    def _answer(self, point: str, usual: str = "") -> bool:
        """Answer, in the usual way or as told; returns whether that means yes."""
        self._line.note_ahead()
        act = self._server.told(point, self._named) or answer(usual or USUAL[point])
        act.do(self._line)
        return 200 <= act.code < 400

    def _obey(self, verb: str, text: str) -> None:
        act = getattr(self, f"_{verb}", None) if verb in POINTS else None
        if act:
            act(text)
        else:
            self._line.note_ahead()
            answer("502 5.5.2 not known here").do(self._line)

    def _ehlo(self, text: str) -> None:
        offers = [*self._server.offers]
        if self._server.context and not self._is_secure:
            offers.append("STARTTLS")
        lines = ["world.test", *offers]
        marks = ["-"] * (len(lines) - 1) + [" "]
        said = "\n".join(f"250{mark}{line}" for mark, line in zip(marks, lines, strict=True))
        if self._answer("ehlo", said):
            self._forget()

    def _helo(self, text: str) -> None:
        if self._answer("helo"):
            self._forget()

    def _starttls(self, text: str) -> None:
        if self._answer("starttls") and self._server.context and self._line.is_open:
            self._line.secure(self._server.context)
            self._is_secure = True

    def _auth(self, text: str) -> None:
        words = text.split()
        wanted = {"PLAIN": 3, "LOGIN": 4}.get(words[1].upper() if len(words) > 1 else "", 0)
        if not wanted:
            self._line.say(b"504 5.5.4 not known here\r\n")
            return
        for _ in range(wanted - len(words)):
            self._line.say(b"334 \r\n")
            if self._line.read_line() is None:
                return
        self._answer("auth")

    def _mail(self, text: str) -> None:
        declared, most = _SIZE.search(text), self._most()
        if self._mail_from is not None:
            self._answer("mail", "503 5.5.1 nested MAIL")
        elif declared and most and int(declared[1]) > most:
            self._answer("mail", "552 5.3.4 too large")
        elif self._answer("mail"):
            self._mail_from = _path(text)

    def _most(self) -> int:
        sizes = [offer.split()[1] for offer in self._server.offers if offer.startswith("SIZE ")]
        return int(sizes[0]) if sizes else 0

    def _rcpt(self, text: str) -> None:
        self._named = _path(text)
        if self._mail_from is None:
            self._answer("rcpt", "503 5.5.1 MAIL first")
        elif self._answer("rcpt"):
            self._recipients.append(self._named)

    def _data(self, text: str) -> None:
        if not self._recipients and not self._server.takes_data:
            self._answer("data", "554 5.5.1 no valid recipients")
        elif self._answer("data") and self._line.is_open:
            self._take()

    def _take(self) -> None:
        meanwhile = self._server.told("content", self._named)
        content = self._line.read_message(meanwhile.do if meanwhile else None)
        if content is None:
            return
        usual = USUAL["dot"] if self._recipients else "554 5.5.1 no valid recipients"
        act = self._server.told("dot", self._named) or answer(usual)
        received = Received(
            mail_from=self._mail_from or "",
            recipients=tuple(self._recipients),
            content=content,
            code=act.code,
            dialogue=self._dialogue,
        )
        self._forget()
        self._line.note_ahead()
        self._server.keep(received)  # before the answer: who has that may look at once
        act.do(self._line)

    def _rset(self, text: str) -> None:
        if self._answer("rset"):
            self._forget()

    def _noop(self, text: str) -> None:
        self._answer("noop")

    def _quit(self, text: str) -> None:
        if self._answer("quit") and self._line.is_open:
            self._line.part()


def _path(text: str) -> str:
    found = _PATH.search(text)
    return found[1] if found else ""
