"""Process again, many at once: each message once, whatever happens in between."""

from __future__ import annotations

import os
import signal

import pytest
from django.core.files.storage import storages
from django.db import connection, connections
from django.utils import timezone

from deskpost import journey
from deskpost.jobs import ask, doing, run
from deskpost.jobs.process_again import LeftOut
from deskpost.models import (
    AuditEntry,
    InboundEmail,
    Job,
    Membership,
    Person,
    Project,
    Request,
    new_id,
    queue,
)
from deskpost.models.lineindex import FIND
from tests.desk import Desk
from tests.jobs.office import (
    ME,
    admin,
    fresh,
    open_signup,
    process_again,
    refused,
    work,
)


def test_the_forty_that_failed_become_requests_once_the_setting_is_mended(desk: Desk) -> None:
    refused(desk, 40)
    open_signup(desk)
    job = process_again(desk, boss := admin(desk))
    work()
    done = fresh(job)
    assert (done.state, done.total, done.looked_at, done.made) == ("done", 40, 40, 40)
    assert (done.left_out, done.due_at, done.owner) == ({}, None, "")
    assert done.finished_at is not None
    assert Request.objects.count() == 40
    acts = AuditEntry.objects.filter(act="reprocess", person=boss)
    assert acts.exclude(subject=f"job {job.pk}").count() == 40
    assert acts.get(subject=f"job {job.pk}").details["asked"]


def test_they_are_taken_in_the_order_in_which_they_came(desk: Desk) -> None:
    rows = refused(desk, 5)[::-1]
    open_signup(desk)
    process_again(desk, admin(desk))
    work()
    keys = [InboundEmail.objects.get(pk=row.pk).request_key for row in rows]
    assert keys == [f"{desk.project.key}-{n}" for n in range(1, 6)]


def test_chosen_messages_alone_are_touched(desk: Desk) -> None:
    rows = refused(desk, 5)
    open_signup(desk)
    chosen = {rows[1].pk, rows[3].pk}
    work_of = process_again(desk, admin(desk), ids=list(chosen))
    work()
    assert fresh(work_of).made == 2
    made = InboundEmail.objects.filter(outcome="request_created").values_list("pk", flat=True)
    assert set(made) == chosen


def test_what_arrives_after_the_asking_is_left_alone(desk: Desk) -> None:
    refused(desk, 2)
    job = process_again(desk, admin(desk))
    refused(desk, 3)
    work()
    assert (fresh(job).total, fresh(job).made) == (2, 2)


def test_each_message_that_cannot_be_is_left_out_with_its_reason(desk: Desk) -> None:
    rows = refused(desk, 6)
    open_signup(desk)
    boss = admin(desk)
    journey.reprocess(rows[0], boss)  # has become a request
    InboundEmail.objects.filter(pk=rows[1].pk).update(due_at=timezone.now())
    InboundEmail.objects.filter(pk=rows[2].pk).update(raw_key="")
    storages["raw"].delete(rows[3].raw_key)
    job = process_again(desk, boss, ids=[row.pk for row in rows])
    rows[4].delete()
    work()
    assert fresh(job).made == 1
    assert fresh(job).left_out == {
        LeftOut.MADE: 1,
        LeftOut.WAITING: 1,
        LeftOut.NO_RAW: 1,
        LeftOut.UNREADABLE: 1,
        LeftOut.GONE: 1,
    }


def test_a_message_of_another_project_is_none_of_this_ones(desk: Desk) -> None:
    (row,) = refused(desk, 1)
    open_signup(desk)
    other = Project.objects.create(key="HR", name="HR")
    boss = Person.objects.create_person("site@desk.test", is_site_admin=True)
    job = ask.ask(Job.Act.PROCESS_AGAIN, other, boss, log="in", ids=[row.pk])
    work()
    assert (fresh(job).made, fresh(job).left_out) == (0, {LeftOut.GONE: 1})
    assert not Request.objects.exists()


def test_one_message_on_which_deskpost_fails_does_not_stop_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = refused(desk, 3)
    open_signup(desk)
    real = journey.reprocess

    def breaks(email: InboundEmail, by: Person) -> InboundEmail:
        if email.pk == rows[1].pk:
            raise RuntimeError("a fault of ours")
        return real(email, by)

    monkeypatch.setattr(journey, "reprocess", breaks)
    job = process_again(desk, admin(desk))
    work()
    assert (fresh(job).state, fresh(job).made) == ("done", 2)
    assert fresh(job).left_out == {LeftOut.ERROR: 1}


def test_two_jobs_over_the_same_messages_process_each_once(desk: Desk) -> None:
    rows = refused(desk, 8)  # and the setting stays as it is: each run fails again
    first = process_again(desk, admin(desk))
    second = process_again(desk, admin(desk, "other@desk.test"))
    work()
    assert (fresh(first).made, fresh(second).made) == (8, 0)
    assert fresh(second).left_out == {LeftOut.SINCE: 8}
    assert {row.run for row in InboundEmail.objects.filter(pk__in=[r.pk for r in rows])} == {2}


def test_jobs_of_one_act_in_a_project_go_one_after_the_other(desk: Desk) -> None:
    refused(desk, 2)
    boss = admin(desk)
    first, second = process_again(desk, boss), process_again(desk, boss)
    other = Project.objects.create(key="HR", name="HR")
    chief = Person.objects.create_person("site@desk.test", is_site_admin=True)
    elsewhere = ask.ask(Job.Act.PROCESS_AGAIN, other, chief, log="in", ids=[new_id()])
    (held,) = queue.claim(Job.objects.filter(pk=first.pk), "another", timezone.now(), 1)
    work()
    assert fresh(elsewhere).state == "done"
    assert (fresh(second).state, fresh(second).attempt) == ("waiting", 0)
    queue.release([held])
    work()
    assert (fresh(first).made, fresh(second).made) == (2, 0)


def test_the_second_sending_of_a_form_makes_no_second_job(desk: Desk) -> None:
    refused(desk, 1)
    boss = admin(desk)
    first = process_again(desk, boss, token="t1")
    assert process_again(desk, boss, token="t1") == first
    assert process_again(desk, boss, token="t2") != first
    assert Job.objects.count() == 2


def test_a_job_goes_on_step_by_step_and_keeps_its_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 7)
    monkeypatch.setattr(doing, "SECONDS", -1.0)  # one message a step
    job = process_again(desk, admin(desk))
    run.step(ME, lambda: False)
    assert (fresh(job).state, fresh(job).total, fresh(job).looked_at) == ("running", 7, 0)
    run.step(ME, lambda: False)
    assert (fresh(job).looked_at, len(fresh(job).options["chunk"])) == (1, 6)
    work()
    assert (fresh(job).looked_at, fresh(job).made) == (7, 7)


def test_a_cancelled_job_stops_before_its_next_messages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 4)
    monkeypatch.setattr(doing, "SECONDS", -1.0)
    job = process_again(desk, boss := admin(desk))
    run.step(ME, lambda: False)
    run.step(ME, lambda: False)
    assert ask.cancel(job, boss)
    assert not ask.cancel(job, boss)
    assert work() == 0
    assert (fresh(job).state, fresh(job).made) == ("cancelled", 1)
    assert InboundEmail.objects.filter(runs=[]).count() == 3


def test_one_that_is_cancelled_during_a_step_ends_with_it_and_its_sums(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 2)
    job = process_again(desk, boss := admin(desk))
    run.step(ME, lambda: False)
    real = journey.reprocess

    def meanwhile(email: InboundEmail, by: Person) -> InboundEmail:
        ask.cancel(job, boss)
        return real(email, by)

    monkeypatch.setattr(journey, "reprocess", meanwhile)
    run.step(ME, lambda: False)
    done = fresh(job)
    assert (done.state, done.made, done.due_at, done.owner) == ("cancelled", 2, None, "")
    assert done.finished_at is not None
    assert work() == 0


def test_who_may_no_longer_do_it_does_not_do_it_by_an_older_job(desk: Desk) -> None:
    refused(desk, 2)
    job = process_again(desk, boss := admin(desk))
    Membership.objects.filter(person=boss).delete()
    work()
    assert (fresh(job).state, fresh(job).error, fresh(job).made) == ("failed", "NotAllowed", 0)
    assert not InboundEmail.objects.exclude(runs=[]).exists()


def test_a_worker_that_lost_its_claim_writes_no_sums(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 3)
    job = process_again(desk, admin(desk))
    run.step(ME, lambda: False)
    real = journey.reprocess

    def slow(email: InboundEmail, by: Person) -> InboundEmail:
        """The lease runs out, and another takes the job over."""
        done = real(email, by)
        Job.objects.update(owner="another", attempt=99)
        return done

    monkeypatch.setattr(journey, "reprocess", slow)
    run.step(ME, lambda: False)
    assert (fresh(job).looked_at, fresh(job).owner) == (0, "another")
    monkeypatch.undo()
    queue.bury(Job, ["another"])
    work()
    assert (fresh(job).looked_at, fresh(job).made, fresh(job).left_out) == (3, 3, {})
    assert {row.run for row in InboundEmail.objects.all()} == {2}


def test_a_job_on_which_deskpost_fails_is_tried_again_and_then_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(desk, 1)
    job = process_again(desk, admin(desk))

    def breaks(*_: object) -> object:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(run, "_count", breaks)
    for _ in range(4):
        Job.objects.filter(finished_at=None).update(due_at=timezone.now())
        run.step(ME, lambda: False)
    assert (fresh(job).state, fresh(job).error) == ("failed", f"RuntimeError {job.pk}")
    assert fresh(job).due_at is None


# --- Death ---------------------------------------------------------------------------------------


@pytest.fixture
def own_index(transactional_db: None) -> None:
    """What undoes a test with transactions of its own does not know SQLite's search index."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {FIND}")


def dies_after(number: int) -> int:
    """Take steps in another process, which kills itself (SIGKILL) as soon as it has processed so
    many messages; returns how it ended."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        real, done = journey.reprocess, [0]

        def deadly(email: InboundEmail, by: Person) -> InboundEmail:
            row = real(email, by)
            done[0] += 1
            if done[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return row

        journey.reprocess = deadly
        work("doomed")
    finally:
        os._exit(1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mended", [True, False])
def test_kill_9_in_the_middle_neither_loses_nor_doubles_anything(
    own_index: None, mended: bool
) -> None:
    desk = Desk()
    rows = refused(desk, 9)
    if mended:
        open_signup(desk)
    job = process_again(desk, admin(desk))
    assert dies_after(4) == -signal.SIGKILL
    assert (fresh(job).looked_at, fresh(job).owner) == (0, "doomed")
    queue.bury(Job, ["doomed"])
    work()
    done = fresh(job)
    assert (done.state, done.looked_at, done.made, done.left_out) == ("done", 9, 9, {})
    assert {row.run for row in InboundEmail.objects.filter(pk__in=[r.pk for r in rows])} == {2}
    assert Request.objects.count() == (9 if mended else 0)
