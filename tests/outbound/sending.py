"""What the tests of the way out share: a worker that sends to a server which misbehaves."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from deskpost.config_relay import Relay
from deskpost.desk import people
from deskpost.models import Attempt, Notification, SiteNotice
from deskpost.outcomes import Trouble
from deskpost.wake import Stage
from deskpost.worker import Worker
from tests.desk import Desk

PAUSE = 0.02  # seconds until a relay that is down is tried again
SECONDS = 0.5  # that anything may take on the way


class Sending:
    """A desk whose notifications go out by a worker, to one relay."""

    def __init__(self, desk: Desk, patch: pytest.MonkeyPatch) -> None:
        self.desk, self._patch = desk, patch
        self._worker: Worker | None = None

    def through(
        self, port: int, *, host: str = "127.0.0.1", tls: str = "none", user: str = ""
    ) -> None:
        """Send to this port, from now on and with new connections."""
        self.close()
        relay = Relay(host=host, port=port, tls=tls, username=user, password=user)
        self._patch.setitem(settings.DESKPOST, "RELAY", relay)
        self._worker = Worker([Stage.OUTBOUND])

    def connections(self, count: int) -> None:
        """Have so many connections at one time."""
        self._patch.setitem(settings.DESKPOST, "RELAY_CONNECTIONS", count)

    def invite(self, *addresses: str) -> None:
        """Leave one notification for each address to be sent."""
        for address in addresses:
            people.invite(self.desk.project, address, "", self.desk.agent, timezone.now())
        self.desk.announce()

    def work(self, rounds: int = 1) -> None:
        """Do what the worker does in so many rounds."""
        assert self._worker is not None
        for _ in range(rounds):
            self._worker.outbound()

    def work_until_sent(self, count: int, seconds: float = 20.0) -> None:
        """Work until so many notifications are delivered, and fail if they are not in time."""
        end = time.monotonic() + seconds
        while Notification.objects.filter(status="delivered").count() < count:
            assert time.monotonic() < end, list(Notification.objects.values("address", "facts"))
            self.work()
            time.sleep(PAUSE)

    def make_due(self) -> None:
        """Let the time of the next try come."""
        Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())

    def close(self) -> None:
        """End the worker as a stop does."""
        if self._worker:
            self._worker.stopping = True
            self._worker.run()
        self._worker = None


def row(address: str) -> Notification:
    """The notification to that address."""
    return Notification.objects.get(address=address)


def attempts(address: str) -> list[tuple[str, int | None]]:
    """The tries of the notification to that address: what came of each, and the code."""
    found = Attempt.objects.filter(notification__in=[row(address).pk]).order_by("id")
    return [(one.result, one.code) for one in found]


def told() -> list[dict[str, Any]]:
    """The notices that the relay is down, open and closed."""
    rows = SiteNotice.objects.filter(kind=Trouble.RELAY_DOWN).order_by("id")
    return [{"is_open": one.closed_at is None, **one.facts} for one in rows]
