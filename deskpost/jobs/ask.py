"""ASK for an act on many messages, and call it off."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from deskpost import wake
from deskpost.jobs import registry
from deskpost.logs import search_json
from deskpost.logs.search import Query
from deskpost.models import AuditEntry, Job, Person, Project

MOST: Final = 20_000  # messages that one job looks at
CHOSEN: Final = 1_000  # messages that can be named one by one
SHOWN_LENGTH: Final = 2_000
LATELY: Final = 100  # jobs of a project among which a form's second sending is looked for

AUDIT: Final = {
    Job.Act.PROCESS_AGAIN: AuditEntry.Act.REPROCESS,
    Job.Act.SEND_AGAIN: AuditEntry.Act.SEND_AGAIN,
    Job.Act.EXPORT_MBOX: AuditEntry.Act.EXPORT,
    Job.Act.EXPORT_ZIP: AuditEntry.Act.EXPORT,
}


def ask(
    act: Job.Act,
    project: Project,
    by: Person,
    *,
    log: str,
    queries: Sequence[Query] = (),
    ids: Sequence[uuid.UUID] = (),
    shown: str = "",
    options: Mapping[str, Any] | None = None,
    token: str = "",
) -> Job:
    """Leave a job for the workers: on the messages that were chosen by their ids, or on those that
    the queries find and that are there already. Returns it.

    `log` names the list from which it was asked for, and `shown` is its query string. A form sends
    its `token`: the second time it makes no second job, and returns the first.
    """
    now = timezone.now()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if token and (first := _sent_before(project, act, token)):
            return first
        job = Job.objects.create(
            act=act,
            project=project,
            by=by,
            created_at=now,
            due_at=now,
            what={"log": log, "shown": shown[:SHOWN_LENGTH]} | _which(queries, ids, now),
            options={**(options or {}), "token": token},
        )
        _audit(job, by, {"job": job.pk, "asked": True, "chosen": len(ids)})
        wake.up(wake.Stage.JOBS)
    return job


def _sent_before(project: Project, act: Job.Act, token: str) -> Job | None:
    """The forms of an export share their token: one for an mbox is not the one for a zip."""
    lately = Job.objects.filter(project=project, act=act).order_by("-id")[:LATELY]
    return next((job for job in lately if job.options.get("token") == token), None)


def _which(queries: Sequence[Query], ids: Sequence[uuid.UUID], now: datetime) -> dict[str, Any]:
    if queries:
        bounded = [replace(q, until=min(q.until or now, now)) for q in queries]
        return {"queries": [search_json.dumped(query) for query in bounded]}
    newest_first = sorted(set(ids), reverse=True)[:CHOSEN]
    return {"ids": [pk.hex for pk in newest_first]}


def cancel(job: Job, by: Person) -> bool:
    """Stop a job before its next messages. What it has done stays done. Returns whether it was
    still going on."""
    now = timezone.now()
    with transaction.atomic():
        row = Job.objects.select_for_update().get(pk=job.pk)
        if row.finished_at or row.state == Job.State.CANCELLED:
            return False
        row.state = Job.State.CANCELLED
        idle = not row.owner  # else its worker sees it after the messages in hand
        if idle:
            row.due_at, row.finished_at = None, now
        row.save(update_fields=["state", "due_at", "finished_at"])
        _audit(row, by, {"job": row.pk, "cancelled": True})
    if idle and (drop := registry.doing(row).drop):
        drop(row)
    return True


def _audit(job: Job, by: Person, details: dict[str, Any]) -> None:
    about = {"act": job.act, "log": job.what["log"], "query": job.what.get("shown", "")}
    AuditEntry.objects.create(
        person=by,
        project_id=job.project_id,
        act=AUDIT[Job.Act(job.act)],
        subject=f"job {job.pk}",
        details=details | about,
    )
