"""RUN a job, a step at a time: claim it, take its next messages, act, write down what it came to.

The messages of a step are written on the job before they are touched, and their sums, fenced, after
it: a death repeats one step, and each act sees to it that nothing is done twice.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from deskpost.jobs import registry
from deskpost.jobs.ask import MOST
from deskpost.jobs.doing import Doing, Done, Pace
from deskpost.logs import search, search_json
from deskpost.models import Job, queue
from deskpost.models.permission import may
from deskpost.models.queue import LostClaim

log = logging.getLogger(__name__)

AGAIN: Final = timedelta(seconds=10)  # after an exception
COUNTED_AT_ONCE: Final = 1_000
OF_THE_ROW: Final = (DataError, IntegrityError)  # no outage


def step(owner: str, stopping: Callable[[], bool]) -> int:
    """Take one step of the job that has waited longest. Returns how many jobs were taken up: one,
    or none. A database that does not answer raises DatabaseError."""
    batch = queue.claim(_next_ones(), owner, timezone.now(), 1)
    for job in batch:
        try:
            _go_on(job, stopping)
        except LostClaim:
            log.warning("job %s was taken over by another worker", job.pk)
        except Exception as error:
            if isinstance(error, DatabaseError) and not isinstance(error, OF_THE_ROW):
                queue.release([job], suspect=True)
                raise
            log.exception("job %s failed", job.pk)
            _blame(job, error)
    return len(batch)


def _next_ones() -> QuerySet[Job]:
    """Jobs of one act in one project go one after the other: no two are at the same messages."""
    earlier = Job.objects.filter(
        project=OuterRef("project"),
        act=OuterRef("act"),
        due_at__isnull=False,
        id__lt=OuterRef("id"),
    )
    rows = Job.objects.select_related("project", "by").filter(~Exists(earlier))
    return rows.order_by("due_at", "id")


def _go_on(job: Job, stopping: Callable[[], bool]) -> None:
    doing = registry.doing(job)
    if job.state == Job.State.CANCELLED:
        _end(job, doing, Job.State.CANCELLED)
    elif job.is_poison:
        _end(job, doing, Job.State.FAILED, error=job.error or f"Killed {job.pk}")
    elif not (job.by.is_active and may(job.by, registry.NEEDS[Job.Act(job.act)], job.project)):
        _end(job, doing, Job.State.FAILED, error="NotAllowed")
    elif job.state == Job.State.WAITING:
        _begin(job)
    else:
        _act(job, doing, stopping)


def _begin(job: Job) -> None:
    """Count the messages, so that people can see how far it has come."""
    found = _count(job)
    options = job.options | {"more": found > MOST}
    _write(job, state=Job.State.RUNNING, total=min(found, MOST), options=options)


def _act(job: Job, doing: Doing, stopping: Callable[[], bool]) -> None:
    again = job.suspect and "chunk" in job.options
    ids = _in_hand(job) or _take(job, doing)
    if not ids:
        fields = doing.finish(job) if doing.finish else {}
        _write(job, **{**fields, **_ended(Job.State.DONE)})
    else:
        _deal(job, doing, ids, Pace(job, stopping, again=again))
    if job.state == Job.State.CANCELLED and doing.drop:
        doing.drop(job)


def _deal(job: Job, doing: Doing, ids: Sequence[uuid.UUID], pace: Pace) -> None:
    if doing.atomic:
        with queue.undoing([job]):
            _record(job, ids, doing.chunk(job, ids, pace))
    else:
        _record(job, ids, doing.chunk(job, ids, pace))


# --- Which messages ------------------------------------------------------------------------------


def _count(job: Job) -> int:
    if "ids" in job.what:
        return len(job.what["ids"])
    found = 0
    for query in _queries(job):
        before = None
        while found <= MOST:
            page = search.page(query, before, COUNTED_AT_ONCE)
            found += len(page.ids)
            before = page.before
            if before is None:
                break
    return found


def _queries(job: Job) -> list[search.Query]:
    return [search_json.loaded(stored) for stored in job.what["queries"]]


def _in_hand(job: Job) -> list[uuid.UUID]:
    """Return the messages of a step that did not come to its end."""
    return [uuid.UUID(pk) for pk in job.options.get("chunk", [])]


def _take(job: Job, doing: Doing) -> list[uuid.UUID]:
    """Choose the next messages and write them down. Raises TooSlow."""
    most = min(doing.size, MOST - job.looked_at)
    ids = list(_following(job, most, doing.oldest_first)) if most > 0 else []
    if ids:
        job.options = job.options | {"chunk": [pk.hex for pk in ids]}
        queue.hold_all([job], ["options", "last"], timezone.now() + queue.LEASE)
    return ids


def _following(job: Job, most: int, oldest_first: bool) -> Sequence[uuid.UUID]:
    if "ids" in job.what:
        every = sorted(map(uuid.UUID, job.what["ids"]), reverse=not oldest_first)
        return every[every.index(job.last) + 1 if job.last else 0 :][:most]
    queries = _queries(job)
    for at in range(job.options.get("at", 0), len(queries)):
        if at != job.options.get("at", 0):
            job.last, job.options = None, job.options | {"at": at}
        if ids := search.page(queries[at], job.last, most, oldest_first=oldest_first).ids:
            return ids
    return ()


# --- What it came to -----------------------------------------------------------------------------


def _record(job: Job, ids: Sequence[uuid.UUID], done: Done) -> None:
    rest = [pk.hex for pk in ids[done.looked :]]
    options = dict(done.fields.get("options", job.options))
    options.pop("chunk", None)
    _write(
        job,
        **{
            **done.fields,
            "looked_at": job.looked_at + done.looked,
            "made": job.made + done.made,
            "left_out": dict(Counter(job.left_out) + Counter(done.left_out)),
            "last": ids[done.looked - 1] if done.looked else job.last,
            "options": options | ({"chunk": rest} if rest else {}),
        },
    )


def _end(job: Job, doing: Doing, state: Job.State, **fields: Any) -> None:
    _write(job, **_ended(state), **fields)
    if doing.drop:
        doing.drop(job)


def _ended(state: Job.State) -> dict[str, Any]:
    return {"state": state, "due_at": None, "finished_at": timezone.now()}


def _write(job: Job, **fields: Any) -> None:
    """Write what the claimed job has come to, and let it go until its next step. One that was
    cancelled in the meantime ends with it. Raises LostClaim."""
    now = timezone.now()
    fields = {"due_at": now, "suspect": False, "deaths": 0} | fields
    with transaction.atomic():
        state = Job.objects.select_for_update().values_list("state", flat=True).get(pk=job.pk)
        if state == Job.State.CANCELLED:
            fields |= _ended(Job.State.CANCELLED) | {"file_key": ""}
        queue.complete(job, **fields)


def _blame(job: Job, error: Exception) -> None:
    """It is tried again, three times in all. People get the error's name, and an id to quote."""
    queue.release(
        [job],
        suspect=True,
        deaths=F("deaths") + 1,
        due_at=timezone.now() + AGAIN,
        error=f"{type(error).__name__} {job.pk}"[:64],
    )
