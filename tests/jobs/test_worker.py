"""The stage of the worker that does jobs, and a query as a job keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deskpost.logs import search_json
from deskpost.logs.search import Field, Is, Not, Property, Query, Size, Words
from deskpost.management.commands.run import children
from deskpost.management.commands.work import STAGES
from deskpost.models import Job, Log, queue
from deskpost.wake import Stage
from deskpost.worker import QUEUES, Worker
from tests.desk import Desk
from tests.jobs.office import admin, fresh, open_signup, process_again, refused

QUERY = Query(
    project_id=7,
    log=Log.INCOMING,
    parts=(
        Words(text="printer", fields=(Field.SUBJECT,)),
        Not(part=Words(text="bulk")),
        Is(property=Property.STATUS, values=("failed", "skipped")),
        Size(at_least=100, at_most=None),
        Not(part=Size(at_most=5)),
    ),
    since=datetime(2026, 11, 1, tzinfo=UTC),
)


def test_a_query_comes_back_from_json_as_it_was() -> None:
    assert search_json.loaded(search_json.dumped(QUERY)) == QUERY


@pytest.mark.parametrize("stored", [{}, {"project": 1, "log": "x"}, {"project": 1, "log": "in"}])
def test_what_is_no_query_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        search_json.loaded(stored)


def test_a_worker_does_jobs_a_step_a_sweep(desk: Desk) -> None:
    refused(desk, 3)
    open_signup(desk)
    job = process_again(desk, admin(desk))
    worker = Worker([Stage.JOBS])
    assert worker.jobs() == 1
    assert fresh(job).state == Job.State.RUNNING
    while worker.jobs():
        pass
    assert (fresh(job).state, fresh(job).made) == ("done", 3)


def test_a_worker_that_is_told_to_stop_leaves_the_rest_for_the_next(desk: Desk) -> None:
    refused(desk, 3)
    job = process_again(desk, admin(desk))
    worker = Worker([Stage.JOBS])
    worker.jobs()
    worker.stopping = True
    worker.jobs()
    assert (fresh(job).looked_at, fresh(job).owner) == (1, "")
    assert fresh(job).due_at is not None


def test_deskpost_run_does_jobs_beside_sending_and_frees_those_of_the_dead() -> None:
    assert Stage.JOBS in STAGES
    assert Job in QUEUES
    assert any({"outbound", "jobs"} <= set(child.arguments) for child in children())
    assert issubclass(Job, queue.Queued)
