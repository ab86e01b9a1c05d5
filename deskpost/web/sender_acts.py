"""Always block or allow a sender, from an entry of the log: an entry of the project's lists."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deskpost.logs import matches, queries
from deskpost.logs.search import Count
from deskpost.mail import senders
from deskpost.models import AuditEntry, InboundEmail, Person, Project
from deskpost.models.permission import Act
from deskpost.web import senders_offer
from deskpost.web.access import project_view, signed_in
from deskpost.web.email_logs import company_managed
from deskpost.web.mail_settings import MOST_ENTRIES

LISTS: Final = {"block": "block_list", "allow": "allow_list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An entry that could stand on a list; `count` is None where counting took too long."""

    entry: str
    count: Count | None
    blocked: bool
    allowed: bool


@require_safe
@project_view(Act.CHANGE_SETTINGS)
@company_managed
def show(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Offer the entries that the message suggests, with what stands on the lists already."""
    row = _row(project, pk)
    sender = senders_offer.sender(row)
    blocked = senders.entries(project.block_list)
    allowed = senders.entries(project.allow_list)
    context = {
        "project": project,
        "row": row,
        "sender": sender,
        "back": reverse("incoming", args=[project.key, row.pk]),
        "choices": [
            Choice(
                entry=entry,
                count=matches.about(project, entry),
                blocked=entry in blocked,
                allowed=entry in allowed,
            )
            for entry in senders_offer.entries(row)
        ],
        "blocked_by": senders.matching(project.block_list, sender),
        "allowed_by": senders.matching(project.allow_list, sender),
    }
    return render(request, "email_logs/sender.html", context)


@require_POST
@project_view(Act.CHANGE_SETTINGS)
@company_managed
def add(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Put an entry that the message suggests on the block or the allow list."""
    row, name, entry = _asked(request, project, pk)
    said = {"entry": entry}
    outcome = _change(project, name, entry, signed_in(request), row, add=True)
    if outcome == "full":
        full = _("The list is full. Use *.domain for many of one domain.")
        messages.error(request, full)
    elif not outcome:
        messages.info(request, _("%(entry)s is on the list already.") % said)
    elif name == "block":
        messages.success(request, _("Mail of %(entry)s is skipped from now on.") % said)
    else:
        messages.success(
            request, _("Automatic and bulk mail of %(entry)s is taken from now on.") % said
        )
    return HttpResponseRedirect(reverse("incoming-sender", args=[project.key, row.pk]))


@require_POST
@project_view(Act.CHANGE_SETTINGS)
@company_managed
def remove(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Take the entry off the list again."""
    row, name, entry = _asked(request, project, pk)
    if _change(project, name, entry, signed_in(request), row, add=False):
        messages.success(request, _("%(entry)s is off the list.") % {"entry": entry})
    else:
        messages.info(request, _("%(entry)s was not on the list.") % {"entry": entry})
    return HttpResponseRedirect(reverse("incoming-sender", args=[project.key, row.pk]))


def _row(project: Project, pk: uuid.UUID) -> InboundEmail:
    row = queries.incoming_email(project, pk)
    if row is None or not senders_offer.entries(row):
        raise Http404
    return row


def _asked(request: HttpRequest, project: Project, pk: uuid.UUID) -> tuple[InboundEmail, str, str]:
    """Return the message, the list and the entry: only what the message suggests can be asked."""
    row = _row(project, pk)
    name, entry = request.POST.get("list", ""), request.POST.get("entry", "")
    if name not in LISTS or entry not in senders_offer.entries(row):
        raise Http404
    return row, name, entry


def _change(
    project: Project, name: str, entry: str, by: Person, row: InboundEmail, *, add: bool
) -> str:
    """Change the list as it stands at this moment, whoever else has just changed it. Returns what
    was done: "" for nothing, "full" where it has no room."""
    field = LISTS[name]
    with transaction.atomic():
        fresh = Project.objects.select_for_update().get(pk=project.pk)
        entries = senders.entries(getattr(fresh, field))
        if (entry in entries) == add:
            return ""
        if add and len(entries) >= MOST_ENTRIES:
            return "full"
        kept = [*entries, entry] if add else [one for one in entries if one != entry]
        setattr(fresh, field, "\n".join(kept))
        fresh.save(update_fields=[field])
        AuditEntry.objects.create(
            person=by,
            project=project,
            act=AuditEntry.Act.SETTINGS,
            subject="senders",
            details={
                field: getattr(fresh, field),
                "added" if add else "removed": entry,
                "message": str(row.pk),
            },
        )
    return "done"
