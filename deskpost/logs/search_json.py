"""A query of the log as JSON and back: a background job keeps what it was asked in this form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deskpost.logs.search import Field, Is, Not, Part, Property, Query, Size, Words
from deskpost.models import Log


def dumped(query: Query) -> dict[str, Any]:
    """Return the query as JSON can hold it."""
    return {
        "project": query.project_id,
        "log": str(query.log),
        "parts": [_dumped(part) for part in query.parts],
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
    }


def _dumped(part: Part) -> dict[str, Any]:
    match part:
        case Words():
            return {"words": part.text, "fields": [str(name) for name in part.fields]}
        case Is():
            return {"is": str(part.property), "values": list(part.values)}
        case Size():
            return {"at_least": part.at_least, "at_most": part.at_most}
        case Not():
            return {"not": _dumped(part.part)}


def loaded(stored: Mapping[str, Any]) -> Query:
    """Return the query that `dumped` has put down. Raises ValueError if it is none."""
    try:
        return Query(
            project_id=int(stored["project"]),
            log=Log(stored["log"]),
            parts=tuple(_loaded(part) for part in stored["parts"]),
            since=_moment(stored["since"]),
            until=_moment(stored["until"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no query of the log") from error


def _loaded(part: Mapping[str, Any]) -> Part:
    if "not" in part:
        inner = _loaded(part["not"])
        if isinstance(inner, Not):
            raise ValueError("a query negates a part once")
        return Not(part=inner)
    if "words" in part:
        fields = tuple(Field(name) for name in part["fields"])
        return Words(text=str(part["words"]), fields=fields)
    if "is" in part:
        values = tuple(str(value) for value in part["values"])
        return Is(property=Property(part["is"]), values=values)
    return Size(at_least=part["at_least"], at_most=part["at_most"])


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
