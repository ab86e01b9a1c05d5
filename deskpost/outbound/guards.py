"""May we send it? One guard for each reason, asked in order before composing and before each try.

The last one, the size, is asked of the composed message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import Notification, QuotaPeriod
from deskpost.outbound import suppress
from deskpost.outcomes import Guard, Reason

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A guard's answer: a reason stops the notification; the facts are for its drawer."""

    stop: Reason | None = None
    facts: Facts = field(default_factory=dict)


def validation(note: Notification) -> Finding:
    """Email validation error: the address is malformed."""
    problem = address.problem(note.address, smtputf8=True)
    if problem is None:
        return Finding()
    return Finding(
        stop=Reason.VALIDATION_ERROR,
        facts={
            "problem": problem.code,
            "position": problem.position,
            "character": problem.character,
            "suggestion": problem.suggestion,
        },
    )


def private(note: Notification) -> Finding:
    """Private email address: the customer has set it so."""
    return Finding(stop=Reason.PRIVATE_ADDRESS if note.person.address_private else None)


def unsubscribed(note: Notification) -> Finding:
    """Unsubscribed: the customer wants no notifications."""
    since = note.person.unsubscribed_at
    if since is None:
        return Finding()
    return Finding(stop=Reason.UNSUBSCRIBED, facts={"since": since.isoformat()})


def suppression(note: Notification) -> Finding:
    """Suppression list: the address is blocked. An entry whose time is over blocks nobody."""
    entry = suppress.entry(note.address)
    if entry is None:
        return Finding()
    facts = {"cause": entry.cause, "since": entry.created_at.isoformat(), **entry.evidence}
    if entry.expires_at:
        facts["expires"] = entry.expires_at.isoformat()
    return Finding(stop=Reason.SUPPRESSION_LIST, facts=facts)


def limit(note: Notification) -> Finding:
    """Email notifications limit reached: the site's quota of the day (UTC) is used up."""
    today = timezone.now().astimezone(UTC).date()
    period = QuotaPeriod.objects.filter(day=today).first()
    sent, most = (period.sent if period else 0), settings.DESKPOST["DAILY_LIMIT"]
    if sent < most:
        return Finding(facts={"sent": sent, "limit": most})
    resets = datetime.combine(today + timedelta(days=1), time(), UTC)
    return Finding(
        stop=Reason.LIMIT_REACHED,
        facts={"sent": sent, "limit": most, "resets": resets.isoformat()},
    )


GUARDS: tuple[tuple[Guard, Callable[[Notification], Finding]], ...] = (
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


def ask(note: Notification) -> Asked:
    """Ask the guards in order; the first that stops the notification decides."""
    trail: list[Facts] = []
    for guard, check in GUARDS:
        finding = check(note)
        trail.append(step(guard, finding))
        if finding.stop:
            return Asked(stop=finding.stop, facts=finding.facts, trail=trail)
    return Asked(stop=None, facts={}, trail=trail)


def step(guard: Guard, finding: Finding) -> Facts:
    """Return one entry of a trail."""
    answer = "stopped" if finding.stop else "passed"
    return {"guard": guard, "answer": answer, "facts": finding.facts}
