"""What a large log holds: so many messages over whole days, in projects of equal size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HOURS = 24
PER_REQUEST = 6  # messages

Row = tuple[Any, ...]

_EMAIL = """
id project_id channel_id transport received_at envelope_from envelope_to client raw_key raw_size
raw_sha256 reconstructed backlog oversize_bytes status outcome facts trail sender sender_key
sender_name subject message_id request_key settled_at runs due_at owner attempt lease_until suspect
deaths
"""
_NOTE = """
id project_id kind event person_id address address_key request_id request_key comment_id created_at
status reason facts trail subject message_id language raw_key raw_size tries first_try_at quota_day
arrived_at again_of settled_at due_at owner attempt lease_until suspect deaths
"""
_ATTEMPT = "id notification_id started_at ended_at server result code enhanced answer"
_LINE = "id project_id log channel_id status code kind key address size message_id who subject"
_COUNT = "project_id log channel_id bucket kind status code"
_REQUEST = """
id project_id number key summary status reporter_id request_type_id channel_id follows_id created_at
updated_at resolved_at
"""
# The columns, in the order of the rows.
EMAIL, NOTE, ATTEMPT = _EMAIL.split(), _NOTE.split(), _ATTEMPT.split()
LINE, COUNT, REQUEST = _LINE.split(), _COUNT.split(), _REQUEST.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One project of the log: its id and key, its channels (the first takes most of the mail)."""

    project: int
    key: str
    channels: tuple[tuple[int, str], ...]
    request_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is filled in: so many messages over whole days from the first on, in all projects. A
    later wave adds its messages to the same days."""

    first: datetime
    days: int
    messages: int
    wave: int
    places: tuple[Place, ...]

    @property
    def hours(self) -> int:
        return self.days * HOURS

    def share(self, hour: int) -> int:
        """Return how many messages the hour has: two of three come in working hours."""
        return self._until(hour + 1) - self._until(hour)

    def _until(self, hour: int) -> int:
        day, rest = divmod(hour, HOURS)
        weights = [3 if 8 <= n < 18 else 1 for n in range(HOURS)]
        done = day * sum(weights) + sum(weights[:rest])
        return self.messages * done // (sum(weights) * self.days)

    @property
    def requests(self) -> int:
        """How many requests a project gets in an hour."""
        return max(1, self.messages // (self.hours * len(self.places) * PER_REQUEST))


@dataclass(slots=True)
class Made:
    """The rows of an hour; `found` are the lines of SQLite's index."""

    emails: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    tokens: list[list[int]] = field(default_factory=list)  # of the lines
    requests: list[Row] = field(default_factory=list)
    counts: Counter[Row] = field(default_factory=Counter)
