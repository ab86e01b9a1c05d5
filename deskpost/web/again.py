"""Send again: one notification from its drawer, or what an address missed, ticked in a list."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from deskpost.logs import explain_notification, queries, words
from deskpost.models import Notification, Project
from deskpost.models.permission import Act
from deskpost.outbound import again
from deskpost.outbound.again import Missed
from deskpost.outcomes import KIND_WORDS, Kind
from deskpost.web import listing, notification_log
from deskpost.web.access import project_view, signed_in
from deskpost.web.again_words import STALE, WHY_NOT
from deskpost.web.email_logs import company_managed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of what was missed. `blocked` says why it cannot be sent again."""

    missed: Missed
    name: str
    reason: str
    stale: str
    why_not: str
    url: str

    @property
    def ticked(self) -> bool:
        """What is of use is ticked; what is stale only by a person."""
        return not (self.stale or self.why_not)


@require_POST
@project_view(Act.SEND_AGAIN)
@company_managed
def send(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Send one notification again, and show the new one."""
    note = _note(project, pk)
    made = again.send([note], signed_in(request))
    log = notification_log.Log(request, project, notification_log.name_for(note))
    if made:
        messages.success(request, _("It is sent again to %(to)s.") % {"to": made[0].address})
        return HttpResponseRedirect(log.entry_url(made[0].pk))
    messages.info(request, _("It was not sent again. See what is said of it here."))
    return HttpResponseRedirect(log.entry_url(note.pk))


@require_safe
@project_view(Act.SEND_AGAIN)
@company_managed
def missed(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """List what the notification's address missed in this project, each with a tick."""
    note = _note(project, pk)
    lines = [_line(project, one) for one in again.missed(project, note.address)]
    context = {
        "project": project,
        "note": note,
        "lines": lines,
        "sendable": sum(not line.why_not for line in lines),
        "most": again.LISTED if len(lines) >= again.LISTED else 0,
        "back": reverse("notification", args=[project.key, note.pk]),
    }
    return render(request, "suppression/missed.html", context)


@require_POST
@project_view(Act.SEND_AGAIN)
@company_managed
def send_ticked(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Send those again that were ticked, of what the notification's address missed."""
    note = _note(project, pk)
    ticked = {listing.as_uuid(text) for text in request.POST.getlist("note")[: again.LISTED]}
    offered = [one.note for one in again.missed(project, note.address) if one.note.pk in ticked]
    made = again.send(offered, signed_in(request))
    if made:
        said = ngettext(
            "%(count)s notification is sent again.",
            "%(count)s notifications are sent again.",
            len(made),
        ) % {"count": words.count(len(made))}
        messages.success(request, said)
    else:
        messages.info(request, _("Nothing was sent again."))
    return HttpResponseRedirect(reverse("missed", args=[project.key, note.pk]))


def _note(project: Project, pk: uuid.UUID) -> Notification:
    note = queries.notification(project, pk)
    if note is None:
        raise Http404
    return note


def _line(project: Project, one: Missed) -> Line:
    account = explain_notification.account_for(one.note)
    return Line(
        missed=one,
        name=str(KIND_WORDS[Kind(one.note.kind)]),
        reason=str(account.words) if account else "",
        stale=str(STALE[one.stale]) if one.stale else "",
        why_not=str(WHY_NOT.get(one.obstacle, "")) if one.obstacle else "",
        url=reverse("notification", args=[project.key, one.note.pk]),
    )
