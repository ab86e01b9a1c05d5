"""PROCESS AGAIN many messages, each by itself: what fails on one does not stop the others."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import QuerySet

from deskpost import journey
from deskpost.inbound.settle import MADE, NotAgain
from deskpost.jobs.doing import Doing, Done, Pace
from deskpost.models import AuditEntry, Comment, InboundEmail, Job, Project

log = logging.getLogger(__name__)


class LeftOut(StrEnum):
    """Why a message is not processed again."""

    GONE = "gone"  # its days are over
    WAITING = "waiting"  # it is in the queue
    MADE = "made"  # it has become a request or a comment: once, ever
    SINCE = "since"  # it was processed after this was asked for
    NO_RAW = "no_raw"  # nothing of it was kept
    UNREADABLE = "unreadable"  # the raw cannot be read just now
    ERROR = "error"  # Deskpost failed on it


def sort(project: Project, ids: Sequence[uuid.UUID]) -> Counter[LeftOut | None]:
    """Return how many of the messages can be processed again (None), and how many cannot, for
    which reason."""
    rows = list(_rows(project).filter(pk__in=ids))
    comments = Comment.objects.filter(incoming__in=[row.pk for row in rows])
    made = set(comments.values_list("incoming", flat=True))
    found: Counter[LeftOut | None] = Counter(
        LeftOut.MADE if row.pk in made else hindrance(row) for row in rows
    )
    found[LeftOut.GONE] += len(set(ids)) - len(rows)
    return +found


def hindrance(row: InboundEmail, asked_at: datetime | None = None) -> LeftOut | None:
    """Return what keeps a message from being processed again, as far as its row knows. With
    `asked_at`, one that was processed later counts as done."""
    if row.due_at is not None:
        return LeftOut.WAITING
    if row.outcome in MADE:
        return LeftOut.MADE
    if asked_at and row.settled_at and row.settled_at >= asked_at:
        return LeftOut.SINCE
    return None if row.raw_key else LeftOut.NO_RAW


def chunk(job: Job, ids: Sequence[uuid.UUID], pace: Pace) -> Done:
    """Process messages again, one after the other, for as long as the pace allows."""
    made, left_out, looked = 0, Counter[str](), 0
    for pk in ids:
        if looked and pace.over():
            break
        looked += 1
        row = _rows(job.project).filter(pk=pk).first()
        why = _again(job, row) if row else LeftOut.GONE
        if why is None or (pace.again and row and _was_ours(job, row)):
            made += 1
        else:
            left_out[str(why)] += 1
    return Done(looked=looked, made=made, left_out=left_out)


def _rows(project: Project) -> QuerySet[InboundEmail]:
    return InboundEmail.objects.select_related("project", "channel__request_type").filter(
        project=project
    )


def _again(job: Job, row: InboundEmail) -> LeftOut | None:
    if why := hindrance(row, job.created_at):
        return why
    try:
        journey.reprocess(row, job.by)
    except NotAgain:  # another was quicker
        return hindrance(_rows(job.project).get(pk=row.pk), job.created_at) or LeftOut.MADE
    except OSError:
        return LeftOut.UNREADABLE
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, DataError | IntegrityError):
            raise
        log.exception("message %s failed when it was processed again", row.pk)
        return LeftOut.ERROR
    return None


def _was_ours(job: Job, row: InboundEmail) -> bool:
    """Whether the step that came to no end has processed the message: its sums were lost with it,
    while what it did, and its audit entry, were kept."""
    entries = AuditEntry.objects.filter(
        act=AuditEntry.Act.REPROCESS, subject=str(row.pk), person=job.by, at__gte=job.created_at
    )
    return entries.exists()


# An answer is to find the request that the message before it makes.
DOING: Final = Doing(chunk=chunk, oldest_first=True)
