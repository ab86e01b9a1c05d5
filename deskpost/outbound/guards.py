"""May we send them? One guard for each reason, asked in order before composing and before each try.

Each is asked of a whole batch, so that what it must look up it looks up once. The last one, the
size, is asked of the composed message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from deskpost.mail import address
from deskpost.models import Notification, Suppression
from deskpost.outbound import quota, suppress
from deskpost.outcomes import Guard, Reason

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A guard's answer: a reason stops the notification; the facts are for its drawer."""

    stop: Reason | None = None
    facts: Facts = field(default_factory=dict)


Notes = Sequence[Notification]
PASSED = Finding()


def validation(notes: Notes) -> list[Finding]:
    """Email validation error: the address is malformed."""
    return [_validation(note) for note in notes]


def _validation(note: Notification) -> Finding:
    problem = address.problem(note.address, smtputf8=True)
    if problem is None:
        return PASSED
    return Finding(
        stop=Reason.VALIDATION_ERROR,
        facts={
            "problem": problem.code,
            "position": problem.position,
            "character": problem.character,
            "suggestion": problem.suggestion,
        },
    )


def private(notes: Notes) -> list[Finding]:
    """Private email address: the customer has set it so."""
    stopped = Finding(stop=Reason.PRIVATE_ADDRESS)
    return [stopped if note.person.address_private else PASSED for note in notes]


def unsubscribed(notes: Notes) -> list[Finding]:
    """Unsubscribed: the customer wants no notifications."""
    return [_unsubscribed(note) for note in notes]


def _unsubscribed(note: Notification) -> Finding:
    since = note.person.unsubscribed_at
    if since is None:
        return PASSED
    return Finding(stop=Reason.UNSUBSCRIBED, facts={"since": since.isoformat()})


def suppression(notes: Notes) -> list[Finding]:
    """Suppression list: the address is blocked. An entry whose time is over blocks nobody."""
    blocked = suppress.entries([note.address for note in notes])
    return [_suppression(blocked.get(address.normalise(note.address))) for note in notes]


def _suppression(entry: Suppression | None) -> Finding:
    if entry is None:
        return PASSED
    facts = {"cause": entry.cause, "since": entry.created_at.isoformat(), **entry.evidence}
    if entry.expires_at:
        facts["expires"] = entry.expires_at.isoformat()
    return Finding(stop=Reason.SUPPRESSION_LIST, facts=facts)


def limit(notes: Notes) -> list[Finding]:
    """Email notifications limit reached: the places of the site's day are taken. Those that get
    one keep it, however often they are tried."""
    placed = quota.reserve(notes)
    standing = quota.standing()
    facts = {"sent": standing.sent, "limit": standing.limit}
    full = facts | {"resets": standing.resets.isoformat(), "zone": str(quota.zone())}
    stopped = Finding(stop=Reason.LIMIT_REACHED, facts=full)
    return [Finding(facts=facts) if note.pk in placed else stopped for note in notes]


GUARDS: tuple[tuple[Guard, Callable[[Notes], list[Finding]]], ...] = (
    (Guard.VALIDATION, validation),
    (Guard.PRIVATE, private),
    (Guard.UNSUBSCRIBED, unsubscribed),
    (Guard.SUPPRESSION, suppression),
    (Guard.LIMIT, limit),
)


def size(message: bytes, parts: list[tuple[str, int]]) -> Finding:
    """Notification template too large: the encoded message exceeds the limit, in bytes."""
    most = settings.DESKPOST["MESSAGE_LIMIT"]
    if len(message) <= most:
        return Finding(facts={"bytes": len(message), "limit": most})
    largest = [{"name": name, "bytes": length} for name, length in parts[:3]]
    return Finding(
        stop=Reason.TEMPLATE_TOO_LARGE,
        facts={"bytes": len(message), "limit": most, "largest": largest},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The guards that were asked, and what stopped the notification, if anything did."""

    stop: Reason | None
    facts: Facts
    trail: list[Facts]


def ask(notes: Notes) -> dict[UUID, Asked]:
    """Ask the guards in order, each of those that are left; the first that stops a notification
    decides. Returns what was asked of each, by its id."""
    trails: dict[UUID, list[Facts]] = {note.pk: [] for note in notes}
    asked: dict[UUID, Asked] = {}
    left = list(notes)
    for guard, check in GUARDS:
        if not left:
            break
        for note, finding in zip(left, check(left), strict=True):
            trails[note.pk].append(step(guard, finding))
            if finding.stop:
                asked[note.pk] = Asked(
                    stop=finding.stop, facts=finding.facts, trail=trails[note.pk]
                )
        left = [note for note in left if note.pk not in asked]
    passed = {note.pk: Asked(stop=None, facts={}, trail=trails[note.pk]) for note in left}
    return asked | passed


def step(guard: Guard, finding: Finding) -> Facts:
    """Return one entry of a trail."""
    answer = "stopped" if finding.stop else "passed"
    return {"guard": guard, "answer": answer, "facts": finding.facts}
