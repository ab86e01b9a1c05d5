"""A worker that sends, and a mail server that misbehaves as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deskpost.outbound import lanes, smtp_client
from tests.desk import Desk
from tests.outbound.sending import PAUSE, SECONDS, Sending
from tests.parts.refusing import Refusing


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing() as part:
        yield part


@pytest.fixture
def sending(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sending]:
    """A worker of little patience: what would take minutes takes moments."""
    monkeypatch.setattr(lanes, "PAUSES", (PAUSE,))
    for name in ("CONNECT_SECONDS", "REPLY_SECONDS", "BODY_SECONDS", "TAKEN_SECONDS"):
        monkeypatch.setattr(smtp_client, name, SECONDS)
    found = Sending(desk, monkeypatch)
    yield found
    found.close()
