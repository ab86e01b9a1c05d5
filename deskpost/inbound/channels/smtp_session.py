"""The commands of SMTP and LMTP that bring a message, and what they are answered.

RFC 5321, RFC 2033 (LMTP), RFC 1870 (SIZE), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from django.db import DatabaseError

from deskpost.inbound.channels import smtp_path
from deskpost.inbound.channels.smtp_hello import Hello
from deskpost.inbound.channels.smtp_wire import Listener
from deskpost.inbound.intake import Arrival, Target
from deskpost.models import InboundEmail

log = logging.getLogger(__name__)

TRY_AGAIN = "451 4.3.0 The message could not be stored; try again later"
MALFORMED = "553 5.1.3 Error: malformed address"
MAIL_SYNTAX = "501 5.5.4 Syntax: MAIL FROM: <address> [SP <mail-parameters>]"
RCPT_SYNTAX = "501 5.5.4 Syntax: RCPT TO: <address>"


@dataclass(slots=True)
class Envelope:
    """What was said of the next message: `sender` is None before MAIL, and "" for a null path."""

    sender: str | None = None
    declared: int = 0
    targets: list[Target] = field(default_factory=list)


class SmtpSession(Hello):
    """One connection of a client that speaks SMTP."""

    spoken = InboundEmail.Transport.SMTP
    understood = Hello.understood | {"MAIL", "RCPT", "DATA", "RSET"}

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._envelope = Envelope()

    def begin_anew(self) -> None:
        self._envelope = Envelope()

    def rset(self, argument: str) -> None:
        if argument:
            self.say("501 5.5.4 Syntax: RSET")
            return
        self.begin_anew()
        self.say("250 2.0.0 OK")

    def mail(self, argument: str) -> None:
        path = argument[5:].strip() if argument[:5].upper() == "FROM:" else ""
        if not self.name:
            self.say(f"503 5.5.1 Error: send {self.first} first")
        elif not path:
            self.say(MAIL_SYNTAX)
        elif (read := smtp_path.read(path)) is None:
            self.say(MALFORMED)
        elif self._envelope.sender is not None:
            self.say("503 5.5.1 Error: nested MAIL command")
        elif read[1].strip() and not self.is_extended:
            self.say(MAIL_SYNTAX)
        elif refusal := _refusal(parameters := smtp_path.parameters(read[1])):
            self.say(refusal)
        else:
            # A report has the null path.
            self._envelope.sender = "" if read[0] == smtp_path.NULL_PATH else read[0]
            self._envelope.declared = _declared(parameters)
            self.say("250 2.1.0 Sender OK")

    def rcpt(self, argument: str) -> None:
        path = argument[3:].strip() if argument[:3].upper() == "TO:" else ""
        if not self.name:
            self.say(f"503 5.5.1 Error: send {self.first} first")
        elif self._envelope.sender is None:
            self.say("503 5.5.1 Error: need MAIL command")
        elif not path:
            self.say(RCPT_SYNTAX)
        elif (read := smtp_path.read(path)) is None:
            self.say(MALFORMED)
        elif read[1].strip():
            self.say("555 5.5.4 RCPT TO parameters not recognized or not implemented")
        elif len(self._envelope.targets) >= self.listener.limits.recipients:
            self.say("452 4.5.3 Too many recipients; send the others in another message")
        else:
            self.begin()
            finding = self.loop.create_task(self.listener.directory.find(read[0]))
            finding.add_done_callback(self._found)

    def _found(self, finding: asyncio.Task[Target | None]) -> None:
        if finding.cancelled():
            return
        error = finding.exception()
        if isinstance(error, (DatabaseError, OSError)):
            log.error("the channels could not be read", exc_info=error)
            self.say("451 4.3.0 Recipients cannot be looked up at the moment; try again later")
        elif error is not None:
            self.failed(error)
        elif (target := finding.result()) is None:
            self.say("550 5.1.1 No such address here; this server relays for nobody")
        elif self._envelope.declared > self.listener.limits.message:
            # Too large as declared (RFC 1870, section 6.1): refuse, and keep a row of the envelope.
            self._store([target], b"", self._envelope.declared, answers=1)
            return
        else:
            self._envelope.targets.append(target)
            self.say("250 2.1.5 Recipient OK")
        self.done()

    def data(self, argument: str) -> None:
        if not self.name:
            self.say(f"503 5.5.1 Error: send {self.first} first")
        elif not self._envelope.targets:
            self.say("503 5.5.1 Error: need RCPT command")
        elif argument:
            self.say("501 5.5.4 Syntax: DATA")
        else:
            self.say("354 End data with <CR><LF>.<CR><LF>")
            self.expect_message()

    def message(self, content: bytes, oversize_bytes: int | None) -> None:
        targets = self._envelope.targets
        self.begin()
        self._store(targets, content, oversize_bytes, answers=self.answers(len(targets)))
        self.begin_anew()

    def answers(self, recipients: int) -> int:
        """Return how many answers a message to so many recipients gets."""
        return 1

    def _store(
        self, targets: Sequence[Target], raw: bytes, oversize_bytes: int | None, *, answers: int
    ) -> None:
        arrival = Arrival(
            raw=raw,
            targets=targets,
            transport=self.spoken,
            envelope_from=self._envelope.sender or "",
            client=f"{self.peer} {self.name}".strip(),
            oversize_bytes=oversize_bytes,
        )

        def heard(storing: Future[None]) -> None:
            # In the intake's thread; at the end of the process nobody listens any more.
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self._stored, storing, oversize_bytes, answers)

        self.listener.intake.submit(arrival).add_done_callback(heard)

    def _stored(self, storing: Future[None], oversize_bytes: int | None, answers: int) -> None:
        answer = "250 2.0.0 Kept"
        if error := storing.exception():
            log.error("a message could not be stored; its sender will try again", exc_info=error)
            answer = TRY_AGAIN
        elif oversize_bytes:
            limit = self.listener.limits.message
            answer = f"552 5.3.4 Larger than the {limit} bytes that are taken here"
        self.say(*[answer] * answers)
        self.done()


class LmtpSession(SmtpSession):
    """One connection of a client that speaks LMTP."""

    spoken = InboundEmail.Transport.LMTP
    understood = SmtpSession.understood - {"HELO", "EHLO"} | {"LHLO"}
    first = "LHLO"

    def lhlo(self, argument: str) -> None:
        self.ehlo(argument)

    def answers(self, recipients: int) -> int:
        """One for each of them (RFC 2033, section 4.2)."""
        return recipients


def _refusal(parameters: Mapping[str, str | None] | None) -> str | None:
    """What is wrong with the parameters of MAIL, if anything is."""
    if parameters is None:
        return MAIL_SYNTAX
    if parameters.get("BODY", "7BIT") not in {"7BIT", "8BITMIME"}:
        return "501 5.5.4 Error: BODY can only be one of 7BIT, 8BITMIME"
    if parameters.get("SMTPUTF8") is not None:
        return "501 5.5.4 Error: SMTPUTF8 takes no arguments"
    if "SIZE" in parameters and not (parameters["SIZE"] or "").isdecimal():
        return MAIL_SYNTAX
    if set(parameters) - {"BODY", "SMTPUTF8", "SIZE"}:
        return "555 5.5.4 MAIL FROM parameters not recognized or not implemented"
    return None


def _declared(parameters: Mapping[str, str | None] | None) -> int:
    size = (parameters or {}).get("SIZE") or ""
    return int(size) if size and len(size) <= 20 else 0
