"""Send again, many at once: each notification once, with its sums in the same transaction."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection, connections

from deskpost.jobs import ask
from deskpost.jobs.send_again import NO_PLACES
from deskpost.logs.search import Is, Property, Query
from deskpost.models import Job, Log, Notification, Person, Project, SentAgain, queue
from deskpost.models.lineindex import FIND
from deskpost.outbound import again, suppress
from deskpost.outbound.again_rules import Obstacle, Stale
from deskpost.outcomes import NotificationStatus, Reason
from tests.desk import Desk
from tests.jobs.office import admin, fresh, work
from tests.logs import rows


def missed(desk: Desk, number: int, reason: str = Reason.SERVICE_PROVIDER_ERROR) -> None:
    for n in range(number):
        person = Person.objects.create_person(f"{reason}{n}@x.test")
        rows.note(desk.project, person, reason, at=rows.ago(hours=1))


def send_again(desk: Desk, by: Person, **options: object) -> Job:
    part = Is(property=Property.STATUS, values=("failed",))
    query = Query(project_id=desk.project.pk, log=Log.REQUESTS, parts=(part,))
    return ask.ask(
        Job.Act.SEND_AGAIN,
        desk.project,
        by,
        log=Log.REQUESTS,
        queries=[query],
        options=options,
    )


def test_all_that_failed_goes_once(desk: Desk) -> None:
    missed(desk, 12)
    job = send_again(desk, boss := admin(desk))
    work()
    assert (fresh(job).state, fresh(job).total, fresh(job).made) == ("done", 12, 12)
    assert SentAgain.objects.filter(by=boss).count() == 12
    again_all = send_again(desk, boss)
    work()
    assert (fresh(again_all).made, fresh(again_all).left_out) == (0, {Obstacle.SENT_AGAIN: 12})
    assert Notification.objects.filter(again_of__isnull=False).count() == 12


def test_what_cannot_go_is_left_out_with_its_reason(desk: Desk) -> None:
    missed(desk, 2)
    missed(desk, 1, Reason.UNSUBSCRIBED)
    blocked = Person.objects.get(email=f"{Reason.SERVICE_PROVIDER_ERROR}0@x.test")
    suppress.block(blocked.email, "by_hand", {})
    job = send_again(desk, admin(desk))
    work()
    assert fresh(job).made == 1
    assert fresh(job).left_out == {Obstacle.BLOCKED: 1, Obstacle.CHOSEN: 1}


@pytest.mark.parametrize(("stale", "made"), [(False, 0), (True, 1)])
def test_what_is_stale_goes_only_if_it_was_asked_for(desk: Desk, stale: bool, made: int) -> None:
    person = Person.objects.create_person("ann@x.test")
    rows.note(desk.project, person, Reason.UNKNOWN_ERROR, at=rows.ago(hours=2))
    rows.note(desk.project, person, status=NotificationStatus.DELIVERED, at=rows.ago(hours=1))
    job = send_again(desk, admin(desk), **({"stale": True} if stale else {}))
    work()
    assert fresh(job).made == made
    assert fresh(job).left_out == ({} if stale else {Stale.LATER: 1})


def test_no_more_go_than_the_limit_of_the_day_has_places(
    desk: Desk, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed(desk, 5)
    monkeypatch.setattr("deskpost.outbound.again_limit.places", lambda: 3)
    job = send_again(desk, admin(desk))
    work()
    assert (fresh(job).made, fresh(job).left_out) == (3, {NO_PLACES: 2})


def test_a_step_whose_sums_cannot_be_written_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed(desk, 3)
    job = send_again(desk, admin(desk))
    real = again.send

    def slow(*given: object) -> list[Notification]:
        made = real(*given)  # type: ignore[arg-type]
        Job.objects.update(owner="another", attempt=99)
        return made

    monkeypatch.setattr(again, "send", slow)
    work(most=3)
    monkeypatch.undo()
    assert not SentAgain.objects.exists()
    assert fresh(job).owner != "another"  # undone with the rest of its transaction


@pytest.fixture
def own_index(transactional_db: None) -> None:
    """What undoes a test with transactions of its own does not know SQLite's search index."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {FIND}")


def dies_on_sending() -> int:
    """Take steps in another process, which kills itself once the rows are made and before its
    transaction ends."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        real = again.send

        def deadly(*given: object) -> list[Notification]:
            real(*given)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)
            return []

        again.send = deadly  # type: ignore[assignment]
        work("doomed")
    finally:
        os._exit(1)


@pytest.mark.django_db(transaction=True)
def test_kill_9_in_the_middle_sends_nothing_twice(own_index: None) -> None:
    desk = Desk()
    missed(desk, 6)
    job = send_again(desk, admin(desk))
    assert dies_on_sending() == -signal.SIGKILL
    assert not SentAgain.objects.exists()
    queue.bury(Job, ["doomed"])
    work()
    assert (fresh(job).looked_at, fresh(job).made, fresh(job).left_out) == (6, 6, {})
    assert Notification.objects.filter(again_of__isnull=False).count() == 6
    assert Project.objects.count() == 1
