"""Did they get it? A page about one address, over the projects whose logs the reader may read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from deskpost.models import Person, Project
from deskpost.models.permission import ALLOWED, Act
from deskpost.outbound import suppress
from deskpost.web import people_found, people_standing, timelines
from deskpost.web.access import person_view, signed_in
from deskpost.web.people_standing import Standing

# No table holds a longer address.
ADDRESS_LIMIT = 320

View = Callable[..., HttpResponseBase]


def projects_for(person: Person, act: Act) -> list[Project]:
    """Return the company-managed projects in which the person may do this."""
    rows = Project.objects.filter(kind=Project.Kind.COMPANY).order_by("key")
    if not person.is_site_admin:
        roles = [role for role, acts in ALLOWED.items() if act in acts]
        rows = rows.filter(memberships__person=person, memberships__role__in=roles)
    return list(rows)


def reader_view(view: View) -> View:
    """Let those through who may read the log of a project at least; the view is called with those
    projects."""

    @person_view
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        projects = projects_for(signed_in(request), Act.READ_LOGS)
        if not projects:
            return render(request, "people/forbidden.html", status=403)
        return view(request, projects, **kwargs)

    return guarded


# --- Finding -------------------------------------------------------------------------------------


@require_safe
@reader_view
def find(request: HttpRequest, projects: list[Project]) -> HttpResponse:
    """Find a person by a part of the address or the name: `?q=`."""
    wanted = people_found.wanted(request.GET.get("q", ""))
    found = people_found.find(wanted, projects) if wanted else people_found.Found()
    return render(request, "people/find.html", {"q": wanted, "found": found})


# --- One address ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@reader_view
def person(request: HttpRequest, projects: list[Project], email: str) -> HttpResponseBase:
    """Everything to and from an address: `?project=`, `?way=in` or `out`, `?from=`, `?to=`. A POST
    unblocks it. An address that these projects do not know is answered like one that nobody does.
    """
    email = email.replace("\x00", "").strip()
    if not email or len(email) > ADDRESS_LIMIT:
        return _unknown(request, email[:ADDRESS_LIMIT])
    reader = signed_in(request)
    standing = people_standing.of(email, projects, whole_site=reader.is_site_admin)
    if not (standing.known or (standing.blocked and reader.is_site_admin)):
        return _unknown(request, email)
    if request.method == "POST":
        return _unblock(request, standing)
    return render(request, "people/person.html", _context(request, projects, standing))


def _unknown(request: HttpRequest, email: str) -> HttpResponse:
    return render(request, "people/unknown.html", {"email": email, "q": email}, status=404)


def _context(request: HttpRequest, projects: list[Project], standing: Standing) -> dict[str, Any]:
    reader = signed_in(request)
    shown = timelines.Timeline(request, path_of(standing.email), also=("project",))
    chosen = [one for one in projects if one.key == shown.filters.get("project")]
    asked = shown.asked(chosen or projects, email=standing.email)
    return shown.context(asked) | {
        "standing": standing,
        "email": standing.email,
        "projects": projects,
        "chosen": chosen[0] if chosen else None,
        "many": len(projects) > 1,
        "may_unblock": standing.blocked is not None and _may_unblock(reader, standing),
        "missed": standing.missed() if projects_for(reader, Act.SEND_AGAIN) else [],
        "raw_of": {one.pk for one in projects_for(reader, Act.DOWNLOAD_RAW)},
    }


def path_of(email: str) -> str:
    """Return the address of the page about an email address."""
    return reverse("person", args=[email])


def _may_unblock(reader: Person, standing: Standing) -> bool:
    """A sender whom no project knows as a person is unblocked by a site admin only."""
    return bool(standing.person and projects_for(reader, Act.UNBLOCK)) or reader.is_site_admin


def _unblock(request: HttpRequest, standing: Standing) -> HttpResponse:
    """Allow mail to the address again; nothing is resent. The audit log names the project by whose
    log it was known."""
    reader, email = signed_in(request), {"address": standing.email}
    if not _may_unblock(reader, standing):
        return render(request, "people/forbidden.html", status=403)
    project = _known_in(reader, standing)
    if suppress.unblock(standing.email, by=reader, project=project):
        messages.success(request, _("%(address)s can get mail again. Nothing was resent.") % email)
    else:
        messages.info(request, _("%(address)s was not blocked. Nothing was changed.") % email)
    return HttpResponseRedirect(path_of(standing.email))


def _known_in(reader: Person, standing: Standing) -> Project | None:
    if reader.is_site_admin:
        return None
    missed = standing.recent.missed
    if missed:
        return missed[0].project
    return standing.memberships[0].project if standing.memberships else None
