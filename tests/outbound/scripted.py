"""What the tests of batches share: lanes that answer as a function says, a worker that uses them,
and rows that wait to be sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from django.utils import timezone

from deskpost.mail.answers import Answer, read_reply
from deskpost.models import Notification, queue
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.carriers import Carriers
from deskpost.outbound.send import Sender
from deskpost.wake import Stage
from deskpost.worker import Worker
from tests.carriers import Accepting
from tests.desk import ME, Desk
from tests.parts.site import letter

TAKEN = read_reply(250, "2.0.0 OK")
NO_SUCH_USER = read_reply(550, "5.1.1 no such user")


class Scripted(Accepting):
    """Answers as a function says; its lanes may be several. `fault` keeps them from opening."""

    def __init__(self, says: Callable[[Outgoing], Answer], lanes: int = 1) -> None:
        super().__init__()
        self.says, self.lanes = says, lanes
        self.fault: Answer | None = None

    def lane(self) -> Scripted:
        return self

    def ready(self) -> Answer | None:
        return self.fault

    def send(self, outgoing: Outgoing) -> Answer:
        answer = self.says(outgoing)
        if answer.kind == "accepted":
            super().send(outgoing)
        return answer

    @property
    def recipients(self) -> list[str]:
        """To whom it has taken messages, in that order."""
        return [recipient for _, recipient, _ in self.sent]


class Working:
    """A worker that sends over these lanes, and is stopped at the end as `deskpost run` does."""

    def __init__(self, carriers: Carriers) -> None:
        self.worker = Worker([Stage.OUTBOUND])
        self.worker._sender = Sender(carriers, lambda: self.worker.stopping)
        self._has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def until(self, holds: Callable[[], object], seconds: float = 20.0) -> None:
        """Do round after round until that holds; fail if it does not in time."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, statuses()
            self.worker.outbound()
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, if it has not ended yet."""
        if not self._has_ended:
            self._has_ended = self.worker.stopping = True
            self.worker.run()


def waiting(desk: Desk, number: int) -> None:
    """So many people write; a receipt waits for each."""
    for n in range(number):
        desk.take(letter(f"{n}", sender=f"p{n}@x.test"), sender=f"p{n}@x.test")
    desk.announce()


def claimed() -> list[Notification]:
    """Claim all that is due, as a worker does."""
    return queue.claim(Notification.objects.order_by("id"), ME, timezone.now(), 100)


def statuses() -> list[str]:
    """What has become of each notification, the oldest first."""
    return list(Notification.objects.order_by("id").values_list("status", flat=True))
