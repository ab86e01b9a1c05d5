"""The jobs of a project that are going on, for the head of its lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deskpost.models import Job, Project
from deskpost.web import job_words

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingOn:
    """A job that is not over, and its name."""

    job: Job
    name: str


def running(project: Project) -> Sequence[GoingOn]:
    """Return the project's oldest jobs that are not over."""
    rows = Job.objects.filter(project=project, due_at__isnull=False).order_by("id")[:SHOWN]
    return [GoingOn(job=job, name=str(job_words.NAMES[Job.Act(job.act)])) for job in rows]
