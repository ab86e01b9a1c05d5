"""Carriers for tests: what a relay answers, without one."""

from __future__ import annotations

import pytest

from deskpost.mail.answers import Answer, read_reply


class Accepting:
    """Takes every message and keeps it."""

    server = "relay.test:25"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer:
        self.sent.append((envelope_from, recipient, message))
        return read_reply(250, "2.0.0 OK")

    def close(self) -> None:
        pass


class Refusing(Accepting):
    """Gives every message the same answer, or raises."""

    def __init__(self, code: int = 550, text: str = "", error: Exception | None = None) -> None:
        super().__init__()
        self.code, self.text, self.error = code, text, error

    def send(self, envelope_from: str, recipient: str, message: bytes) -> Answer:
        super().send(envelope_from, recipient, message)
        if self.error:
            raise self.error
        return read_reply(self.code, self.text)


@pytest.fixture
def outside() -> Accepting:
    return Accepting()
