"""Acts on many messages of a list: what would happen to how many, then the job that does it."""

from __future__ import annotations

import secrets
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deskpost.jobs import ask, process_again, send_again
from deskpost.logs.search import TooSlow
from deskpost.models import Job, Log, Project
from deskpost.models.permission import Act, may
from deskpost.outbound.again_rules import Stale
from deskpost.web import job_words, many_unblock
from deskpost.web.access import forbidden, project_view, signed_in
from deskpost.web.email_logs import company_managed
from deskpost.web.selection import LOOKED_AT, Selection

UNBLOCK: Final = "unblock"
# Which acts there are for which lists, and what they take.
OUT = (Log.REQUESTS, Log.INVITATIONS)
ACTS: Final[dict[str, tuple[tuple[Log, ...], Act]]] = {
    Job.Act.PROCESS_AGAIN: ((Log.INCOMING,), Act.REPROCESS),
    Job.Act.SEND_AGAIN: (OUT, Act.SEND_AGAIN),
    UNBLOCK: (OUT, Act.UNBLOCK),
}
TOKEN_LENGTH: Final = 64


@require_POST
@project_view(Act.READ_LOGS)
@company_managed
def confirm(request: HttpRequest, project: Project) -> HttpResponse:
    """Say what an act would do to the messages that were ticked, or to all that the filters find
    (`do` is the act, with `all:` before it). Nothing is done."""
    scope, _colon, do = request.POST.get("do", "").rpartition(":")
    chosen = _chosen(request, project, do, whole=scope == "all")
    if not may(signed_in(request), ACTS[do][1], project):
        return forbidden(request)
    if not (chosen.whole or chosen.ids):
        messages.info(request, _("No row was ticked. Nothing was done."))
        return HttpResponseRedirect(chosen.back)
    return show(request, chosen, do)


def _chosen(request: HttpRequest, project: Project, do: str, *, whole: bool) -> Selection:
    chosen = Selection.read(request, project, whole=whole)
    if chosen is None or do not in ACTS or chosen.log not in ACTS[do][0]:
        raise Http404
    return chosen


def show(request: HttpRequest, chosen: Selection, do: str) -> HttpResponse:
    """Render the page that asks for a yes."""
    try:
        ids, more = chosen.newest()
    except TooSlow:
        messages.info(request, _("This search took too long. Narrow the dates."))
        return HttpResponseRedirect(chosen.back)
    context: dict[str, Any] = {
        "project": chosen.project,
        "chosen": chosen,
        "do": do,
        "number": len(ids),
        "more": more,
        "looked_at": LOOKED_AT,
        "most": ask.MOST,
        "token": secrets.token_urlsafe(16),
    }
    if do == UNBLOCK:
        context |= many_unblock.plan(chosen.project, ids)
        return render(request, "email_logs/acts_unblock.html", context)
    context |= _process_again(chosen, ids) if do == Job.Act.PROCESS_AGAIN else _send(chosen, ids)
    return render(request, "email_logs/acts_confirm.html", context)


def _process_again(chosen: Selection, ids: Any) -> dict[str, Any]:
    sums = process_again.sort(chosen.project, ids)
    left_out = {str(why): number for why, number in sums.items() if why}
    return {"can": sums[None], "left_out": job_words.left_out(left_out), "stale": []}


def _send(chosen: Selection, ids: Any) -> dict[str, Any]:
    found = send_again.sort(chosen.project, ids, stale=False)
    return {
        "can": len(found.free),
        "left_out": job_words.left_out(found.left_out, stale=False),
        "stale": job_words.left_out(found.left_out, stale=True),
        "stale_number": sum(n for why, n in found.left_out.items() if why in set(Stale)),
    }


@require_POST
@project_view(Act.READ_LOGS)
@company_managed
def start(request: HttpRequest, project: Project) -> HttpResponse:
    """Leave the job for the workers, and show its page. The same form makes one job."""
    do = request.POST.get("do", "")
    chosen = _chosen(request, project, do, whole=request.POST.get("whole") == "1")
    if not may(signed_in(request), ACTS[do][1], project):
        return forbidden(request)
    if do == UNBLOCK or not (chosen.whole or chosen.ids):
        raise Http404
    job = ask.ask(
        Job.Act(do),
        project,
        signed_in(request),
        log=chosen.log,
        queries=chosen.queries(),
        ids=chosen.ids,
        shown=chosen.query,
        options={"stale": True} if request.POST.get("stale") else {},
        token=request.POST.get("token", "")[:TOKEN_LENGTH].replace("\0", ""),
    )
    return HttpResponseRedirect(reverse("job", args=[project.key, job.pk]))


@require_POST
@project_view(Act.UNBLOCK)
@company_managed
def unblock(request: HttpRequest, project: Project) -> HttpResponse:
    """Unblock the addresses of the chosen notifications. What they missed is not sent by that: the
    page asks next whether to."""
    chosen = _chosen(request, project, UNBLOCK, whole=request.POST.get("whole") == "1")
    try:
        ids, _more = chosen.newest()
    except TooSlow:
        messages.info(request, _("This search took too long. Narrow the dates."))
        return HttpResponseRedirect(chosen.back)
    messages.success(request, many_unblock.unblock(project, ids, signed_in(request)))
    return show(request, chosen, Job.Act.SEND_AGAIN)
