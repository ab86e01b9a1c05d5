"""Everything that the drawer of an incoming message shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import arrival, explain_incoming, trails, words
from deskpost.logs.explain import Evidence, Told
from deskpost.logs.original_private import redacted
from deskpost.models import InboundEmail, Project, moment_of
from deskpost.outcomes import OUTCOMES, IncomingStatus, Outcome
from deskpost.web import drawer_links, drawer_trail, entry_acts, preview_tabs
from deskpost.web.drawer_place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An earlier run of a message that was processed again, and what it came to."""

    number: int
    at: datetime | None
    came_to: str
    decided: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A stage of an entry's way and its moment."""

    words: str
    at: datetime
    beside: str = ""


def drawer(project: Project, row: InboundEmail, place: Place) -> dict[str, Any]:
    """Return what the template shows: no token of this site stands in it."""
    told = private_told(explain_incoming.incoming(row, timezone.now()))
    way, client = arrival.way(row)
    return {
        "row": row,
        "told": told,
        "trail": drawer_trail.of_incoming(project, row, told.trail),
        "sender": row.sender or row.envelope_from,
        "person": drawer_links.person(row.sender),
        "envelope_from": redacted(row.envelope_from),
        "envelope_to": redacted(row.envelope_to),
        "client_words": client,
        "raw_words": _raw_words(row),
        "times": _times(row, way),
        "evidence_tone": "fail" if row.status == IncomingStatus.FAILED else "skip",
        "related": drawer_links.of_incoming(project, row, under_channels=place.under_channels),
        "runs": _runs(row),
        "tabs": preview_tabs.of_incoming(project, row, place),
        "acts": entry_acts.incoming(project, row, place.query),
        "newer": place.newer,
        "older": place.older,
        "close": place.close,
        "here": place.here,
    }


def private_told(told: Told) -> Told:
    """Return the words without what machines quoted of our tokens."""
    evidence = tuple(_private(one) for one in told.why.evidence)
    return replace(told, why=replace(told.why, evidence=evidence))


def _private(one: Evidence) -> Evidence:
    return replace(
        one,
        before=redacted(one.before),
        after=redacted(one.after),
        marked=redacted(one.marked),
    )


def _raw_words(row: InboundEmail) -> str:
    if row.oversize_bytes:
        return _("Download the raw headers")
    if row.reconstructed:
        return _("Download the reconstructed message")
    return _("Download the raw message")


def _times(row: InboundEmail, way: str) -> list[Time]:
    stages = [
        Time(words=_("Arrived"), at=row.received_at, beside=way),
        Time(words=_("Stored"), at=moment_of(row.id)),
    ]
    if row.settled_at:
        took = words.length((row.settled_at - row.received_at).total_seconds())
        beside = _("after %(time)s") % {"time": took}
        stages.append(Time(words=_("Processed"), at=row.settled_at, beside=beside))
    return stages


# --- Earlier runs --------------------------------------------------------------------------------

_NOTHING = gettext_lazy("nothing decided")


def _runs(row: InboundEmail) -> list[Run]:
    """Return the earlier runs, the last one first."""
    runs = [run for run in row.runs if isinstance(run, dict)]
    return [_run(run) for run in reversed(runs)]


def _run(run: dict[str, Any]) -> Run:
    known = str(run.get("outcome")) in set(Outcome)
    number = run.get("run")
    return Run(
        number=number if isinstance(number, int) else 0,
        at=words.parsed(run.get("at")),
        came_to=str(OUTCOMES[Outcome(run["outcome"])].words) if known else "–",
        decided=_decided(run),
    )


def _decided(run: dict[str, Any]) -> str:
    """Return which rule decided, with what it looked at."""
    row = InboundEmail(trail=run.get("trail") or [], outcome=str(run.get("outcome") or ""))
    if row.outcome not in set(Outcome):
        return str(_NOTHING)
    steps = trails.of_incoming(row, Outcome(row.outcome))
    last = next((step for step in steps if step.decides), None)
    if last is None:
        return str(_NOTHING)
    facts = run.get("facts")
    seen = drawer_trail.looked_at(facts) if isinstance(facts, dict) else ()
    return words.listed((last.words, *(f"{name}: {value}" for name, value in seen[:2])))
