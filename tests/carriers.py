"""Carriers for tests: what a relay answers, without one."""

from __future__ import annotations

import pytest

from deskpost.mail.answers import Answer, read_reply
from deskpost.outbound.carrier import Outgoing


class Accepting:
    """Takes every message and keeps it: all carriers, one carrier and its only lane in one."""

    key = server = "relay.test:25"
    lanes = 1

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []

    def of(self, project_key: str) -> Accepting:
        return self

    def lane(self) -> Accepting:
        return self

    def ready(self) -> Answer | None:
        return None

    def send(self, outgoing: Outgoing) -> Answer:
        self.sent.append((outgoing.envelope_from, outgoing.recipient, outgoing.message))
        return read_reply(250, "2.0.0 OK")

    def close(self) -> None:
        pass


class Refusing(Accepting):
    """Gives every message the same answer."""

    def __init__(self, code: int = 550, text: str = "") -> None:
        super().__init__()
        self.code, self.text = code, text

    def send(self, outgoing: Outgoing) -> Answer:
        super().send(outgoing)
        return read_reply(self.code, self.text)


@pytest.fixture
def outside() -> Accepting:
    return Accepting()
