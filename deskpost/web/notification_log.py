"""The tab Customer notifications: its list, and the drawer of an entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from deskpost.logs import explain_notification, explain_reasons, queries, words
from deskpost.logs.explain import said
from deskpost.mail import address
from deskpost.models import Attempt, Notification, Project, SiteNotice, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import KIND_WORDS, NOTIFICATION_STATUS_WORDS, Kind, NotificationStatus
from deskpost.web import again_words, charts, listing, site_notices
from deskpost.web.listing import Chip, Filters, Sum

# Failures first: that is what the page is opened for.
TALLY = (
    NotificationStatus.FAILED,
    NotificationStatus.DELIVERED,
    NotificationStatus.QUEUED,
    NotificationStatus.WITHHELD,
)
ALL = "all"
INVITATIONS = "email-logs-invitations"
REQUESTS = "email-logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the list."""

    note: Notification
    name: str
    details: str
    url: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One row of the table of attempts."""

    attempt: Attempt
    said: str
    answer: str
    cut_off: bool


class Log:
    """The notifications that a request asks for: its filters, and how their addresses are made."""

    def __init__(self, request: HttpRequest, project: Project, name: str) -> None:
        self.project, self.name = project, name
        self.path = reverse(name, args=[project.key])
        self.filters = _canonical(Filters.read(request.GET, ("status", "q", "before")))
        self.which = queries.NotificationFilter(
            kinds=queries.INVITATIONS if name == INVITATIONS else queries.REQUEST_KINDS,
            status=_status(self.filters.get("status")),
            q=self.filters.get("q"),
        )

    def context(self, opened: Notification | None = None) -> dict[str, Any]:
        """Return everything that the template of the list shows."""
        before = listing.as_uuid(self.filters.get("before"))
        found = queries.notifications(self.project, self.which, before)
        days = queries.notification_days(self.project, self.which.kinds)
        lines = [self._line(note, opened) for note in found.rows]
        return {
            "project": self.project,
            "invitations": self.name == INVITATIONS,
            "path": self.path,
            "filters": self.filters,
            "tally": self._tally(found),
            "chips": self._chips(),
            "count": found.counts.get(str(self.which.status), found.all),
            "days": listing.by_day(
                lines,
                lambda line: line.note.created_at,
                begins=before is None,
                ends=found.before is None,
            ),
            "failed_only": self.which.status == NotificationStatus.FAILED,
            "nothing_at_all": not found.all.value and not self.which.q,
            "shown": len(lines),
            "first_page": self.path + self.filters.query(before=None) if before else "",
            "more": self._more(found),
            "all_url": self.path + self.filters.query(status=ALL, before=None),
            "chart": charts.draw(days, _("Notifications")),
        }

    def entry_url(self, pk: object) -> str:
        """Return the address of an entry, under the same filters."""
        return reverse("notification", args=[self.project.key, pk]) + self.filters.query()

    def _line(self, note: Notification, opened: Notification | None) -> Line:
        account = explain_notification.account_for(note)
        return Line(
            note=note,
            name=str(KIND_WORDS[Kind(note.kind)]),
            details=str(account.words) if account else explain_notification.status_words(note),
            url=self.entry_url(note.pk),
            open=opened is not None and opened.pk == note.pk,
        )

    def _tally(self, found: queries.Rows[Notification]) -> list[Sum]:
        sums = [
            Sum(
                words=str(NOTIFICATION_STATUS_WORDS[status]),
                count=found.counts[status],
                url=self._status_url(status),
                current=self.which.status == status,
                bad=status == NotificationStatus.FAILED,
            )
            for status in TALLY
            if status in found.counts
        ]
        every = Sum(
            words=_("All"),
            count=found.all,
            url=self._status_url(ALL),
            current=self.which.status is None,
        )
        return [*sums, every]

    def _status_url(self, status: str) -> str:
        chosen = None if status == NotificationStatus.FAILED else str(status)
        return self.path + self.filters.query(status=chosen, before=None)

    def _chips(self) -> list[Chip]:
        chips = []
        if self.which.status:
            value = str(NOTIFICATION_STATUS_WORDS[self.which.status])
            chips.append(Chip(label=_("Status"), value=value, remove=self._status_url(ALL)))
        if self.which.q:
            without = self.path + self.filters.query(q=None, before=None)
            chips.append(Chip(label=_("Search"), value=self.which.q, remove=without))
        return chips

    def _more(self, found: queries.Rows[Notification]) -> str:
        return self.path + self.filters.query(before=str(found.before)) if found.before else ""

    def drawer(self, note: Notification) -> dict[str, Any]:
        """Return everything that the drawer of an entry shows."""
        attempts = list(Attempt.objects.filter(notification=note.pk).order_by("id"))
        blocked = blocked_entry(note)
        beside = queries.beside_notification(self.project, self.which, note.pk)
        return {
            "note": note,
            "name": str(KIND_WORDS[Kind(note.kind)]),
            "told": explain_notification.notification(note, attempts, blocked, down_for(note)),
            "status": explain_notification.status_words(note),
            "evidence_tone": "fail" if note.status == NotificationStatus.FAILED else "skip",
            "tries": tries(note, attempts),
            "waits": note.due_at if note.status == NotificationStatus.QUEUED else None,
            "blocked": blocked,
            "blocked_because": _cause(blocked),
            "newer": self.entry_url(beside.newer) if beside.newer else "",
            "older": self.entry_url(beside.older) if beside.older else "",
            "close": f"{self.path}{self.filters.query()}#e-{note.pk}",
            "here": self.entry_url(note.pk),
            "again": again_words.offer(self.project, note, self.filters.query()),
            "unblock": reverse("unblock", args=[self.project.key, note.pk]) + self.filters.query(),
        }


def name_for(note: Notification) -> str:
    """Return the name of the list to which a notification belongs."""
    return INVITATIONS if note.kind in queries.INVITATIONS else REQUESTS


def blocked_entry(note: Notification) -> Suppression | None:
    """Return what blocks the notification's address now, if anything does."""
    return suppress.in_force().filter(address_key=address.normalise(note.address)).first()


def down_for(note: Notification) -> SiteNotice | None:
    """Return the notice that the way out of a notification that waits cannot be used, if so."""
    if note.status != NotificationStatus.QUEUED:
        return None
    return site_notices.relay_down(note.project)


def tries(note: Notification, attempts: list[Attempt]) -> list[Try]:
    """Return the table of attempts, each with what became of it and the server's words."""
    now = listing.utc_now()
    return [
        Try(
            attempt=attempt,
            said=explain_notification.attempt_words(
                attempt, note, now, is_last=attempt is attempts[-1]
            ),
            answer="".join(e.text for e in said(_answer(attempt), "")),
            cut_off=attempt.ended_at is None,
        )
        for attempt in attempts
    ]


def _answer(attempt: Attempt) -> dict[str, Any]:
    return {"code": attempt.code, "enhanced": attempt.enhanced, "answer": attempt.answer}


def _cause(blocked: Suppression | None) -> str:
    if blocked is None:
        return ""
    cause = explain_reasons.CAUSE_WORDS[Suppression.Cause(blocked.cause)]
    return words.listed((cause, words.moment(blocked.created_at)))


def _status(text: str) -> NotificationStatus | None:
    """Read the filter of the address: failed is the default, and `all` is none."""
    if text == ALL:
        return None
    return NotificationStatus(text or NotificationStatus.FAILED)


def _canonical(filters: Filters) -> Filters:
    """Leave out of the addresses what is the default anyway, and a status that there is not."""
    known = {ALL, *NotificationStatus} - {NotificationStatus.FAILED}
    if filters.get("status") in known:
        return filters
    return Filters({name: value for name, value in filters.values.items() if name != "status"})
