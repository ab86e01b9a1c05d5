"""The outside world: the mail servers of everyone whom the site writes to, in a thread."""

from __future__ import annotations

import email
import email.policy
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from django.conf import settings

from deskpost.outbound import outbox, outside
from deskpost.outbound.carrier import Outgoing

OURS = ".example"  # the people of the demo live in domains that end so


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A notification that a recipient's server took."""

    envelope_from: str
    recipient: str
    content: bytes
    message: EmailMessage

    @property
    def key(self) -> str:
        """The key of the request that it is about, or empty."""
        found = re.match(r"[A-Z]\w*-\d+(?= )", self.subject)
        return found[0] if found else ""

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def reply_to(self) -> str:
        return str(self.message["Reply-To"].addresses[0].addr_spec)

    @property
    def unsubscribe_url(self) -> str:
        return str(self.message["List-Unsubscribe"]).strip("<> ")

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""


class World:
    """An SMTP server on a free port of this machine; a context manager.

    It answers RCPT TO for the addresses in `answers` as they say, and takes everyone else's mail.
    What is not for the demo's people it lays into the outbox, where it would have gone without it.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.port = _free_port()
        self.asked = 0  # recipients named so far, taken or not
        self.refused = 0
        self.delayed = 0
        self._answers = {address.lower(): answer for address, answer in answers.items()}
        self._received: list[Received] = []
        self._changed = threading.Condition()
        self._controller = Controller(
            self, hostname=outside.HOST, port=self.port, ready_timeout=10, enable_SMTPUTF8=True
        )

    @property
    def accepted(self) -> int:
        return len(self._received)

    def first(self, recipient: str, subject: str, seconds: float) -> Received | None:
        """Return the first message to the recipient whose subject ends so, waited for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(recipient, subject), seconds)
            return next(iter(self._find(recipient, subject)), None)

    def last(self, recipient: str, subject: str) -> Received | None:
        """Return the last message to the recipient whose subject ends so, of those that came."""
        with self._changed:
            return next(reversed(self._find(recipient, subject)), None)

    def _find(self, recipient: str, subject: str) -> list[Received]:
        return [
            one
            for one in self._received
            if one.recipient == recipient and one.subject.endswith(f" {subject}")
        ]

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO (the name is aiosmtpd's)."""
        answer = self._answers.get(address.lower())
        with self._changed:
            self.asked += 1
            self.refused += answer is not None and answer.startswith("5")
            self.delayed += answer is not None and answer.startswith("4")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take the message (the name is aiosmtpd's)."""
        content = bytes(envelope.original_content or b"")
        for recipient in envelope.rcpt_tos:
            if recipient.lower().endswith(OURS):
                self._take(str(envelope.mail_from or ""), recipient, content)
            else:
                sent = Outgoing(
                    envelope_from=str(envelope.mail_from or ""),
                    recipient=recipient,
                    message=content,
                )
                outbox.write(settings.OUTBOX, sent)
        return "250 2.0.0 OK"

    def _take(self, envelope_from: str, recipient: str, content: bytes) -> None:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        one = Received(
            envelope_from=envelope_from, recipient=recipient, content=content, message=message
        )
        with self._changed:
            self._received.append(one)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((outside.HOST, 0))
        return int(probe.getsockname()[1])
