"""A server that keeps a lane waiting: nobody else waits for it, and a stop does not either."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from deskpost.mail.answers import Answer
from deskpost.models import Attempt, Notification, Project, SiteNotice
from deskpost.outbound import lanes, send
from deskpost.outbound.carrier import Outgoing
from deskpost.outcomes import Trouble
from tests.carriers import Accepting
from tests.desk import Desk
from tests.outbound.scripted import TAKEN, Scripted, Working, statuses, waiting
from tests.parts.site import letter

HANG = 5.0  # seconds: longer than anything here takes where nobody waits for the lane
BEYOND = 12  # people: more than are made ready for two lanes


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set once the server that hangs is to speak; the worker is of little patience."""
    monkeypatch.setattr(send, "SLOW", 0.1)
    monkeypatch.setattr(send, "FAREWELL", 0.2)
    may_speak = threading.Event()
    yield may_speak
    may_speak.set()


def hanging(server: threading.Event, recipient: str = "") -> Callable[[Outgoing], Answer]:
    """What it says, late, to everybody or of that recipient only."""

    def says(outgoing: Outgoing) -> Answer:
        if recipient in ("", outgoing.recipient):
            server.wait(HANG)
        return TAKEN

    return says


class Two:
    """The project HR has a carrier of its own."""

    def __init__(self, ours: Accepting, hr: Accepting) -> None:
        self._ours, self._hr = ours, hr

    def of(self, project_key: str) -> Accepting:
        return self._hr if project_key == "HR" else self._ours


def writes_to_hr(desk: Desk) -> None:
    hr = Project.objects.create(key="HR", name="People")
    channel = desk.add_channel("hr@desk.test", hr)
    message = letter("x", sender="h@x.test")
    desk.take(message, to="hr@desk.test", sender="h@x.test", channel=channel)
    desk.announce()


def test_another_carriers_mail_does_not_wait_for_one_that_hangs(
    desk: Desk, server: threading.Event
) -> None:
    slow, good = Scripted(hanging(server), lanes=2), Accepting()
    slow.key = "hangs.test:25"
    waiting(desk, BEYOND)  # before the other's, and in the same batch
    writes_to_hr(desk)
    with Working(Two(slow, good)) as working:
        working.until(lambda: good.sent)
        assert slow.sent == []
        server.set()
        working.until(lambda: set(statuses()) == {"delivered"})
    assert len(slow.sent) == BEYOND


def test_what_comes_later_goes_by_the_lanes_that_do_not_hang(
    desk: Desk, server: threading.Event
) -> None:
    carrier = Scripted(hanging(server, "p0@x.test"), lanes=4)
    waiting(desk, 3)
    with Working(carrier) as working:
        working.until(lambda: len(carrier.sent) == 2)
        desk.take(letter("later", sender="late@x.test"), sender="late@x.test")
        desk.announce()
        working.until(lambda: "late@x.test" in carrier.recipients)
        assert "p0@x.test" not in carrier.recipients
        server.set()
        working.until(lambda: statuses() == ["delivered"] * 4)  # also the one that hung
    assert len(carrier.sent) == 4


def test_a_stop_gives_back_at_once_what_has_not_begun_and_soon_what_hangs(
    desk: Desk, server: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor kills after 20 s: until then nothing may be left claimed or open."""
    monkeypatch.setattr(send, "SLOW", 2 * HANG)  # it is the stop that counts

    def stop() -> None:
        working.worker.stopping = True

    both = threading.Barrier(2, action=stop, timeout=HANG)

    def says(_: Outgoing) -> Answer:
        both.wait()
        server.wait(HANG)
        return TAKEN

    carrier = Scripted(says, lanes=2)
    waiting(desk, 6)
    with Working(carrier) as working:
        working.until(lambda: working.worker.stopping)
        assert Notification.objects.filter(owner="").count() == 4
        assert not Attempt.objects.filter(ended_at__isnull=False).exists()
        working.stop()
        assert carrier.sent == []
    rows = Notification.objects.order_by("id")
    assert [(one.status, one.owner, one.tries) for one in rows] == [
        *[("queued", "", 1)] * 2,
        *[("queued", "", 0)] * 4,
    ]
    assert {(one.suspect, one.deaths) for one in rows} == {(False, 0)}
    assert set(Attempt.objects.values_list("answer", flat=True)) == {send.UNKNOWN.text}


def test_a_lane_whose_opening_raises_is_a_way_that_is_down(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Scripted):
        def ready(self) -> Answer | None:
            raise RuntimeError("a fault of ours")

    waiting(desk, 2)
    monkeypatch.setattr(lanes, "PAUSES", (0.05,))
    told = SiteNotice.objects.filter(kind=Trouble.RELAY_DOWN)
    with Working(Odd(lambda _: TAKEN)) as working:
        working.until(lambda: told.filter(count__gte=3))
    assert statuses() == ["queued"] * 2
    rows = Notification.objects.values_list("owner", "tries", "deaths", "suspect")
    assert set(rows) == {("", 0, 0, False)}
    assert told.get().facts["answer"] == "RuntimeError while connecting"
