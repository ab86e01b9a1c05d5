"""Messages that wait have no line yet: they are found among the due rows of their own tables.

There are few of them as a rule. Properties are asked of the database; words are looked for here, by
the same rules as in the lines.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from deskpost.logs.search_clauses import holds
from deskpost.logs.search_model import Is, Not, Part, Property, Query, Size, TooSlow, Words
from deskpost.models import InboundEmail, Log, LogLine, Notification, first_id
from deskpost.models.logline import line_in, line_out
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus

CHUNK = 500
# No line has one of these.
STATUSES: frozenset[str] = frozenset({IncomingStatus.PROCESSING, NotificationStatus.QUEUED})
_IN = {
    Property.STATUS: "status",
    Property.CODE: "outcome",
    Property.KEY: "request_key",
    Property.CHANNEL: "channel_id",
    Property.MESSAGE_ID: "message_id",
}
_OUT = {
    Property.STATUS: "status",
    Property.CODE: "reason",
    Property.KIND: "kind",
    Property.KEY: "request_key",
    Property.ADDRESS: "address_key",
    Property.MESSAGE_ID: "message_id",
}


def find(
    query: Query, start: uuid.UUID | None, limit: int, newest_first: bool, deadline: float
) -> list[uuid.UUID]:
    """Return the ids of waiting messages that the query finds, the first ones beyond `start`.
    Raises TooSlow."""
    if not _may_wait(query):
        return []
    rows = _rows(query)
    if start:
        rows = rows.filter(id__lt=start) if newest_first else rows.filter(id__gt=start)
    rows = rows.order_by("-id" if newest_first else "id")
    if not any(_is_looked_for(part, query.log) for part in query.parts):
        return list(rows.values_list("id", flat=True)[:limit])
    found: list[uuid.UUID] = []
    for row in _matching(query, rows, deadline):
        found.append(row.pk)
        if len(found) == limit:
            break
    return found


def count(query: Query, limit: int, deadline: float) -> Counter[str]:
    """Return how many waiting messages the query finds, by status, up to `limit` in all. Raises
    TooSlow."""
    if not _may_wait(query):
        return Counter()
    rows = _rows(query).order_by("-id")
    if not any(_is_looked_for(part, query.log) for part in query.parts):
        return Counter(rows.values_list("status", flat=True)[:limit])
    sums: Counter[str] = Counter()
    for row in _matching(query, rows, deadline):
        sums[row.status] += 1
        if sums.total() == limit:
            break
    return sums


def _may_wait(query: Query) -> bool:
    """Most lists ask for a status that nothing has that waits."""
    incoming = query.log == Log.INCOMING
    waits: str = IncomingStatus.PROCESSING if incoming else NotificationStatus.QUEUED
    return not any(
        isinstance(part, Is) and part.property == Property.STATUS and waits not in part.values
        for part in query.parts
    )


def _is_looked_for(part: Part, log: Log) -> bool:
    """Words; and a sender, whom only the envelope names while nothing has read the message."""
    plain = part.part if isinstance(part, Not) else part
    if isinstance(plain, Is) and plain.property == Property.ADDRESS:
        return log == Log.INCOMING
    return isinstance(plain, Words)


def _matching(query: Query, rows: QuerySet[Any], deadline: float) -> Iterator[Any]:
    line: Callable[[Any], LogLine] = line_in if query.log == Log.INCOMING else line_out
    for row in rows.iterator(chunk_size=CHUNK):
        if time.monotonic() > deadline:
            raise TooSlow
        if holds(query, line(row)):
            yield row


def _rows(query: Query) -> QuerySet[Any]:
    rows: QuerySet[Any]
    if query.log == Log.INCOMING:
        rows, names = InboundEmail.objects.all(), _IN
    else:
        rows, names = Notification.objects.all(), _OUT
        invites = Q(kind=Kind.CUSTOMER_INVITED)
        rows = rows.filter(invites if query.log == Log.INVITATIONS else ~invites)
    rows = rows.filter(project_id=query.project_id, due_at__isnull=False)
    if query.since:
        rows = rows.filter(id__gte=first_id(query.since))
    rows = rows.filter(id__lt=first_id(query.end))
    for part in query.parts:
        if not _is_looked_for(part, query.log):
            rows = rows.filter(_condition(part, names))
    return rows


def _condition(part: Part, names: dict[Property, str]) -> Q:
    match part:
        case Not():
            return ~_condition(part.part, names)
        case Is():
            if part.property not in names:
                return Q(pk__in=[])
            return Q(**{f"{names[part.property]}__in": part.values})
        case Size():
            wanted = Q(raw_size__gte=part.at_least or 0)
            return wanted & Q(raw_size__lte=part.at_most) if part.at_most is not None else wanted
    return Q()
