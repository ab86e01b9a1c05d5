"""The database fails around the steps of a batch: what a server has said is neither lost nor asked
for twice."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.db import DataError, OperationalError

from deskpost import journey
from deskpost.mail.answers import Answer, read_reply
from deskpost.models import Attempt, Notification, queue
from deskpost.outbound import lanes, notices, send, settle
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.send import Sender
from tests.carriers import Accepting
from tests.desk import Desk
from tests.outbound.scripted import (
    NO_SUCH_USER,
    TAKEN,
    Scripted,
    Working,
    claimed,
    statuses,
    waiting,
)

LATER = read_reply(451, "4.2.0 later")


def gone() -> OperationalError:
    return OperationalError("the database has gone away")


def deliver(sender: Sender) -> None:
    """One batch, whatever becomes of it."""
    journey.deliver(claimed(), sender)
    sender.close()


# --- What is undone in the database is undone on the row ---


def test_a_try_that_lost_its_claim_does_not_undo_the_outcome_before_it(desk: Desk) -> None:
    waiting(desk, 2)
    batch = claimed()

    def says(_: Outgoing) -> Answer:
        batch[1].attempt -= 1  # the second is taken over while the first is sent
        return TAKEN

    carrier = Scripted(says)
    sender = Sender(carrier)
    journey.deliver(batch, sender)
    sender.close()
    assert carrier.recipients == ["p0@x.test"]
    first = Notification.objects.get(pk=batch[0].pk)
    assert (first.status, first.owner) == ("delivered", "")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (TAKEN, ("delivered", "", 0)),
        (NO_SUCH_USER, ("failed", "", 0)),
        (LATER, ("queued", "", 1)),
    ],
)
def test_a_transaction_that_is_undone_at_its_end_is_written_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: Answer, outcome: tuple[str, str, int]
) -> None:
    """As by a deadlock: the answer of the first and the beginning of the second share it."""
    waiting(desk, 2)
    monkeypatch.setattr(send, "PAUSE", 0.01)
    begin, fails = settle._begin_all, iter([False, True])

    def failing(*args: object) -> None:
        begin(*args)  # type: ignore[arg-type]
        if next(fails, False):
            raise OperationalError("deadlock detected")

    monkeypatch.setattr(settle, "_begin_all", failing)
    deliver(Sender(Scripted(lambda _: answer)))
    first = Notification.objects.order_by("id")[0]
    assert (first.status, first.owner, first.tries) == outcome


# --- An answer waits for the database ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by which a sender waits for the database; waiting takes no time."""
    found = SimpleNamespace(now=1_000.0)

    def sleep(seconds: float) -> None:
        found.now += seconds

    monkeypatch.setattr(send, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=sleep))
    return found


def test_an_hour_without_the_database_loses_no_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    waiting(desk, 1)
    monkeypatch.setattr(send, "PAUSE", 60.0)
    step, back_at = settle.step, clock.now + 3600

    def failing(work: settle.Step) -> list[settle.Try]:
        if work.answered and clock.now < back_at:
            raise gone()
        return step(work)

    monkeypatch.setattr(settle, "step", failing)
    carrier = Accepting()
    deliver(Sender(carrier))
    assert statuses() == ["delivered"]
    assert len(carrier.sent) == 1


def test_a_stop_without_the_database_is_not_waited_for_longer_than_a_farewell(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    """Whoever stops a worker kills it soon. Nobody knows then what became of that try."""
    waiting(desk, 1)
    step, begun, stop = settle.step, clock.now, threading.Event()

    def failing(work: settle.Step) -> list[settle.Try]:
        if work.answered:
            stop.set()
            raise gone()
        return step(work)

    monkeypatch.setattr(settle, "step", failing)
    sender = Sender(Accepting(), stop.is_set)
    with pytest.raises(OperationalError):
        journey.deliver(claimed(), sender)
    sender.close()
    assert clock.now - begun <= send.FAREWELL
    assert statuses() == ["queued"]
    assert Attempt.objects.get().ended_at is None


def test_an_answer_that_the_database_cannot_store_is_kept_in_plain_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(desk, 2)
    odd, step = Answer(kind="accepted", code=250, text="2.0.0 承りました"), settle.step

    def failing(work: settle.Step) -> list[settle.Try]:
        if any(answer.text == odd.text for _, answer in work.answered):
            raise DataError("it does not fit")
        return step(work)

    monkeypatch.setattr(settle, "step", failing)
    carrier = Scripted(lambda outgoing: odd if outgoing.recipient == "p0@x.test" else TAKEN)
    with Working(carrier) as working:
        working.until(lambda: statuses() == ["delivered"] * 2)
    assert carrier.recipients == ["p0@x.test", "p1@x.test"]
    first, second = Attempt.objects.order_by("id")
    assert (first.result, first.code, first.answer) == ("accepted", 250, ascii(odd.text))
    assert (second.result, second.answer) == ("accepted", TAKEN.text)


# --- A notice that cannot be written ---


def unwritable(*args: object, **kwargs: object) -> bool:
    raise gone()


def test_an_outcome_outlives_a_notice_that_cannot_be_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(desk, 2)
    monkeypatch.setattr(lanes, "SAY_AGAIN", -1.0)  # it is closed after each answer
    monkeypatch.setattr(notices, "over", unwritable)
    carrier = Accepting()
    deliver(Sender(carrier))
    assert statuses() == ["delivered"] * 2
    assert len(carrier.sent) == 2


def test_a_try_that_nobody_heard_outlives_a_notice_that_cannot_be_opened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(desk, 1)
    monkeypatch.setattr(notices, "note", unwritable)

    def says(_: Outgoing) -> Answer:
        carrier.fault = Answer(kind="down", text="421 going")
        return carrier.fault

    carrier = Scripted(says)
    deliver(Sender(carrier))
    note = Notification.objects.get()
    assert (note.status, note.owner, note.tries, note.first_try_at) == ("queued", "", 0, None)
    assert not Attempt.objects.exists()


# --- What is under way when the database fails ---


@pytest.mark.parametrize("can_give_back", [True, False])
def test_a_try_that_outlives_its_batch_is_heard_though_nothing_else_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, can_give_back: bool
) -> None:
    """The first is under way when the second cannot begin; perhaps that one cannot be given back
    either, and stays claimed until its lease is over."""
    waiting(desk, 2)
    monkeypatch.setattr(send, "SLOW", 0.05)
    is_asked, may_speak, has_failed = threading.Event(), threading.Event(), threading.Event()
    second = threading.Event()
    step, release = settle.step, queue.release

    def says(outgoing: Outgoing) -> Answer:
        if outgoing.recipient == "p0@x.test":
            is_asked.set()
            may_speak.wait(5)
        return TAKEN

    def failing(work: settle.Step) -> list[settle.Try]:
        if work.beginning and is_asked.is_set() and not has_failed.is_set():
            has_failed.set()
            raise gone()
        return step(work)

    def releasing(rows: list[Notification], **fields: object) -> None:
        if rows and has_failed.is_set() and not can_give_back:
            raise gone()
        release(rows, **fields)

    class Slow(Scripted):
        """Its second lane opens when the first one is asked."""

        def ready(self) -> Answer | None:
            if second.is_set():
                is_asked.wait(5)
            second.set()
            return None

    carrier = Slow(says, lanes=2)
    monkeypatch.setattr(settle, "step", failing)
    monkeypatch.setattr(queue, "release", releasing)
    with Working(carrier) as working:
        with pytest.raises(OperationalError):
            working.until(lambda: False)
        ours = ["p0@x.test"]
        if can_give_back:
            working.until(lambda: carrier.recipients == ["p1@x.test"])
            ours = ["p1@x.test", "p0@x.test"]
        may_speak.set()
        working.until(lambda: statuses().count("delivered") == len(ours))
        monkeypatch.setattr(queue, "release", release)
    assert carrier.recipients == ours
    assert statuses()[0] == "delivered"
