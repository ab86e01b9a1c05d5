"""A batch over several lanes: what is written when, and what one's trouble costs the others."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError

from deskpost import journey
from deskpost.mail.answers import Answer, read_reply
from deskpost.models import Attempt, Notification, ProviderMessage, SiteNotice
from deskpost.outbound import lanes, send, settle
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.send import Sender
from deskpost.outcomes import Trouble
from tests.carriers import Accepting
from tests.desk import Desk
from tests.outbound.scripted import TAKEN, Scripted, claimed, statuses, waiting
from tests.parts.site import letter


def test_lanes_send_at_one_time(desk: Desk) -> None:
    together = threading.Barrier(3, timeout=20)
    carrier = Scripted(lambda _: together.wait() is not None and TAKEN, lanes=3)  # type: ignore[arg-type, return-value]
    waiting(desk, 3)
    assert {note.status for note in desk.deliver(carrier)} == {"delivered"}


def test_the_attempt_is_in_the_database_before_the_server_hears_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(desk, 1)
    order: list[str] = []
    step = settle.step

    def written(work: settle.Step) -> list[settle.Try]:
        order.append("written")
        return step(work)

    def sent(_: Outgoing) -> Answer:
        order.append("sent")
        return TAKEN

    monkeypatch.setattr(settle, "step", written)
    desk.deliver(Scripted(sent))
    assert order == ["written", "sent", "written"]


def test_a_claim_that_is_lost_before_the_try_is_not_sent(desk: Desk) -> None:
    waiting(desk, 2)
    batch = claimed()
    Notification.objects.filter(pk=batch[0].pk).update(owner="another", attempt=9)
    carrier = Accepting()
    sender = Sender(carrier)
    journey.deliver(batch, sender)
    sender.close()
    assert [recipient for _, recipient, _ in carrier.sent] == ["p1@x.test"]
    assert statuses() == ["queued", "delivered"]
    assert Attempt.objects.count() == 1
    assert Notification.objects.get(pk=batch[0].pk).owner == "another"


def test_a_claim_that_is_lost_during_the_try_leaves_the_servers_word(desk: Desk) -> None:
    waiting(desk, 1)
    (note,) = claimed()

    def taken_over(_: Outgoing) -> Answer:
        note.attempt -= 1  # as if another had claimed it: the fence does not hold any more
        return TAKEN

    sender = Sender(Scripted(taken_over))
    journey.deliver([note], sender)
    sender.close()
    assert statuses() == ["queued"]
    assert Attempt.objects.get().result == "accepted"


def test_what_a_server_has_taken_is_written_down_when_the_database_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(desk, 3)
    monkeypatch.setattr(send, "PAUSE", 0.01)
    step, fails = settle.step, iter([False, True, True])

    def failing(work: settle.Step) -> list[settle.Try]:
        if next(fails, False):
            raise OperationalError("the database has gone away")
        return step(work)

    monkeypatch.setattr(settle, "step", failing)
    carrier = Accepting()
    sender = Sender(carrier)
    journey.deliver(claimed(), sender)
    assert (statuses().count("delivered"), len(carrier.sent)) == (1, 1)  # and nothing new began
    journey.deliver(claimed(), sender)
    sender.close()
    assert statuses() == ["delivered"] * 3
    assert len(carrier.sent) == 3


def test_a_lane_that_raises_costs_its_message_a_try_and_nobody_else(desk: Desk) -> None:
    def says(outgoing: Outgoing) -> Answer:
        if outgoing.recipient == "p0@x.test":
            raise RuntimeError("a fault of ours")
        return TAKEN

    waiting(desk, 2)
    first, second = desk.deliver(Scripted(says))
    assert (first.status, first.tries, second.status) == ("queued", 1, "delivered")


def test_a_way_that_is_down_fails_nobody_and_has_one_notice(desk: Desk) -> None:
    carrier = Scripted(lambda _: TAKEN)
    carrier.fault = Answer(kind="down", code=535, text="5.7.8 who are you?")
    waiting(desk, 5)
    sender = Sender(carrier)
    journey.deliver(claimed(), sender)
    assert statuses() == ["queued"] * 5
    assert not Attempt.objects.exists()
    assert set(Notification.objects.values_list("tries", "owner")) == {(0, "")}
    notice = SiteNotice.objects.get()
    assert (notice.kind, notice.key, notice.facts["code"]) == ("relay_down", carrier.key, 535)
    assert sender.open_to() is None  # nothing is claimed until it is tried again


def test_a_way_that_works_again_closes_its_notice(desk: Desk) -> None:
    carrier = Scripted(lambda _: TAKEN)
    carrier.fault = Answer(kind="down", text="nobody there")
    waiting(desk, 2)
    desk_sender = Sender(carrier)
    journey.deliver(claimed(), desk_sender)
    carrier.fault = None
    assert {note.status for note in desk.deliver(carrier)} == {"delivered"}
    assert SiteNotice.objects.get(kind=Trouble.RELAY_DOWN).closed_at is not None


def test_a_way_that_only_a_message_finds_closed_has_one_notice_until_one_goes_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider is never connected to: a wrong key shows when a message is handed over."""
    monkeypatch.setattr(lanes, "PAUSES", (0.05,))
    key_is_wrong = Answer(kind="down", text="401 wrong key")
    answer = key_is_wrong

    def says(_: Outgoing) -> Answer:
        carrier.fault = answer if answer.kind == "down" else None
        return answer

    class Once(Scripted):
        def ready(self) -> Answer | None:
            fault, self.fault = self.fault, None
            return fault

    carrier = Once(says)
    waiting(desk, 1)
    sender = Sender(carrier)
    for _ in range(3):
        journey.deliver(claimed(), sender)
        time.sleep(0.06)
    notice = SiteNotice.objects.get()
    assert (notice.count, notice.closed_at) == (3, None)
    assert Notification.objects.get().first_try_at is None
    sender.close()
    sender = Sender(carrier)  # the worker was started again
    journey.deliver(claimed(), sender)
    notice.refresh_from_db()
    assert (notice.count, notice.closed_at) == (4, None)
    time.sleep(0.06)
    answer = TAKEN
    journey.deliver(claimed(), sender)
    sender.close()
    assert statuses() == ["delivered"]
    assert SiteNotice.objects.get().closed_at is not None


def test_one_projects_way_that_is_down_does_not_keep_the_others(desk: Desk) -> None:
    from deskpost.models import Project

    other = Project.objects.create(key="HR", name="People")
    desk.add_channel("hr@desk.test", other)
    broken, good = Scripted(lambda _: TAKEN), Accepting()
    broken.key = "hr.relay.test:25"
    broken.fault = Answer(kind="down", text="nobody there")

    class Two:
        def of(self, project_key: str) -> Accepting:
            return broken if project_key == "HR" else good

    waiting(desk, 1)
    desk.take(
        letter("x", sender="h@x.test"),
        to="hr@desk.test",
        sender="h@x.test",
        channel=other.channels.get(),
    )
    desk.announce()
    sender = Sender(Two())
    journey.deliver(claimed(), sender)
    assert statuses() == ["delivered", "queued"]
    open_to = sender.open_to()
    assert open_to is not None
    assert not Notification.objects.filter(open_to, status="queued").exists()


def test_a_message_under_which_the_way_fails_each_time_is_the_trouble_itself(desk: Desk) -> None:
    def says(outgoing: Outgoing) -> Answer:
        if outgoing.recipient == "p0@x.test":
            return Answer(kind="down", text="it hangs up at MAIL")
        return TAKEN

    waiting(desk, 2)
    first, second = desk.deliver(Scripted(says))
    assert (first.status, first.tries, second.status) == ("queued", 1, "delivered")
    assert first.facts["answer"] == "it hangs up at MAIL"


def test_stopping_gives_back_what_has_not_begun(desk: Desk) -> None:
    stop: list[bool] = []

    def says(_: Outgoing) -> Answer:
        stop.append(True)
        return TAKEN

    waiting(desk, 3)
    sender = Sender(Scripted(says), lambda: bool(stop))
    journey.deliver(claimed(), sender)
    sender.close()
    assert statuses() == ["delivered", "queued", "queued"]
    assert set(Notification.objects.values_list("owner", flat=True)) == {""}


def test_by_which_id_a_provider_knows_it_is_kept(desk: Desk) -> None:
    waiting(desk, 1)
    answer = Answer(kind="accepted", text="OK", provider="postmark", provider_id="abc-1")
    (note,) = desk.deliver(Scripted(lambda _: answer))
    known = ProviderMessage.objects.get()
    assert (known.provider, known.message_id, known.notification) == ("postmark", "abc-1", note.pk)


def test_a_refusal_by_policy_is_told_and_blocks_nobody(desk: Desk) -> None:
    waiting(desk, 2)
    desk.deliver(Scripted(lambda _: read_reply(550, "5.7.26 not authenticated")))
    notice = SiteNotice.objects.get()
    assert (notice.kind, notice.key, notice.count) == ("policy", "x.test", 2)
    assert notice.facts["enhanced"] == "5.7.26"
