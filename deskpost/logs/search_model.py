"""What can be asked of the log, and how it answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deskpost.logs import words
from deskpost.models import Log

PAGE = 50
COUNTED = 1_000
AHEAD = timedelta(days=1)  # no host’s clock is further ahead: later days need no look
SECONDS = 2.0  # no search takes longer


class TooSlow(Exception):
    """The search was stopped after SECONDS: the dates must be narrowed."""


class Field(StrEnum):
    """Where a word may stand: the sender (name and address) or the recipient; the subject; the key
    of the request, as a whole."""

    WHO = "who"
    SUBJECT = "subject"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The text stands in one of the fields, as a part of it, whatever its case. Of two letters it
    must be the beginning of a word, save in scripts that write without blanks."""

    text: str
    fields: tuple[Field, ...] = (Field.WHO, Field.SUBJECT, Field.KEY)


class Property(StrEnum):
    """What a message has one of. Values are those of the rows: see models/logline.py."""

    STATUS = "status"
    CODE = "code"  # outcome, or reason
    KIND = "kind"
    KEY = "key"
    CHANNEL = "channel_id"
    ADDRESS = "address"
    MESSAGE_ID = "message_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Is:
    """The property has one of the values (texts; a channel's is its id). Without values: never."""

    property: Property
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The raw message has at least, or at most, so many bytes."""

    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part does not hold."""

    part: Words | Is | Size


Part = Words | Is | Size | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked: all parts must hold. `since` (inclusive) and `until` (exclusive) bound the
    time of arrival, or of the notification's making."""

    project_id: int
    log: Log
    parts: tuple[Part, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def end(self) -> datetime:
        """When the newest message that it can find was made, or a little later."""
        latest = datetime.now(UTC) + AHEAD
        return min(self.until, latest) if self.until else latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of messages: exact, or "at least" when `more` is set."""

    value: int
    more: bool = False

    def __str__(self) -> str:
        return words.count(self.value) + ("+" if self.more else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Ids of messages, newest first; `before` is where the next page begins, if there is more."""

    ids: tuple[uuid.UUID, ...]
    before: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The messages above and below one, under the same query."""

    newer: uuid.UUID | None = None
    older: uuid.UUID | None = None
