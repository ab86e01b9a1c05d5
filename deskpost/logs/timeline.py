"""Did they get it? Everything to and from one address, or about one request, the newest first: who
was mailed, who was not and why, and what each incoming message became.

Rows are grouped by what happened: the notifications of one event stand together, a line for each
person. A page takes a fixed number of queries, however many rows there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs import explain_incoming, timeline_ids, timeline_words
from deskpost.logs.timeline_ids import Asked
from deskpost.models import (
    Attempt,
    Comment,
    Event,
    InboundEmail,
    Notification,
    Project,
    SentAgain,
)
from deskpost.outcomes import KIND_WORDS, IncomingStatus, Kind, NotificationStatus

PAGE = 50

Row = Notification | InboundEmail


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of an event for one person. `kind` is set where they were told something else
    than the event's own name says."""

    note: Notification
    name: str
    said: str
    kind: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened: an event with its lines, or an incoming message (`mail`) with what
    became of it. `goes_on`: more of its lines stand on the next page. `cause` is the message that
    caused the event, while it is kept."""

    at: datetime
    project: Project
    title: str
    request_key: str
    lines: tuple[Line, ...] = ()
    goes_on: bool = False
    cause: uuid.UUID | None = None
    mail: InboundEmail | None = None
    sender: str = ""  # name and address
    address: str = ""
    became: str = ""
    comment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a timeline; `before` is where the next one begins, if there is more."""

    moments: tuple[Moment, ...]
    before: uuid.UUID | None = None


# --- A page --------------------------------------------------------------------------------------


def page(asked: Asked, before: uuid.UUID | None = None, limit: int = PAGE) -> Page:
    """Return the moments older than `before`: about `limit` rows, and no event cut in two unless
    it has more lines than a page."""
    notes = timeline_ids.notifications(asked, before, limit + 1)
    mails = timeline_ids.incoming(asked, before, limit + 1)
    ids = sorted({*notes, *mails}, reverse=True)[: limit + 1]
    rows = _rows(ids)
    shown, goes_on = _cut(rows, limit)
    moments = _moments(shown)
    if goes_on and moments:
        moments[-1] = replace(moments[-1], goes_on=True)
    return Page(moments=tuple(moments), before=shown[-1].pk if len(shown) < len(rows) else None)


_NOTE = (
    *("id", "project", "kind", "event", "person", "address", "request_key", "created_at"),
    *("status", "reason", "settled_at", "arrived_at", "due_at", "owner", "lease_until", "again_of"),
    *("person__name", "person__email", "project__key", "project__name", "project__kind"),
)
_MAIL = (
    *("id", "project", "channel", "received_at", "sender", "sender_name", "envelope_from"),
    *("subject", "status", "outcome", "request_key", "raw_key", "reconstructed"),
    *("project__key", "project__name", "project__kind"),
)


def _rows(ids: Sequence[uuid.UUID]) -> list[Row]:
    notes = Notification.objects.filter(pk__in=ids).select_related("person", "project")
    mails = InboundEmail.objects.filter(pk__in=ids).select_related("project")
    found: list[Row] = [*notes.only(*_NOTE), *mails.only(*_MAIL)]
    return sorted(found, key=lambda row: row.pk, reverse=True)


def _cut(rows: list[Row], limit: int) -> tuple[list[Row], bool]:
    """Return the rows of this page, and whether its last event goes on on the next. One that would
    be cut in two begins the next page instead."""
    if len(rows) <= limit:
        return rows, False
    shown, following = rows[:limit], _group(rows[limit])
    if _group(shown[-1]) != following:
        return shown, False
    whole = limit
    while whole and _group(shown[whole - 1]) == following:
        whole -= 1
    return (shown[:whole], False) if whole else (shown, True)


def _group(row: Row) -> tuple[uuid.UUID, bool]:
    """What happened: an event, its notifications that were sent again, or a message."""
    if isinstance(row, InboundEmail):
        return row.pk, False
    return row.event or row.pk, row.again_of is not None


# --- What happened -------------------------------------------------------------------------------


def _moments(rows: Sequence[Row]) -> list[Moment]:
    """Group rows, the newest first, each group where its newest row stands."""
    groups: dict[tuple[uuid.UUID, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row)
    about = _about(rows)
    return [_moment(group, about) for group in groups.values()]


def _moment(group: Sequence[Row], about: _About) -> Moment:
    first = group[0]
    if isinstance(first, InboundEmail):
        return _arrival(first, about.comments.get(first.pk))
    return _event([row for row in group if isinstance(row, Notification)], about)


def _event(notes: Sequence[Notification], about: _About) -> Moment:
    newest = notes[0]
    event = about.events.get(newest.event) if newest.event else None
    kind = Kind(event.kind if event else newest.kind)
    actor = str(event.actor) if event and event.actor else ""
    cause = event.incoming if event else None
    return Moment(
        at=newest.created_at,
        project=newest.project,
        title=timeline_words.title(kind, actor, about.again.get(newest.pk), newest.again_of),
        request_key=newest.request_key,
        lines=tuple(_line(note, kind, about.tries.get(note.pk, 0)) for note in _by_name(notes)),
        cause=cause if cause in about.kept else None,
    )


def _by_name(notes: Sequence[Notification]) -> list[Notification]:
    """Failures first: that is what the reader looks for."""
    return sorted(
        notes,
        key=lambda note: (note.status != NotificationStatus.FAILED, _name(note).casefold()),
    )


def _line(note: Notification, kind: Kind, tries: int) -> Line:
    return Line(
        note=note,
        name=_name(note),
        said=timeline_words.became(note, timezone.now()),
        kind="" if note.kind == kind else str(KIND_WORDS[Kind(note.kind)]),
        tries=tries,
    )


def _name(note: Notification) -> str:
    return note.person.name or note.address


def _arrival(row: InboundEmail, comment: int | None) -> Moment:
    sender = row.sender or row.envelope_from
    became = explain_incoming.details(row, timezone.now())
    if row.status == IncomingStatus.SKIPPED:
        became = _("Skipped: %(reason)s") % {"reason": became}
    elif row.status == IncomingStatus.FAILED:
        became = _("Failed: %(reason)s") % {"reason": became}
    return Moment(
        at=row.received_at,
        project=row.project,
        title=row.subject or _("(no subject)"),
        request_key=row.request_key,
        mail=row,
        sender=_named(row.sender_name, sender),
        address=sender,
        became=became,
        comment=comment,
    )


def _named(name: str, address: str) -> str:
    if not (name and address):
        return name or address
    return _("%(name)s, %(address)s") % {"name": name, "address": address}


# --- What belongs to the rows of a page ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """Of a page's rows: their events, which of the messages that caused them are kept, how often
    each notification was tried, who sent it again, and the comments that messages became."""

    events: Mapping[uuid.UUID, Event]
    kept: frozenset[uuid.UUID]
    tries: Mapping[uuid.UUID, int]
    again: Mapping[uuid.UUID, str]
    comments: Mapping[uuid.UUID | None, int]


def _about(rows: Sequence[Row]) -> _About:
    notes = [row for row in rows if isinstance(row, Notification)]
    events = Event.objects.select_related("actor").in_bulk({n.event for n in notes if n.event})
    causes = InboundEmail.objects.filter(pk__in={e.incoming for e in events.values()})
    comments = Comment.objects.filter(incoming__in=[row.pk for row in rows])
    return _About(
        events=events,
        kept=frozenset(causes.values_list("pk", flat=True)),
        tries=_tries(notes),
        again=_sent_again_by(notes),
        comments=dict(comments.values_list("incoming", "pk")),
    )


def _tries(notes: Sequence[Notification]) -> dict[uuid.UUID, int]:
    if not notes:
        return {}
    ids = [note.pk for note in notes]
    rows = Attempt.objects.filter(notification__in=ids, id__gte=min(ids))
    return dict(rows.values_list("notification").annotate(Count("pk")).order_by())


def _sent_again_by(notes: Sequence[Notification]) -> dict[uuid.UUID, str]:
    originals = [note.again_of for note in notes if note.again_of]
    rows = SentAgain.objects.filter(original__in=originals).select_related("by")
    return {row.notification: str(row.by) for row in rows}
