"""Troubles that no message is to blame for, found while a batch is under way; and an address that
the batch itself finds dead."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import Storage
from django.db.models import Sum
from django.test import override_settings
from django.utils import timezone

from deskpost import journey
from deskpost.mail.answers import Answer
from deskpost.models import Attempt, Notification, SiteNotice, queue
from deskpost.outbound import lanes, send
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.send import Sender
from deskpost.outcomes import Reason
from tests.carriers import Accepting
from tests.desk import ME, Desk
from tests.outbound.scripted import NO_SUCH_USER, TAKEN, Scripted, claimed, statuses, waiting
from tests.outbound.sending import Sending, told
from tests.parts import misdeeds
from tests.parts.refusing import Refusing
from tests.parts.site import letter

# --- The store ---


class Unreachable(Exception):
    """As an object store's client raises it: no OSError."""


class StoreAway(Storage):
    """An object store that nothing can be saved in."""

    def _save(self, name: str, content: Any) -> str:
        raise Unreachable("cannot connect to the endpoint")

    def exists(self, name: str) -> bool:
        return False


def test_an_object_store_that_is_away_fails_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "PAUSE", 0.0)
    waiting(desk, 2)
    carrier = Accepting()
    sender = Sender(carrier)
    away = settings.STORAGES | {"raw": {"BACKEND": f"{__name__}.StoreAway"}}
    with override_settings(STORAGES=away):
        for _ in range(queue.DEATHS_ALLOWED + 2):
            Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
            journey.deliver(claimed(), sender)
    assert statuses() == ["queued"] * 2
    rows = Notification.objects.values_list("owner", "tries", "deaths", "suspect")
    assert set(rows) == {("", 0, 0, False)}
    assert carrier.sent == []
    journey.deliver(claimed(), sender)
    sender.close()
    assert statuses() == ["delivered"] * 2


# --- The way ---


@pytest.mark.parametrize(
    "act", [misdeeds.hang_up(), misdeeds.answer_and_hang_up("421 4.3.2 too many connections")]
)
def test_a_relay_that_hangs_up_at_each_mail_is_down(
    sending: Sending, server: Refusing, monkeypatch: pytest.MonkeyPatch, act: misdeeds.Act
) -> None:
    """One message under which it does may be the trouble itself; two are not."""
    monkeypatch.setattr(lanes, "PAUSES", (60.0,))
    server.at("mail", act)
    sending.connections(1)
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(12)])
    sending.work(rounds=3)
    assert set(statuses()) == {"queued"}
    assert Notification.objects.aggregate(tries=Sum("tries"))["tries"] <= 1
    assert [one["is_open"] for one in told()] == [True]
    assert len(server.dialogues) <= 2 * (lanes.UNHEARD_ALLOWED + 1)
    server.behave()
    sending.through(server.port)
    sending.make_due()
    sending.work_until_sent(12)
    assert [one["is_open"] for one in told()] == [False]


@pytest.mark.parametrize("point", ["rcpt", "data"])
@pytest.mark.parametrize("offers", [[], ["PIPELINING"]])
def test_a_relay_that_wants_a_sign_in_late_fails_nobody(
    sending: Sending,
    server: Refusing,
    monkeypatch: pytest.MonkeyPatch,
    offers: list[str],
    point: str,
) -> None:
    monkeypatch.setattr(lanes, "PAUSES", (60.0,))
    server.offers = offers
    server.at(point, "530 5.7.0 authentication required")
    sending.through(server.port)
    sending.invite("ann@x.test", "bob@y.test")
    sending.work(rounds=2)
    assert statuses() == ["queued"] * 2
    assert not Attempt.objects.exists()
    assert [(one["is_open"], one["code"]) for one in told()] == [(True, 530)]


def test_the_notice_of_one_workers_trouble_ends_when_another_gets_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "SAY_AGAIN", 0.0)
    waiting(desk, 3)
    first, second = Scripted(lambda _: TAKEN), Scripted(lambda _: TAKEN)
    second.fault = Answer(kind="down", text="421 too many connections from you")
    one, other = Sender(first), Sender(second)
    rows = Notification.objects.order_by("id")
    for sender in (one, other, one):
        journey.deliver(queue.claim(rows, ME, timezone.now(), 1), sender)
    one.close()
    other.close()
    assert statuses() == ["delivered", "delivered", "queued"]
    assert SiteNotice.objects.get().closed_at is not None


# --- The address ---


@pytest.mark.parametrize("number", [3, 10])  # the others are ready to go, or not yet composed
def test_what_a_batch_learns_of_an_address_holds_for_the_rest_of_it(
    desk: Desk, number: int
) -> None:
    for n in range(number):
        desk.take(letter(f"{n}", sender="ann@x.test"))
    desk.announce()
    tried: list[str] = []

    def says(outgoing: Outgoing) -> Answer:
        tried.append(outgoing.recipient)
        return NO_SUCH_USER

    sender = Sender(Scripted(says))
    journey.deliver(claimed(), sender)
    assert tried == ["ann@x.test"]
    assert statuses() == ["failed"] + ["queued"] * (number - 1)
    journey.deliver(claimed(), sender)
    sender.close()
    assert tried == ["ann@x.test"]
    rows = list(Notification.objects.order_by("id").values_list("status", "reason"))
    assert rows[0] == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert rows[1:] == [("failed", Reason.SUPPRESSION_LIST)] * (number - 1)
