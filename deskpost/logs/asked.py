"""What an address asks of a list of the log: its filters as texts, and the query that they make.

Nothing that stands in an address is an error, save in the search box: what is no filter, or names
what there is not, is left out. Days are the reader's, both included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from deskpost.logs import search
from deskpost.logs.filters import ALL, DATES, SIZES, When, closed, names
from deskpost.logs.given import as_day, clean
from deskpost.logs.queries import midnight
from deskpost.logs.search import Field, Is, Not, Part, Property, Query, Size, Words
from deskpost.logs.search_language import Parsed, SearchError, parse
from deskpost.mail import address
from deskpost.models import Log, Project
from deskpost.outcomes import NotificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What the search box asks: its text as cleaned, and the query of each list, None where the
    words exclude it. With an error it asks for nothing."""

    text: str
    parsed: Parsed | None
    error: SearchError | None

    def query(self, log: Log) -> Query | None:
        return self.parsed.queries[log] if self.parsed else None

    def why_not(self, log: Log) -> str:
        """Say why a list is not asked at all, if so."""
        return self.parsed.why_not(log) if self.parsed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of one list: `values` are the filters in force as they stand in an address,
    `base` is the query without its `status` ("" for any), for the sums of each status."""

    log: Log
    values: Mapping[str, str]
    box: Box
    base: Query
    status: str
    default: str  # the status that is meant where the address names none

    @property
    def query(self) -> Query:
        return search.one_status(self.base, self.status) if self.status else self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """What is asked of all lists at once; those that the words exclude have no query."""

    values: Mapping[str, str]
    box: Box
    queries: Mapping[Log, Query]


def read(
    project: Project, log: Log, given: Mapping[str, str], channel_id: int | None = None
) -> Asked:
    """Read the address of a list. Of the incoming messages those of one channel are meant, if it
    is given or the address names it."""
    box = _box(project, given)
    base = box.query(log)
    default = "" if log == Log.INCOMING or _names_status(base) else NotificationStatus.FAILED
    values = _values(log, given, box, default)
    channel = str(channel_id or values.get("channel", ""))
    parts = (*_hidden(log), *_parts(values))
    if channel:
        parts = (*parts, Is(property=Property.CHANNEL, values=(channel,)))
    named = values.get("status", default)
    return Asked(
        log=log,
        values=values,
        box=box,
        base=_narrowed(base, parts, values) if base else nothing(project, log),
        status="" if named == ALL else named,
        default=default,
    )


def read_everywhere(project: Project, given: Mapping[str, str]) -> Everywhere:
    """Read the address of the search over all lists."""
    box = _box(project, given)
    values = {"q": box.text} | _kept(None, DATES, given)
    found = {log: query for log in Log if (query := box.query(log))}
    return Everywhere(
        values={name: text for name, text in values.items() if text},
        box=box,
        queries={log: _narrowed(query, _hidden(log), values) for log, query in found.items()},
    )


def nothing(project: Project, log: Log) -> Query:
    """Return a query that finds nothing."""
    never = Is(property=Property.STATUS, values=())
    return Query(project_id=project.pk, log=log, parts=(never,))


# --- The box -------------------------------------------------------------------------------------


def _box(project: Project, given: Mapping[str, str]) -> Box:
    try:
        parsed = parse(given.get("q", ""), project)
    except SearchError as error:
        return Box(text=error.text, parsed=None, error=error)
    return Box(text=parsed.text, parsed=parsed, error=None)


def _names_status(query: Query | None) -> bool:
    """Whether the words name a status: then the list's own default would contradict them."""
    parts = query.parts if query else ()
    bare = [part.part if isinstance(part, Not) else part for part in parts]
    return any(isinstance(part, Is) and part.property == Property.STATUS for part in bare)


# --- Values --------------------------------------------------------------------------------------


def _values(log: Log, given: Mapping[str, str], box: Box, default: str) -> dict[str, str]:
    found = _kept(log, names(log), given) | {"q": box.text}
    if found.get("status") == default:
        del found["status"]
    return {name: found[name] for name in names(log) if found.get(name)}


def _kept(log: Log | None, wanted: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    texts = {name: clean(given.get(name, "")) for name in wanted if name != "q"}
    return {name: text for name, text in texts.items() if text and _is_known(log, name, text)}


def _is_known(log: Log | None, name: str, text: str) -> bool:
    if name in {"from", "to"}:
        return as_day(text) is not None
    if name == "channel":
        return text.isascii() and text.isdigit() and len(text) <= 18
    known = closed(log, name)
    return known is None or text in known


# --- The query -----------------------------------------------------------------------------------


def _hidden(log: Log) -> tuple[Part, ...]:
    """With DESKPOST_LOG_DELIVERED=off, delivered notifications have no place in the log."""
    if log == Log.INCOMING or settings.DESKPOST["LOG_DELIVERED"]:
        return ()
    return (Not(part=Is(property=Property.STATUS, values=(NotificationStatus.DELIVERED,))),)


def _parts(values: Mapping[str, str]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for name in ("sender", "recipient"):
        if name in values:
            parts.append(_who(values[name]))
    if "subject" in values:
        parts.append(Words(text=values["subject"], fields=(Field.SUBJECT,)))
    if "key" in values:
        parts.append(Is(property=Property.KEY, values=(values["key"].upper(),)))
    for name, which in (("code", Property.CODE), ("kind", Property.KIND)):
        if name in values:
            parts.append(Is(property=which, values=(values[name],)))
    if "size" in values:
        parts.append(Size(at_least=SIZES[values["size"]]))
    return tuple(parts)


def _who(text: str) -> Part:
    """A whole address finds itself, a part of one (or of a name) all that hold it."""
    if address.problem(text, smtputf8=True) is None:
        return Is(property=Property.ADDRESS, values=(address.normalise(text),))
    return Words(text=text, fields=(Field.WHO,))


def _narrowed(query: Query, parts: Iterable[Part], values: Mapping[str, str]) -> Query:
    """Add parts to a query, and the days of all filters of dates: all must hold."""
    since, until = [query.since], [query.until]
    for first, last in _days(values):
        since.append(midnight(first) if first else None)
        until.append(midnight(last + timedelta(days=1)) if last else None)
    return replace(
        query,
        parts=(*query.parts, *parts),
        since=max(_moments(since), default=None),
        until=min(_moments(until), default=None),
    )


def _days(values: Mapping[str, str]) -> list[tuple[date | None, date | None]]:
    days = [(as_day(values.get("from", "")), as_day(values.get("to", "")))]
    today = timezone.localdate()
    match values.get("when"):
        case When.TODAY:
            days.append((today, today))
        case When.YESTERDAY:
            days.append((today - timedelta(days=1), today - timedelta(days=1)))
        case When.WEEK:
            days.append((today - timedelta(days=6), today))
    return days


def _moments(moments: Iterable[datetime | None]) -> list[datetime]:
    return [moment for moment in moments if moment]
