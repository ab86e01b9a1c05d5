"""One list of the log in the overview: its last days as a chart and as a table, and its most
frequent reasons. Each number leads to exactly its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from deskpost.logs import counts, words
from deskpost.logs.counts import Day, Sum
from deskpost.models import Channel, Log, Project
from deskpost.outcomes import (
    INCOMING_STATUS_WORDS,
    NOTIFICATION_STATUS_WORDS,
    OUTCOMES,
    REASONS,
    IncomingStatus,
    NotificationStatus,
    Outcome,
    Reason,
)
from deskpost.web import charts

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

MOST: Final = 3  # reasons
OUT: Final = (
    NotificationStatus.FAILED,
    NotificationStatus.QUEUED,
    NotificationStatus.DELIVERED,
    NotificationStatus.WITHHELD,
)
IN: Final = (
    IncomingStatus.FAILED,
    IncomingStatus.PROCESSING,
    IncomingStatus.SUCCESS,
    IncomingStatus.SKIPPED,
)
_SAID: Final[Mapping[str, Words]] = {
    NotificationStatus.FAILED: pgettext_lazy("overview", "%(count)s failed"),
    NotificationStatus.QUEUED: pgettext_lazy("overview", "%(count)s queued"),
    NotificationStatus.DELIVERED: pgettext_lazy("overview", "%(count)s sent"),
    NotificationStatus.WITHHELD: pgettext_lazy("overview", "%(count)s withheld"),
    IncomingStatus.PROCESSING: pgettext_lazy("overview", "%(count)s being processed"),
    IncomingStatus.SUCCESS: pgettext_lazy("overview", "%(count)s taken"),
    IncomingStatus.SKIPPED: pgettext_lazy("overview", "%(count)s skipped"),
}
# Where the list of each status is "any status": notifications show what failed otherwise.
_ALL: Final = {Log.REQUESTS: "all", Log.INVITATIONS: "all", Log.INCOMING: ""}
_PAGES: Final = {
    Log.REQUESTS: "email-logs",
    Log.INVITATIONS: "email-logs-invitations",
    Log.INCOMING: "email-logs-incoming",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number of the table; without rows it has no `url`."""

    said: str
    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One day of the table: the sum, then each status."""

    day: date
    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequent:
    """A reason that was frequent, and where its rows are."""

    tone: str
    words: str
    said: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One list: its name, the chart (None: nothing came or went), the table of the days that have
    rows (the newest first), and the most frequent reasons."""

    log: str
    name: str
    address: str
    chart: charts.Chart | None
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    frequent: tuple[Frequent, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the rows of a list are found; of incoming messages, those of a channel."""

    project: Project
    log: Log
    days: Sequence[date]
    channel: int | None = None

    def url(self, since: date, until: date, status: str = "", code: str = "") -> str:
        """Return the address of the rows of some days, both included."""
        values = {
            "channel": str(self.channel or ""),
            "status": status or _ALL[self.log],
            "code": code,
            "from": since.isoformat(),
            "to": until.isoformat(),
        }
        kept = {name: value for name, value in values.items() if value}
        return f"{reverse(_PAGES[self.log], args=[self.project.key])}?{urlencode(kept)}"

    def of_day(self, day: date) -> str:
        return self.url(day, day)

    def of_reason(self, status: str, code: str) -> str:
        return self.url(self.days[0], self.days[-1], status, code)


def said(status: str, number: int) -> str:
    """Write a number of messages of a status: 3 failed."""
    return str(_SAID[status]) % {"count": words.count(number)}


def outgoing(project: Project, log: Log, found: Sequence[Sum], days: Sequence[date]) -> Listed:
    """Return a list of notifications."""
    name = _("Customer invitations") if log == Log.INVITATIONS else _("Request notifications")
    mine = [one for one in found if one.log == log]
    place = Place(project=project, log=log, days=days)
    shown = {str(status): str(NOTIFICATION_STATUS_WORDS[status]) for status in OUT}
    return _listed(place, mine, name, "", shown)


def incoming(
    project: Project, channel: Channel, found: Sequence[Sum], days: Sequence[date]
) -> Listed:
    """Return the list of a channel's messages."""
    mine = [one for one in found if one.log == Log.INCOMING and one.channel_id == channel.pk]
    place = Place(project=project, log=Log.INCOMING, days=days, channel=channel.pk)
    shown = {str(status): str(INCOMING_STATUS_WORDS[status]) for status in IN}
    return _listed(place, mine, _("Incoming emails"), channel.address, shown)


def _listed(
    place: Place, found: Sequence[Sum], name: str, address: str, shown: Mapping[str, str]
) -> Listed:
    by_day = counts.by_day(found, place.days)
    return Listed(
        log=place.log,
        name=name,
        address=address,
        chart=charts.draw(by_day, name, charts.LARGE, place.of_day),
        columns=(_("All"), *shown.values()),
        rows=tuple(_row(place, day, shown) for day in reversed(by_day) if any(day.counts.values())),
        frequent=_frequent(found, place.of_reason),
        url=place.url(place.days[0], place.days[-1]),
    )


def _row(place: Place, day: Day, shown: Mapping[str, str]) -> Row:
    name = words.day(day.day)
    total = _cell(sum(day.counts.values()), _("All"), name, place.of_day(day.day))
    cells = [
        _cell(day.counts.get(status, 0), status_words, name, place.url(day.day, day.day, status))
        for status, status_words in shown.items()
    ]
    return Row(day=day.day, words=name, cells=(total, *cells))


def _cell(number: int, what: str, day: str, url: str) -> Cell:
    values = {"what": what, "day": day, "number": words.count(number)}
    return Cell(
        said=words.count(number),
        url=url if number else "",
        label=_("%(what)s on %(day)s: %(number)s") % values,
    )


def _frequent(found: Sequence[Sum], url: Callable[[str, str], str]) -> tuple[Frequent, ...]:
    """What failed, and what was skipped, by its reason; of as many the first by its code."""
    numbers: Counter[tuple[str, str]] = Counter()
    for one in found:
        if one.code and one.status in {NotificationStatus.FAILED, IncomingStatus.SKIPPED}:
            numbers[one.status, one.code] += one.number
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Frequent(
            tone="fail" if status == NotificationStatus.FAILED else "skip",
            words=_reason(found[0].log, code),
            said=words.count(number),
            url=url(status, code),
        )
        for (status, code), number in ordered[:MOST]
    )


def _reason(log: str, code: str) -> str:
    """A code of a version that is no more is shown as it is."""
    if log == Log.INCOMING:
        return str(OUTCOMES[Outcome(code)].words) if code in set(Outcome) else code
    return str(REASONS[Reason(code)].words) if code in set(Reason) else code
