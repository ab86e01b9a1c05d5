"""Project settings › Email › Notifications: whom the project tells of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from deskpost.models import AuditEntry, NotificationRule, Person, Project
from deskpost.models.permission import Act
from deskpost.outbound.audience import SWITCHES, TOLD, Part
from deskpost.outcomes import KIND_WORDS, Kind
from deskpost.web.access import project_view, signed_in

WHEN = {
    Kind.CUSTOMER_INVITED: gettext_lazy("Someone adds a customer on the Customers page."),
    Kind.REQUEST_CREATED: gettext_lazy(
        "A request is made. To the one who wrote, this is the acknowledgement."
    ),
    Kind.COMMENT_ADDED: gettext_lazy("Someone answers, by email or on the web."),
    Kind.COMMENT_EDITED: gettext_lazy("Someone changes the text of their comment."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("An agent adds a person to a request."),
    Kind.STATUS_CHANGED: gettext_lazy("A request gets another status, neither of the next two."),
    Kind.REQUEST_RESOLVED: gettext_lazy(
        "An agent resolves a request. It goes to the reporter even if they have muted the request."
    ),
    Kind.REQUEST_REOPENED: gettext_lazy("An agent opens a request again."),
}
PART_WORDS = {
    Part.CUSTOMER: gettext_lazy("The customer"),
    Part.REPORTER: gettext_lazy("Reporter"),
    Part.PARTICIPANTS: gettext_lazy("Participants"),
    Part.PARTICIPANT: gettext_lazy("The participant"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One box of the table: whether people with that part are told."""

    name: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table; a box that the kind does not have is None."""

    words: str
    when: str
    reporter: Tick | None
    participants: Tick | None


@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def rules(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Show or change which notifications the project sends, and to whom."""
    if request.method == "POST":
        _save(project, _sent(request.POST), signed_in(request))
        messages.success(request, _("Saved. It holds for what happens from now on."))
        return redirect("notification-rules", project.key)
    now = _stored(project)
    lines = [_line(kind, now) for kind in Kind]
    return render(request, "rules/rules.html", {"project": project, "lines": lines})


Switches = Mapping[str, bool]  # by the name of the box


def _name(kind: Kind, part: Part) -> str:
    return f"{kind}.{SWITCHES[part]}"


def _sent(data: Mapping[str, str]) -> Switches:
    return {name: name in data for name in _names()}


def _names() -> list[str]:
    return [_name(kind, part) for kind, parts in TOLD.items() for part in parts]


def _stored(project: Project) -> Switches:
    rows = {row.kind: row for row in NotificationRule.objects.filter(project=project)}
    return {
        _name(kind, part): bool(getattr(rows[kind], SWITCHES[part])) if kind in rows else True
        for kind, parts in TOLD.items()
        for part in parts
    }


def _save(project: Project, wanted: Switches, by: Person) -> None:
    """Write what differs from how it stands, and who did it."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        before = _stored(project)
        changed = {name: on for name, on in wanted.items() if on != before[name]}
        for kind in Kind:
            mine = {SWITCHES[p]: wanted[_name(kind, p)] for p in TOLD[kind]}
            if any(_name(kind, part) in changed for part in TOLD[kind]):
                NotificationRule.objects.update_or_create(project=project, kind=kind, defaults=mine)
        if changed:
            AuditEntry.objects.create(
                person=by,
                project=project,
                act=AuditEntry.Act.SETTINGS,
                subject="notifications",
                details=changed,
            )


def _line(kind: Kind, now: Switches) -> Line:
    ticks = {SWITCHES[part]: _tick(kind, part, now) for part in TOLD[kind]}
    return Line(
        words=str(KIND_WORDS[kind]),
        when=str(WHEN[kind]),
        reporter=ticks.get("to_reporter"),
        participants=ticks.get("to_participants"),
    )


def _tick(kind: Kind, part: Part, now: Switches) -> Tick:
    name = _name(kind, part)
    return Tick(name=name, label=str(PART_WORDS[part]), on=now[name])
