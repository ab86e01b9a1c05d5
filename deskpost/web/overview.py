"""The overview at the top of the Email logs page: what went and what came today and in the last
days, why not, and how the channels and the site's limit stand. A fixed number of queries; each
number leads to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from deskpost.logs import backlog, counts, health, queries, words
from deskpost.logs.counts import Sum
from deskpost.models import Channel, Log, Project
from deskpost.outbound import quota
from deskpost.outcomes import IncomingStatus, NotificationStatus
from deskpost.web import overview_channels, overview_lists, sending_limit
from deskpost.web.overview_lists import Listed

OPEN: Final = "open"
COOKIE: Final = "deskpost_overview"  # set by deskpost.js: whether it was left open


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What one direction had today, in words: what failed, and the rest."""

    name: str
    failed: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much of the day's limit the site has used."""

    meter: sending_limit.Meter
    resets: datetime
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the overview shows. `days` is how many days it goes back; `oldest` since when the
    oldest message waits. While it is closed it has no lists: `more` is where they are."""

    open: bool
    more: str
    days: int
    today: tuple[Today, ...]
    lists: tuple[Listed, ...]
    channels: tuple[overview_channels.Line, ...]
    down: int
    limit: Limit
    oldest: datetime | None


def values(
    request: HttpRequest, project: Project, log: Log, channel: Channel | None = None
) -> dict[str, Overview]:
    """Return `overview` for email_logs/parts/overview.html: beside the list `log`, of incoming
    messages those of `channel`. Where none is given, the project's first."""
    is_open = OPEN in {request.COOKIES.get(COOKIE), request.GET.get("overview")}
    last, waits = counts.last_days(), backlog.of_project(project)
    days = last if is_open else last[-1:]  # the line needs today only
    channels = queries.channels(project)
    found = health.with_waiting(counts.sums([project.pk], days), waits)
    lines = overview_channels.lines(
        project, health.told(channels, found, waits, days), today=days[-1]
    )
    return {
        "overview": Overview(
            open=is_open,
            more=_more(request),
            days=len(last),
            today=_today(found, days[-1]),
            lists=_lists(project, log, channel or next(iter(channels), None), found, days)
            if is_open
            else (),
            channels=lines,
            down=sum(line.down for line in lines),
            limit=_limit(),
            oldest=min(filter(None, (waits.oldest_in, waits.oldest_out)), default=None),
        )
    }


def _more(request: HttpRequest) -> str:
    asked = request.GET.copy()
    asked["overview"] = OPEN
    return f"{request.path}?{asked.urlencode()}"


def _today(found: Sequence[Sum], today: date) -> tuple[Today, ...]:
    """Of all lists and channels together."""
    of_today = [one for one in found if one.day == today]
    incoming = [one for one in of_today if one.log == Log.INCOMING]
    outgoing = [one for one in of_today if one.log != Log.INCOMING]
    return (
        _of(_("Out"), outgoing, tuple(NotificationStatus)),
        _of(_("In"), incoming, tuple(IncomingStatus)),
    )


def _of(name: str, found: Sequence[Sum], statuses: Sequence[str]) -> Today:
    numbers = {
        status: sum(one.number for one in found if one.status == status) for status in statuses
    }
    others = [
        overview_lists.said(status, number)
        for status, number in numbers.items()
        if number and status != NotificationStatus.FAILED
    ]
    failed = numbers[NotificationStatus.FAILED]
    return Today(
        name=name,
        failed=overview_lists.said(NotificationStatus.FAILED, failed) if failed else "",
        said=words.listed(others) if others or failed else _("nothing yet"),
    )


def _lists(
    project: Project,
    log: Log,
    channel: Channel | None,
    found: Sequence[Sum],
    days: Sequence[date],
) -> tuple[Listed, ...]:
    """The list of notifications that the page shows, or that of requests, and the channel's."""
    outgoing = Log.REQUESTS if log == Log.INCOMING else log
    lists = [overview_lists.outgoing(project, outgoing, found, days)]
    if channel:
        lists.append(overview_lists.incoming(project, channel, found, days))
    return tuple(reversed(lists)) if log == Log.INCOMING else tuple(lists)


def _limit() -> Limit:
    standing = quota.standing()
    return Limit(
        meter=sending_limit.meter(standing),
        resets=standing.resets,
        left=words.count(standing.left),
    )
