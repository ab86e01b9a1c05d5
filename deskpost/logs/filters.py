"""Which filters the lists of the log have, and the values of those that have a closed list."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings

from deskpost.logs.words import KIB, MIB
from deskpost.models import Log
from deskpost.outcomes import (
    IncomingStatus,
    Kind,
    NotificationStatus,
    Outcome,
    Reason,
    Withheld,
)

ALL = "all"  # a status of notifications, whose lists show failures by default


class When(StrEnum):
    """The quick choices of days."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "7"  # the last seven days, today among them


SIZES = {"100k": 100 * KIB, "1m": MIB, "5m": 5 * MIB, "10m": 10 * MIB}  # at least
DATES = ("when", "from", "to")
KINDS = tuple(kind for kind in Kind if kind != Kind.CUSTOMER_INVITED)


def names(log: Log) -> tuple[str, ...]:
    """Return the filters of a list, in the order in which they stand in its addresses."""
    first = ("channel", "status", "q") if log == Log.INCOMING else ("status", "q")
    who = "sender" if log == Log.INCOMING else "recipient"
    kind = ("kind",) if log == Log.REQUESTS else ()
    return (*first, who, "subject", "key", "code", *kind, "size", *DATES)


def statuses(log: Log) -> tuple[str, ...]:
    """Return the statuses that a list shows."""
    if log == Log.INCOMING:
        return tuple(IncomingStatus)
    hidden = () if settings.DESKPOST["LOG_DELIVERED"] else (NotificationStatus.DELIVERED,)
    return tuple(status for status in NotificationStatus if status not in hidden)


def closed(log: Log | None, name: str) -> frozenset[str] | None:
    """Return the values of a filter that has a closed list of them."""
    if name == "status":
        every = () if log == Log.INCOMING else (ALL,)
        return frozenset((*statuses(log), *every)) if log else frozenset()
    if name == "code":
        return frozenset(Outcome) if log == Log.INCOMING else frozenset({*Reason, *Withheld})
    lists = {"kind": KINDS, "size": SIZES, "when": tuple(When)}
    return frozenset(lists[name]) if name in lists else None
