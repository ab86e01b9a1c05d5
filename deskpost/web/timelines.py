"""A timeline as pages show it: its filters in the address, its days, the way to older entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from deskpost.logs import timeline, words
from deskpost.logs.timeline_ids import Asked
from deskpost.models import Project
from deskpost.web import listing
from deskpost.web.listing import Chip, Filters

NAMES = ("way", "from", "to", "before")
WAYS = {
    "": pgettext_lazy("direction", "Both ways"),
    "in": pgettext_lazy("direction", "Incoming"),
    "out": pgettext_lazy("direction", "Outgoing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way of a toggle: its words, its address, whether it is chosen."""

    words: str
    url: str
    current: bool


class Timeline:
    """What a request's address asks of a timeline at `path`; `also` are the page's own filters."""

    def __init__(self, request: HttpRequest, path: str, also: Sequence[str] = ()) -> None:
        self.path = path
        self.filters = _canonical(Filters.read(request.GET, (*also, *NAMES)))

    def asked(
        self, projects: Sequence[Project], *, email: str = "", request_key: str = ""
    ) -> Asked:
        """Return whose messages are wanted, under the filters."""
        since, until = (listing.as_day(self.filters.get(name)) for name in ("from", "to"))
        way = self.filters.get("way")
        return Asked(
            projects=tuple(project.pk for project in projects),
            email=email,
            request_key=request_key,
            incoming=way != "out",
            outgoing=way != "in",
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
        )

    def context(self, asked: Asked) -> dict[str, Any]:
        """Return what the templates of a timeline show."""
        before = listing.as_uuid(self.filters.get("before"))
        found = timeline.page(asked, before)
        more = self._url(before=str(found.before)) if found.before else ""
        return {
            "path": self.path,
            "filters": self.filters,
            "ways": [
                Choice(
                    words=str(name),
                    url=self._url(way=way or None, before=None),
                    current=way == self.filters.get("way"),
                )
                for way, name in WAYS.items()
            ],
            "chips": self._chips(),
            "days": listing.by_day(
                found.moments,
                lambda moment: moment.at,
                begins=before is None,
                ends=found.before is None,
            ),
            "more": more,
            "first_page": self._url(before=None) if before else "",
            "filtered": bool(set(self.filters.values) - {"before"}),
        }

    def _url(self, **changes: str | None) -> str:
        return self.path + self.filters.query(**changes)

    def _chips(self) -> list[Chip]:
        labels = {"from": pgettext("date filter", "From"), "to": _("Until")}
        return [
            Chip(
                label=label, value=words.day(day), remove=self._url(**{name: None, "before": None})
            )
            for name, label in labels.items()
            if (day := listing.as_day(self.filters.get(name)))
        ]

    def _without(self, name: str) -> str:
        return self._url(**{name: None, "before": None})


def _canonical(filters: Filters) -> Filters:
    """Leave out what is no filter: a direction that there is not, a day that is none."""
    drop = {name for name in ("from", "to") if not listing.as_day(filters.get(name))}
    if filters.get("way") not in WAYS:
        drop.add("way")
    return Filters({name: value for name, value in filters.values.items() if name not in drop})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())
