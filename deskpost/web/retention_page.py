"""How many days of the log are kept, how much that is, and what fewer days would remove; and the
line on a site admin's pages while fewer are about to be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from deskpost.logs import retention_days, retention_plan, words
from deskpost.logs.retention_days import Fewer
from deskpost.logs.retention_plan import Day
from deskpost.models import Person
from deskpost.web.site_notices import Strip
from deskpost.web.suppression import site_admin_view

LONGEST = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One day, and whether it would go with the number of days that is asked about."""

    day: Day
    goes: bool


@require_safe
@site_admin_view
def show(request: HttpRequest) -> HttpResponse:
    """The days that are kept; `?days=7` says what would go if so many were."""
    now, kept = timezone.now(), retention_days.in_force()
    typed = request.GET.get("days", "").strip()
    asked = _days(typed)
    days = retention_plan.kept_days()
    oldest = retention_days.first_day(now, asked) if asked else None
    lines = [Line(day=day, goes=oldest is not None and day.day < oldest) for day in days]
    context = {
        "kept": kept,
        "wanted": retention_days.wanted(),
        "fewer": retention_days.pending(),
        "lines": lines[::-1],
        "total": retention_plan.total(days),
        "typed": typed[:8],
        "asked": asked,
        "wrong": bool(typed) and asked is None,
        "oldest": oldest,
        "going": retention_plan.total(line.day for line in lines if line.goes),
        "longest": LONGEST,
    }
    status = 422 if context["wrong"] else 200
    return render(request, "retention/page.html", context, status=status)


def _days(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        return None
    return int(text) if 1 <= int(text) <= LONGEST else None


def strip(person: Person | None, found: Strip | None) -> Strip | None:
    """Add to what a person is told on every page that fewer days will be kept, for site admins
    while it can still be taken back."""
    fewer = retention_days.pending() if person and person.is_site_admin else None
    if fewer is None:
        return found
    said = _said(fewer)
    if found is None:
        return Strip(lines=(said,), severe=False, url="")
    return replace(found, lines=(*found.lines, said))


def _said(fewer: Fewer) -> str:
    return _(
        "DESKPOST_RETENTION_DAYS is now %(wanted)s, no longer %(kept)s: older messages of the "
        "Email logs are removed %(when)s. Set it back before then, and nothing is."
    ) % {
        "wanted": words.count(fewer.wanted),
        "kept": words.count(fewer.kept),
        "when": words.said_at(fewer.at),
    }
