"""Whatever stands in a signed event, it is answered; never by an error of ours."""

from __future__ import annotations

import contextlib
import copy
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from deskpost.models import Notification, ProviderMessage
from tests.outbound.tracking import calls
from tests.outbound.tracking.payloads import EVENTS, PROVIDERS, About, Event, provider_id

ODD: tuple[Any, ...] = (
    "\ud800\x00",
    "x" * 20_000,
    1e400,
    10**30,
    -5,
    [[[[]]]],
    {"a": 1},
    None,
)
ANSWERS = {200, 400, 403, 413, 503}
LEVELS = range(800, 960)  # about as many as Python reads, some of which are in use already


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_odd_value_anywhere_is_answered(provider: str, note: Notification) -> None:
    event = sent(provider, note)
    answers = set()
    for path in places(event):
        for odd in ODD:
            answers.add(calls.call(provider, changed(event, path, odd)).post().status_code)
    assert answers <= ANSWERS
    assert 200 in answers


def test_an_event_of_any_depth_is_answered(note: Notification) -> None:
    event = sent("postmark", note)
    answers = set()
    for levels in LEVELS:
        with room_for_more_levels():
            deep = json.loads("[" * levels + "]" * levels)
            call = calls.call("postmark", event | {"deep": deep})
        answers.add(call.post().status_code)
    assert answers <= {200, 400}


def sent(provider: str, note: Notification) -> Event:
    """Return an event about the notification, whose message the provider has taken."""
    about = About(metadata={"deskpost": str(note.pk)})
    ProviderMessage.objects.create(
        provider=provider,
        message_id=provider_id(provider, about),
        notification=note.pk,
        at=timezone.now(),
    )
    return EVENTS[provider]("hard", about)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand in the event, from the outside to the inside."""
    named = node.items() if isinstance(node, dict) else enumerate(node)
    for name, value in named:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


def changed(event: Event, path: tuple[Any, ...], value: Any) -> Event:
    """Return the event with another value at that place."""
    made = copy.deepcopy(event)
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made


@contextlib.contextmanager
def room_for_more_levels() -> Iterator[None]:
    """Let the test itself write what Deskpost may find too deep."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(5 * usual)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)
