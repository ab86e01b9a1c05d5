"""Send again what the site's limit stopped in a project on one day: what would go, and the act."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from deskpost.logs import words
from deskpost.models import Project
from deskpost.models.permission import Act
from deskpost.outbound import again_limit
from deskpost.outbound.again_limit import Tally
from deskpost.outbound.again_rules import Obstacle, Stale
from deskpost.outcomes import KIND_WORDS, Kind
from deskpost.web import limit_words, listing
from deskpost.web.access import project_view, signed_in
from deskpost.web.email_logs import company_managed


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Act.SEND_AGAIN)
@company_managed
def again(request: HttpRequest, project: Project, day: str) -> HttpResponse:
    """Say what would go of a day, and send it."""
    of_day = listing.as_day(day)
    if of_day is None:
        raise Http404
    try:
        if request.method == "POST":
            return _send(request, project, of_day)
        after = listing.as_uuid(request.GET.get("after", ""))
        plan = again_limit.plan(project, of_day, after=after)
    except again_limit.TooEarly:
        messages.info(request, _("That day is not over: what is sent again would find no place."))
        return HttpResponseRedirect(reverse("email-logs", args=[project.key]))
    context = _context(project, of_day, plan) | {"after": str(after or "")}
    return render(request, "email_logs/limit_again.html", context)


def _context(project: Project, day: date, plan: Tally) -> dict[str, Any]:
    stale = limit_words.reasons(plan, Stale)
    return {
        "project": project,
        "day": words.day(day),
        "plan": plan,
        "kinds": [(KIND_WORDS[Kind(kind)], number) for kind, number in plan.kinds.most_common()],
        "stale": stale,
        "stale_number": sum(number for _why, number in stale),
        "hindered": limit_words.reasons(plan, Obstacle),
        "back": reverse("email-logs", args=[project.key]),
    }


def _send(request: HttpRequest, project: Project, day: date) -> HttpResponse:
    tally = again_limit.send(
        project,
        day,
        signed_in(request),
        stale=bool(request.POST.get("stale")),
        after=listing.as_uuid(request.POST.get("after", "")),
    )
    say = messages.success if tally.sent else messages.info
    say(request, limit_words.done(tally))
    if not tally.remain:
        return HttpResponseRedirect(reverse("email-logs", args=[project.key]))
    here = reverse("limit-again", args=[project.key, day.isoformat()])
    return HttpResponseRedirect(f"{here}?{urlencode({'after': str(tally.last or '')})}")
