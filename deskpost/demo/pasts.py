"""What the connectivity logs of the demo's mailboxes tell: weeks that never were. Data only.

Written as `inbound.channels.connection` writes it: the same states, codes and facts, in an order
that can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from deskpost.problems import ConnectionState, Notice, Problem, Step

HOST, PORT = "imap.harbour.example", 993
OLD, OLD_OF_BOOKINGS = 12, 2_114  # messages that were there before

CONNECTED, RETRYING = ConnectionState.CONNECTED, ConnectionState.RETRYING
ATTENTION = ConnectionState.ATTENTION
_SERVER = {"host": HOST, "port": PORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A row of the log; one that was `count` times lasted from `at` to `last_at`."""

    at: datetime
    status: ConnectionState
    code: Problem | Notice
    facts: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    lasting: timedelta = timedelta()

    @property
    def last_at(self) -> datetime:
        """When it was last."""
        return self.at + self.lasting


def of_support(now: datetime, admin: str) -> tuple[Happening, ...]:
    """Return what there was with support@, the oldest first: all before today (UTC)."""
    busy, busy_again = _day(now, 17, "11:03:52"), _day(now, 10, "15:40:18")
    return (
        Happening(
            at=_day(now, 20, "09:12:07"),
            status=CONNECTED,
            code=Notice.CONNECTED,
            facts={"taken": 0, "old": OLD},
        ),
        *_limited(busy, busy + timedelta(minutes=15), taken=2),
        *_outage(now),
        *_limited(busy_again, busy_again + timedelta(minutes=17), taken=1),
        *_new_password(now, admin),
        *_expired(now),
    )


def of_bookings(now: datetime) -> tuple[Happening, ...]:
    """Return what there was with bookings@, the oldest first: it ends with a withdrawn grant."""
    return (
        Happening(
            at=_day(now, 16, "13:25:40"),
            status=CONNECTED,
            code=Notice.CONNECTED,
            facts={"taken": 0, "old": OLD_OF_BOOKINGS},
        ),
        Happening(
            at=_day(now, 11, "21:30:20"),
            status=RETRYING,
            code=Problem.SERVER_BUSY,
            facts={
                **_SERVER,
                "said": "NO [UNAVAILABLE] Temporary System Error (Failure)",
                "step": Step.SIGN_IN,
                "minutes": 5,
            },
            count=2,
            lasting=timedelta(minutes=1),
        ),
        _again(_day(now, 11, "21:30"), _day(now, 11, "21:36:31"), taken=0),
        Happening(
            at=bookings_down(now),
            status=ATTENTION,
            code=Problem.GRANT_REVOKED,
            facts={**_SERVER, "said": "invalid_grant: Token has been expired or revoked."},
        ),
    )


def bookings_down(now: datetime) -> datetime:
    """Return since when bookings@ waits for a person."""
    return _day(now, 2, "16:07:33")


# --- What befell support@ -------------------------------------------------------------------------


def _limited(at: datetime, until: datetime, taken: int) -> tuple[Happening, ...]:
    facts = {
        **_SERVER,
        "said": "NO [LIMIT] Too many simultaneous connections",
        "step": Step.SIGN_IN,
        "minutes": round((until - at).total_seconds() / 60),
    }
    limited = Happening(at=at, status=RETRYING, code=Problem.RATE_LIMITED, facts=facts)
    return limited, _again(at, until, taken)


def _outage(now: datetime) -> tuple[Happening, ...]:
    """Two hours and ten minutes. The first two failures have no row, and after an hour it is a
    matter for a person too; somebody had it tried again and again meanwhile."""
    begun = _day(now, 14, "09:10")
    facts = {**_SERVER, "step": Step.TCP}
    return (
        Happening(
            at=begun + timedelta(seconds=20),
            status=RETRYING,
            code=Problem.REFUSED,
            facts=facts | {"minutes": 15},
            count=9,
            lasting=timedelta(minutes=51),
        ),
        Happening(
            at=begun + timedelta(minutes=66),
            status=ATTENTION,
            code=Problem.REFUSED,
            facts=facts | {"minutes": 64},
        ),
        _again(begun, begun + timedelta(hours=2, minutes=10), taken=143),
    )


def _new_password(now: datetime, admin: str) -> tuple[Happening, ...]:
    begun, changed = _day(now, 7, "08:30"), _day(now, 7, "10:05")
    said = "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
    return (
        Happening(
            at=begun + timedelta(seconds=20),
            status=ATTENTION,
            code=Problem.SIGN_IN_REFUSED,
            facts={**_SERVER, "said": said, "step": Step.SIGN_IN, "minutes": 58},
            count=3,
            lasting=timedelta(minutes=74),
        ),
        Happening(at=changed, status=RETRYING, code=Notice.SETTINGS_CHANGED, facts={"by": admin}),
        _again(begun, changed + timedelta(seconds=4), taken=9),
    )


def _expired(now: datetime) -> tuple[Happening, ...]:
    begun = _day(now, 3, "00:00:41")
    facts = {
        **_SERVER,
        "error": "certificate has expired",
        "step": Step.TLS,
        "subject": HOST,
        "names": [HOST],
        "issuer": "Harbour Mail CA",
        "valid_from": (begun - timedelta(days=366)).date().isoformat(),
        "valid_until": (begun - timedelta(days=1)).date().isoformat(),
        "minutes": 60,
    }
    row = Happening(
        at=begun,
        status=ATTENTION,
        code=Problem.CERTIFICATE_EXPIRED,
        facts=facts,
        count=8,
        lasting=timedelta(hours=6, minutes=12),
    )
    return row, _again(begun, begun + timedelta(hours=7, minutes=14), taken=31)


def _again(begun: datetime, at: datetime, taken: int) -> Happening:
    facts = {"taken": taken, "down_seconds": int((at - begun).total_seconds())}
    return Happening(at=at, status=CONNECTED, code=Notice.CONNECTED_AGAIN, facts=facts)


def _day(now: datetime, days: int, clock: str) -> datetime:
    """Return the moment of that time (UTC), so many days ago."""
    day = now.astimezone(UTC).date() - timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(clock), UTC)
