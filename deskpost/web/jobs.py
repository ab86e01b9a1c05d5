"""Jobs of a project: what was asked for, how far it has come, what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deskpost.jobs import ask, registry
from deskpost.logs.explain import entry_id
from deskpost.models import AuditEntry, Job, Log, Project
from deskpost.models.permission import Act, may
from deskpost.outcomes import OUTCOMES, Outcome
from deskpost.web import job_words
from deskpost.web.access import forbidden, project_view, signed_in
from deskpost.web.email_logs import company_managed
from deskpost.web.selection import PAGES

LISTED: Final = 50
ROWS: Final = 50  # of what a job has made


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A job as its page and the list of jobs show it. `part` is per cent."""

    job: Job
    name: str
    state: str
    tone: str
    going_on: bool
    part: int
    made: str
    left_out: list[tuple[str, int]]
    failure: str
    back: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A message that a job has acted upon: its words, and its address in the log."""

    said: str
    url: str


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def listing(request: HttpRequest, project: Project) -> HttpResponse:
    """The newest jobs of the project."""
    rows = Job.objects.filter(project=project).select_related("by").order_by("-id")[:LISTED]
    context = {"project": project, "lines": [line(job) for job in rows]}
    return render(request, "email_logs/jobs.html", context)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def detail(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """One job. While it goes on, the page asks for itself again."""
    job = get_object_or_404(Job.objects.select_related("by"), project=project, pk=pk)
    rows = _made(job)
    context = {"project": project, "line": line(job), "rows": rows[:ROWS], "rows_most": ROWS}
    return render(request, "email_logs/job.html", context | {"rows_more": len(rows) > ROWS})


@require_POST
@project_view(Act.READ_LOGS)
@company_managed
def cancel(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Stop a job before its next messages."""
    job = get_object_or_404(Job, project=project, pk=pk)
    if not may(signed_in(request), registry.NEEDS[Job.Act(job.act)], project):
        return forbidden(request)
    if ask.cancel(job, signed_in(request)):
        messages.success(request, _("It is cancelled. What it has done stays done."))
    else:
        messages.info(request, _("It was over already."))
    return HttpResponseRedirect(reverse("job", args=[project.key, job.pk]))


def line(job: Job) -> Line:
    """Return what is shown of a job."""
    state = Job.State(job.state)
    page = PAGES.get(job.what["log"])
    path = reverse(page, args=[job.project.key]) if page else ""
    query = job.what.get("shown", "").removeprefix("?")
    whole = job.finished_at is not None and state == Job.State.DONE
    part = 100 if whole else min(99, job.looked_at * 100 // max(job.total, 1))
    return Line(
        job=job,
        name=str(job_words.NAMES[Job.Act(job.act)]),
        state=str(job_words.STATES[state]),
        tone=job_words.TONES[state],
        going_on=job.finished_at is None,
        part=part,
        made=job_words.made(job),
        left_out=job_words.left_out(job.left_out),
        failure=job_words.failure(job),
        back=f"{path}?{query}" if path and query else path,
        file=_file(job),
    )


def _file(job: Job) -> str:
    """Return where the file of an export is, while it is kept."""
    if not job.file_key or (job.file_until and job.file_until <= timezone.now()):
        return ""
    return reverse("export-file", args=[job.project.key, job.pk])


def _made(job: Job) -> list[Made]:
    """Return what the job has acted upon, as the audit log tells it: the newest first."""
    if job.act not in {Job.Act.PROCESS_AGAIN, Job.Act.SEND_AGAIN} or not job.made:
        return []
    entries = AuditEntry.objects.filter(
        project=job.project, person=job.by, act=ask.AUDIT[Job.Act(job.act)], at__gte=job.created_at
    )
    if job.finished_at:
        entries = entries.filter(at__lte=job.finished_at)
    found = entries.exclude(subject__startswith="job ").order_by("-id")[: ROWS + 1]
    made = (_one(job, entry.subject, entry.details) for entry in found)
    return [one for one in made if one]


def _one(job: Job, subject: str, details: dict[str, Any]) -> Made | None:
    incoming = job.what["log"] == Log.INCOMING
    pk = entry_id(subject if incoming else details.get("notification"))
    if pk is None:
        return None
    name = "incoming" if incoming else "notification"
    said = _became(details) if incoming else subject
    return Made(said=said, url=reverse(name, args=[job.project.key, pk]))


def _became(details: dict[str, Any]) -> str:
    before, after = (
        str(OUTCOMES[Outcome(details[name])].words) if details.get(name) in set(Outcome) else "–"
        for name in ("before", "after")
    )
    return _("%(before)s → %(after)s") % {"before": before, "after": after}
