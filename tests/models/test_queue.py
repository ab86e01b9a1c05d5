"""The tables are the queue: claims are exclusive, completion is fenced, poison stays alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from deskpost import alive, journey, worker
from deskpost.inbound import parse
from deskpost.models import InboundEmail, Request, queue
from deskpost.models.queue import LostClaim
from deskpost.wake import Stage
from tests.desk import Desk
from tests.parts.site import letter


def claim(owner: str, limit: int = 10) -> list[InboundEmail]:
    rows = InboundEmail.objects.select_related("channel__request_type").order_by("id")
    return queue.claim(rows, owner, timezone.now(), limit)


def test_two_workers_never_hold_the_same_row(desk: Desk) -> None:
    for n in range(3):
        desk.arrive(letter(f"{n}"))
    assert len(claim("one", 2)) == 2
    assert len(claim("two")) == 1
    assert claim("three") == []


def test_a_worker_that_comes_back_after_its_lease_changes_nothing(desk: Desk) -> None:
    desk.arrive(letter())
    paused = claim("paused")
    InboundEmail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    quick = claim("quick")
    journey.process(quick)
    with pytest.raises(LostClaim):
        journey.process(paused)
    assert Request.objects.count() == 1
    row = InboundEmail.objects.get()
    assert (row.outcome, row.request_key) == ("request_created", "IT-1")


def test_the_same_owner_is_fenced_by_the_attempt(desk: Desk) -> None:
    desk.arrive(letter())
    (old,) = claim("me")
    queue.bury(InboundEmail, ["me"])
    (new,) = claim("me")
    with pytest.raises(LostClaim):
        queue.complete(old, outcome="duplicate")
    queue.complete(new, outcome="duplicate")


def test_a_row_whose_claim_ended_in_a_death_is_next_claimed_alone(desk: Desk) -> None:
    for n in range(3):
        desk.arrive(letter(f"{n}"))
    assert len(claim("dead")) == 3
    queue.bury(InboundEmail, ["dead"])
    assert [len(claim(f"next {n}")) for n in range(3)] == [1, 1, 1]
    assert {row.deaths for row in InboundEmail.objects.all()} == {0}


def test_only_deaths_alone_count_and_three_make_poison(desk: Desk) -> None:
    desk.arrive(letter())
    for _ in range(4):
        (row,) = claim("dead")
        assert not row.is_poison
        queue.bury(InboundEmail, ["dead"])
    (row,) = claim("next")
    assert row.is_poison


def test_projects_do_not_wait_for_each_other_and_keep_their_own_order(desk: Desk) -> None:
    desk.arrive(letter("first"))
    batch = worker.claim_inbound("one")
    desk.arrive(letter("second"))
    assert len(batch) == 1
    assert worker.claim_inbound("two") == []
    journey.process(batch)
    assert len(worker.claim_inbound("two")) == 1


def test_live_mail_does_not_wait_for_an_import(desk: Desk) -> None:
    for n in range(3):
        desk.arrive(letter(f"old {n}"), transport=InboundEmail.Transport.IMPORT)
    live = desk.arrive(letter("live"))
    batch = worker.claim_inbound("one")
    assert [row.pk for row in batch] == [live.pk]
    journey.process(batch)
    assert len(worker.claim_inbound("one")) == 3


@pytest.fixture
def inbound_worker(desk: Desk) -> Iterator[worker.Worker]:
    one = worker.Worker([Stage.INBOUND])
    yield one
    one._identity.end()


def test_a_message_that_crashes_us_three_times_fails_and_its_neighbours_do_not_pay(
    desk: Desk, inbound_worker: worker.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [desk.arrive(letter(f"{n}")) for n in range(5)]
    bad, real = rows[2].pk, parse.read

    def crash(row: InboundEmail, raw: bytes) -> parse.Parsed:
        if row.pk == bad:
            raise ZeroDivisionError("secret")
        return real(row, raw)

    monkeypatch.setattr(parse, "read", crash)
    for _ in range(12):
        InboundEmail.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        inbound_worker.inbound()
    outcomes = list(InboundEmail.objects.order_by("id").values_list("outcome", flat=True))
    assert outcomes == ["request_created"] * 2 + ["internal_error"] + ["request_created"] * 2
    facts = InboundEmail.objects.get(pk=bad).facts
    assert facts["error"] == "ZeroDivisionError"
    assert "secret" not in str(facts)
    assert {row.deaths for row in InboundEmail.objects.exclude(pk=bad)} == {0}


def test_a_living_worker_is_not_buried_and_a_dead_one_is(desk: Desk) -> None:
    living = alive.Identity()
    desk.arrive(letter())
    assert len(claim(living.name)) == 1
    worker.bury_the_dead()
    assert claim("other") == []
    living._file.close()  # as the kernel does when a process is killed
    worker.bury_the_dead()
    assert len(claim("other")) == 1
