"""One event of a provider as it is understood here: django-anymail's reading, bounded and clean."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from anymail.signals import AnymailTrackingEvent

from deskpost.hooks.payload import mapping, string
from deskpost.mail.answers import MAX_TEXT
from deskpost.mail.words import clean, one_line

MOST_RAW: Final = 8_000  # characters of the provider's own JSON that are kept as evidence
# Tokens of ours, in headers that some providers repeat: who reads the log is not to have them.
_SIGNED: Final = re.compile(r"(\+[rb])\.[A-Za-z2-7]{16,64}(?=@)")
_LINKED: Final = re.compile(r"(/(?:unsubscribe|mute)/)[A-Za-z0-9:_.-]{1,500}")
MOST_ID: Final = 255
MOST_NAME: Final = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a provider says beyond anymail's reading of an event.

    `code` is the provider's own (mail/answers_provider_events.py lists them), `words` the server's
    where they are better than those that anymail takes, `server` the recipient's. `ids`: further
    ids of the message, such as its Message-ID. `raw`: what is kept as evidence, where that is not
    the whole event.
    """

    code: str = ""
    words: str = ""
    server: str = ""
    ids: tuple[str, ...] = ()
    raw: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event. `kind` and `reject_reason` are django-anymail's; `notification` is the id that we
    gave the message when it was sent; `at` is None where the provider does not say when."""

    kind: str
    reject_reason: str | None
    code: str
    words: str
    server: str
    recipient: str
    notification: uuid.UUID | None
    ids: tuple[str, ...]
    at: datetime | None
    raw: str


def read(event: AnymailTrackingEvent, details: Details) -> Told:
    """Take an event that anyone may have written a part of: nothing of it is trusted to be text."""
    words = details.words or string(event.mta_response) or string(event.description)
    ids = (event.message_id, *details.ids)
    return Told(
        kind=string(event.event_type),
        reject_reason=string(event.reject_reason) or None,
        code=one_line(details.code[:MOST_ID]),
        words=one_line(words[:MAX_TEXT]),
        server=one_line(details.server[:MOST_NAME]),
        recipient=one_line(string(event.recipient)[:MOST_NAME]),
        notification=_ours(event.metadata),
        ids=tuple(one_line(str(one)[:MOST_ID]) for one in ids if _is_id(one)),
        at=_aware(event.timestamp),
        raw=_raw(event.esp_event if details.raw is None else details.raw),
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and bool(value)


def _ours(metadata: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(string(mapping(metadata).get("deskpost"))[:MOST_ID])
    except ValueError:
        return None


def _aware(said: Any) -> datetime | None:
    if not isinstance(said, datetime):
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def _raw(found: Any) -> str:
    if isinstance(found, Mapping):
        found = dict(found)
    try:
        text = clean(json.dumps(found, ensure_ascii=False, default=str))
    except RecursionError:  # as many levels as could be read: that was less deep in the stack
        return ""
    text = _LINKED.sub(r"\1TOKEN", _SIGNED.sub(r"\1.TOKEN", text))
    return text[:MOST_RAW]
