"""Exports of the log: the messages of a list as CSV or JSON Lines, at once; their raw originals as
mbox or zip, by a job, and the file that it has made."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_GET, require_http_methods

from deskpost.jobs import ask
from deskpost.jobs import export as mail_export
from deskpost.logs import asked, export, export_files, export_mail
from deskpost.logs.explain import entry_id
from deskpost.logs.export import Form, Rest
from deskpost.logs.export_rows import Record
from deskpost.logs.search import Query, TooSlow
from deskpost.models import AuditEntry, Job, Log, Project
from deskpost.models.permission import Act
from deskpost.web.access import project_view, signed_in
from deskpost.web.export_menu import MAIL, SEARCH
from deskpost.web.files import safe_name

NAMES: Final = {
    Log.INCOMING: "incoming",
    Log.REQUESTS: "notifications",
    Log.INVITATIONS: "invitations",
    SEARCH: "search",
}
TYPES: Final = {Form.CSV: "text/csv; charset=utf-8", Form.JSONL: "application/jsonl; charset=utf-8"}
MAIL_TYPES: Final = {"mbox": "application/mbox", "zip": "application/zip"}
ACTS: Final = {"mbox": Job.Act.EXPORT_MBOX, "zip": Job.Act.EXPORT_ZIP}
MOST_FILES: Final = 5  # of a project at a time: the disk is that of incoming mail


@require_http_methods(["GET", "POST"])
@project_view(Act.EXPORT)
def export_list(request: HttpRequest, project: Project, page: str, form: str) -> HttpResponseBase:
    """Export what a list shows: its `page` and query string are those of the list. A GET streams
    CSV or JSONL; a POST begins a job that makes an mbox or a zip."""
    is_company = project.kind == Project.Kind.COMPANY
    if page not in NAMES or form not in (*TYPES, *MAIL) or not (is_company or page == Log.INCOMING):
        raise Http404
    if form in MAIL and not is_company:
        raise Http404  # it has no page of jobs
    wanted = "POST" if form in MAIL else "GET"
    if request.method != wanted:
        return HttpResponseNotAllowed([wanted])
    queries, why_not = _queries(request, project, page)
    if why_not or not queries:
        return _stopped(request, project, "box")
    if form in MAIL:
        if _files(project) >= MOST_FILES:
            return _stopped(request, project, "many")
        return _begin(request, project, page, form, queries)
    return _stream(request, project, page, Form(form), queries)


def _queries(request: HttpRequest, project: Project, page: str) -> tuple[list[Query], bool]:
    """Return what is asked of each list, and whether the search box cannot be understood."""
    given = request.GET.dict()
    if page == SEARCH:
        everywhere = asked.read_everywhere(project, given)
        return list(everywhere.queries.values()), everywhere.box.error is not None
    found = asked.read(project, Log(page), given)
    return [found.query], found.box.error is not None


def _stopped(request: HttpRequest, project: Project, why: str) -> HttpResponse:
    context = {"project": project, "why": why}
    return render(request, "email_logs/export_stopped.html", context, status=422)


# --- CSV and JSON Lines --------------------------------------------------------------------------


def _stream(
    request: HttpRequest, project: Project, page: str, form: Form, queries: list[Query]
) -> HttpResponseBase:
    walk = export.walk(queries, entry_id(request.GET.get("before")))
    try:
        first = next(walk, [])
    except TooSlow:
        return _stopped(request, project, "slow")
    entry = AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.EXPORT,
        subject=page,
        details={"form": str(form), "query": request.GET.urlencode()[:2000], "number": 0},
    )
    texts = _texts(itertools.chain([first], walk), form, partial(_rest_url, request))
    response = StreamingHttpResponse(
        _octets(_in_words_of_now(texts), entry, form), content_type=TYPES[form]
    )
    return _as_file(response, _file_name(project, NAMES[page], form))


def _texts(
    walk: Iterable[list[Record] | Rest], form: Form, address: Callable[[uuid.UUID], str]
) -> Iterator[tuple[str, int]]:
    """Yield the text of the file, and how many messages each piece of it holds."""
    for some in walk:
        if isinstance(some, Rest):
            yield export.ending(form, some, address), 0
        else:
            yield export.text(form, some), len(some)


def _in_words_of_now(steps: Iterator[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Take each step in the language and the zone that are in force now: when an answer is
    streamed, they no longer are."""
    language, zone = translation.get_language(), timezone.get_current_timezone()

    def told() -> Iterator[tuple[str, int]]:
        while True:
            with translation.override(language), timezone.override(zone):
                step = next(steps, None)
            if step is None:
                return
            yield step

    return told()


def _octets(texts: Iterator[tuple[str, int]], entry: AuditEntry, form: Form) -> Iterator[bytes]:
    """Yield the file; how many messages went out is written down, also if it was cut off."""
    number = 0
    try:
        yield export.octets(export.beginning(form))
        for text, messages in texts:
            number += messages
            yield export.octets(text)
    finally:
        details = entry.details | {"number": number}
        AuditEntry.objects.filter(pk=entry.pk).update(details=details)


def _rest_url(request: HttpRequest, before: uuid.UUID) -> str:
    """Return the whole address of what comes after the last message of the file."""
    query = request.GET.copy()
    query["before"] = str(before)
    return f"{settings.BASE_URL}{request.path}?{query.urlencode()}"


# --- Raw messages --------------------------------------------------------------------------------


def _files(project: Project) -> int:
    """Return how many files of raw messages are being made, or kept."""
    kept = Q(due_at__isnull=False) | Q(file_until__gt=timezone.now()) & ~Q(file_key="")
    return Job.objects.filter(kept, project=project, act__in=ACTS.values()).count()


def _begin(
    request: HttpRequest, project: Project, page: str, form: str, queries: list[Query]
) -> HttpResponseBase:
    job = ask.ask(
        ACTS[form],
        project,
        signed_in(request),
        log=page,
        queries=queries,
        shown=request.GET.urlencode(),
        token=request.POST.get("token", "")[:64].replace("\0", ""),
    )
    return HttpResponseRedirect(reverse("job", args=[project.key, job.pk]))


@require_GET
@project_view(Act.EXPORT)
def file(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """The file of a job that has ended, for a day. That it was taken is written down."""
    job = _finished(request, project, pk)
    form = next(form for form, act in ACTS.items() if act == job.act)
    pieces = mail_export.of(job, "pieces")
    try:
        export_files.check(job, pieces)
    except export_files.Broken:
        return render(request, "email_logs/export_gone.html", {"project": project}, status=410)
    _note(request, job, form)
    response = StreamingHttpResponse(export_files.read(job, pieces), content_type=MAIL_TYPES[form])
    response["Content-Length"] = str(job.file_size)
    return _as_file(response, _job_file_name(job, form))


@require_GET
@project_view(Act.EXPORT)
def index(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Which messages the file of a job holds, and which were left out: a CSV file."""
    job = _finished(request, project, pk)
    try:
        export_files.check(job, mail_export.of(job, "index"))
    except export_files.Broken:
        return render(request, "email_logs/export_gone.html", {"project": project}, status=410)
    _note(request, job, export_mail.INDEX)
    response = StreamingHttpResponse(mail_export.index(job), content_type=TYPES[Form.CSV])
    return _as_file(response, _job_file_name(job, "csv"))


def _finished(request: HttpRequest, project: Project, pk: int) -> Job:
    """Return the job whose file is asked for. Raises Http404 if it has made none, or it is over."""
    job = get_object_or_404(Job, project=project, pk=pk, act__in=ACTS.values())
    if not job.file_key or job.file_until is None or job.file_until <= timezone.now():
        raise Http404
    return job


def _note(request: HttpRequest, job: Job, what: str) -> None:
    AuditEntry.objects.create(
        person=signed_in(request),
        project=job.project,
        act=AuditEntry.Act.RAW_DOWNLOAD,
        subject=f"job {job.pk}",
        details={"form": what, "messages": job.made, "octets": job.file_size},
    )


# --- Files ---------------------------------------------------------------------------------------


def _job_file_name(job: Job, form: str) -> str:
    return _file_name(job.project, f"{NAMES.get(job.what['log'], 'mail')}-{job.pk}", form)


def _file_name(project: Project, name: str, form: str) -> str:
    now = timezone.localtime()
    return safe_name(f"deskpost-{project.key}-{name}-{now:%Y%m%d-%H%M}.{form}", f"deskpost.{form}")


def _as_file(response: StreamingHttpResponse, name: str) -> StreamingHttpResponse:
    """Say that it is a file to be kept, under a name of ours, and no page of this site."""
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    response["Content-Disposition"] = f'attachment; filename="{ascii_name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response
