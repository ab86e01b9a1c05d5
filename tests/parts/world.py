"""The world outside: the mail server of everyone whom Deskpost writes to."""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.parts import ports

SIZE_LIMIT = 64 * 1024 * 1024


class Message(NamedTuple):
    """An accepted message: envelope sender ("" in a bounce), recipients, bytes as they came."""

    mail_from: str
    rcpt_tos: list[str]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a recipient's server says to RCPT TO; None for a connection that is cut."""

    reply: str | None


class OutsideWorld:
    """An SMTP server on `port` (by default a free one), in a thread; a context manager.

    It takes everything, but for recipients that `refuse`, `delay` or `drop` names. What it took is
    in `messages`.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = ports.free() if port is None else port
        self.messages: list[Message] = []
        self.peers: list[object] = []  # the connection of each message, by the client's port
        self._answers: dict[str, _Answer] = {}
        self._changed = threading.Condition()
        self._controller = Controller(
            self,
            hostname=ports.HOST,
            port=self.port,
            ready_timeout=20,
            enable_SMTPUTF8=True,
            data_size_limit=SIZE_LIMIT,
        )

    def refuse(self, recipient: str, reply: str = "550 5.1.1 no such user") -> None:
        """Answer RCPT TO for this recipient with `reply`, a 5xx."""
        self._answers[recipient.lower()] = _Answer(reply)

    def delay(self, recipient: str, reply: str = "451 4.7.1 try again later") -> None:
        """Answer RCPT TO for this recipient with `reply`, a 4xx."""
        self._answers[recipient.lower()] = _Answer(reply)

    def drop(self, recipient: str) -> None:
        """Cut the connection when this recipient is named."""
        self._answers[recipient.lower()] = _Answer(None)

    def accept(self, recipient: str) -> None:
        """Take this recipient's mail again."""
        self._answers.pop(recipient.lower(), None)

    def wait_for(self, count: int, timeout: float = 20.0) -> list[Message]:
        """Return the messages once there are `count`; TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, timeout):
                raise TimeoutError(f"{len(self.messages)} of {count} messages in {timeout:.0f} s")
            return list(self.messages)

    def to(self, recipient: str) -> list[Message]:
        """Return the messages that this recipient got."""
        return [message for message in self.messages if recipient in message.rcpt_tos]

    def clear(self) -> None:
        """Forget the messages and every refusal."""
        with self._changed:
            self.messages.clear()
        self._answers.clear()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO (the name is aiosmtpd's)."""
        answer = self._answers.get(address.lower())
        if answer is None:
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"
        if answer.reply is None:
            transport: Any = server.transport
            transport.abort()
            return "421 4.4.2 bye"
        return answer.reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message (the name is aiosmtpd's)."""
        content = envelope.original_content or b""
        sender = "" if envelope.mail_from in (None, "<>") else envelope.mail_from
        with self._changed:
            self.messages.append(Message(sender, envelope.rcpt_tos, content))
            self.peers.append(session.peer)
            self._changed.notify_all()
        return "250 2.0.0 OK"

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
