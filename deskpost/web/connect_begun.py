"""What a person has begun at a provider and not finished: kept in their session, used once.

Several may be open at the same time, in tabs of one browser. Each change reads the session anew
under its row's lock: two tabs that come back together would else undo each other's change, or
use the same one twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from deskpost.inbound.channels import oauth

NAME = "oauth"
SECONDS = 10 * 60
MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Which channel a person is connecting, at which provider, and what its answer must fit."""

    channel: int
    provider: str
    person: int
    begun: oauth.Begun = field(repr=False)


def remember(request: HttpRequest, attempt: Attempt) -> None:
    """Keep an attempt for ten minutes; of more than ten the oldest go."""
    with _attempts(request) as kept:
        kept[attempt.begun.state] = {
            "channel": attempt.channel,
            "provider": attempt.provider,
            "person": attempt.person,
            "verifier": attempt.begun.verifier,
            "at": time.time(),
        }


def take(request: HttpRequest, state: str, person: int) -> Attempt | None:
    """Return the person's attempt with this state, once; None if there is no such any more."""
    with _attempts(request) as kept:
        found = kept.pop(state, None)
    if found is None or found["person"] != person:
        return None
    return Attempt(
        channel=found["channel"],
        provider=found["provider"],
        person=person,
        begun=oauth.Begun(url="", state=state, verifier=found["verifier"]),
    )


@contextmanager
def _attempts(request: HttpRequest) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield those that are not too old, to be changed; of a session that is gone, none is kept."""
    key = request.session.session_key
    with transaction.atomic():
        if not Session.objects.select_for_update().filter(session_key=key).first():
            yield {}
            return
        session = type(request.session)(key)
        since = time.time() - SECONDS
        kept = {k: one for k, one in session.get(NAME, {}).items() if one["at"] > since}
        yield kept
        newest = sorted(kept, key=lambda one: float(kept[one]["at"]))[-MOST:]
        session[NAME] = {state: kept[state] for state in newest}
        session.save()
