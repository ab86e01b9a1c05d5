"""The limit's part of the page of outgoing email: what is used today and by whom, and what the
limit stopped on other days, to be sent again in one act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deskpost.logs import words
from deskpost.models import Project
from deskpost.outbound import again_limit, quota
from deskpost.outbound.quota import Standing
from deskpost.web import limit_words, listing
from deskpost.web.access import signed_in
from deskpost.web.suppression import site_admin_view

WIDTH, BAR = 290, 120  # of the meter and of a project's bar, in units of their drawings
LEAST = 2.4  # so that one among ten thousand is still seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """How full the day is: the tone of its colour and of its badge, and what is said of it."""

    width: str
    fill: str
    tone: str
    state: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One project's part of the day, and the width of its bar."""

    project: Project
    sent: int
    stopped: int
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day whose limit stopped notifications. `after` is where the last act had come to, and
    `stale` whether it took what is stale."""

    day: date
    words: str
    stopped: int
    left: int
    after: str
    stale: bool


def values(request: HttpRequest) -> dict[str, Any]:
    """Return what sending/limit.html shows, as `limit`."""
    standing = quota.standing()
    return {
        "limit": {
            "standing": standing,
            "meter": meter(standing),
            "rule": limit_words.reset_rule(),
            "uses": _uses(standing),
            "days": _days(request),
        }
    }


def meter(standing: Standing) -> Meter:
    """Draw how much of a day's limit is used."""
    full = standing.sent >= standing.limit
    near = standing.sent * 100 >= standing.limit * quota.NEAR
    fill, tone, state = "ok", "good", _("Within the limit")
    if full:
        fill, tone, state = "bad", "fail", _("The limit is reached")
    elif near:
        fill, tone, state = "wait", "wait", _("The limit is near")
    said = {"sent": words.count(standing.sent), "limit": words.count(standing.limit)}
    return Meter(
        width=_width(standing.sent, standing.limit, WIDTH),
        fill=fill,
        tone=tone,
        state=state,
        label=_("%(sent)s of %(limit)s used") % said,
    )


def _width(part: int, whole: int, most: int) -> str:
    return f"{max(LEAST, min(1, part / whole) * most):.1f}" if part else "0"


def _uses(standing: Standing) -> list[Use]:
    found = quota.uses(standing.day)
    most = max((sent for _project, sent, _stopped in found), default=0)
    return [
        Use(project=project, sent=sent, stopped=stopped, width=_width(sent, most or 1, BAR))
        for project, sent, stopped in found
        if sent or stopped
    ]


def _days(request: HttpRequest) -> list[Day]:
    begun = request.GET.get("day", "")
    after = listing.as_uuid(request.GET.get("after", ""))
    return [
        Day(
            day=one.day,
            words=words.day(one.day),
            stopped=one.stopped,
            left=one.left,
            after=str(after) if after and one.day.isoformat() == begun else "",
            stale=bool(request.GET.get("stale")) and one.day.isoformat() == begun,
        )
        for one in again_limit.what(None)
    ]


@require_POST
@site_admin_view
def again(request: HttpRequest) -> HttpResponse:
    """Send again, in every project, what the limit stopped on a day that is over."""
    day = listing.as_day(request.POST.get("day", ""))
    if day is None:
        raise Http404
    after, stale = listing.as_uuid(request.POST.get("after", "")), request.POST.get("stale", "")
    try:
        tally = again_limit.send(None, day, signed_in(request), stale=bool(stale), after=after)
    except again_limit.TooEarly:
        messages.info(request, _("That day is not over: what is sent again would find no place."))
        return HttpResponseRedirect(reverse("sending"))
    say = messages.success if tally.sent else messages.info
    say(request, limit_words.done(tally))
    if not tally.remain:
        return HttpResponseRedirect(reverse("sending"))
    going_on = {"day": day.isoformat(), "after": str(tally.last or "")}
    going_on |= {"stale": "1"} if stale else {}
    return HttpResponseRedirect(f"{reverse('sending')}?{urlencode(going_on)}")
