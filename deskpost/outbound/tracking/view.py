"""What every provider's tracking webhook does with a call, after the checks of hooks/view.py.

200 only when the database has what the events say; a call that is repeated changes nothing.
"""

from __future__ import annotations

import binascii
import logging
from typing import Any, Final

from anymail.exceptions import AnymailConfigurationError, AnymailError
from anymail.signals import AnymailTrackingEvent
from django.http import HttpRequest

from deskpost.hooks.payload import mapping
from deskpost.hooks.refusal import UNREADABLE, Refusal
from deskpost.hooks.view import HookView
from deskpost.outbound.tracking import take
from deskpost.outbound.tracking.told import Details, read

log = logging.getLogger(__name__)

LIMIT: Final = 2 * 1024 * 1024  # bytes of a call
MOST_EVENTS: Final = 5_000

# What anymail's readers raise for what a provider does not send.
_UNREADABLE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,  # of a time that no clock can show
    RecursionError,
    TypeError,
    ValueError,
    binascii.Error,
)


class TrackingView(HookView):
    """Stands before one of django-anymail's tracking views, whose reading of events it takes."""

    unread = 0  # events of this call that cannot be read

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details | None:
        """Return what the event says beyond anymail's reading, whose `esp_event` is `raw`; None if
        it is no news. May raise what a wrong payload makes it raise."""
        return Details()

    def once(self, request: HttpRequest) -> str:
        """Return what may come once only, where the signature does not cover the whole call."""
        return ""

    def limit(self) -> int:
        return LIMIT

    def work(self, request: HttpRequest) -> str:
        events = self._events(request)
        once = self.once(request)
        if take.was_taken(self.provider, once):
            return "Taken before."
        noted = early = 0
        for event in events:
            noted += (result := self._note(event)) == take.Result.NOTED
            early += result == take.Result.EARLY
        if self.unread:
            log.warning("%s: %d events cannot be read", self.esp_name, self.unread)
        if early:
            raise Refusal(503, "A message is still being sent; tell its news again later.")
        take.remember(self.provider, once)
        return f"{noted} of {len(events)} events noted."

    def _events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        try:
            parsed = self.parse_events(request)
        except AnymailConfigurationError as error:
            raise Refusal(400, "This address is for news of sent mail only.") from error
        except (AnymailError, *_UNREADABLE) as error:
            raise Refusal(400, UNREADABLE) from error
        events = [event for event in parsed if event is not None]
        if len(events) > MOST_EVENTS:
            raise Refusal(413, f"More than {MOST_EVENTS} events in one call.")
        if self.unread and not events:
            raise Refusal(400, UNREADABLE)
        return events

    def esp_to_anymail_event(self, *args: Any) -> AnymailTrackingEvent | None:
        """One that cannot be read does not keep the others of its call from us."""
        try:
            return super().esp_to_anymail_event(*args)
        except _UNREADABLE:
            self.unread += 1
            return None

    def _note(self, event: AnymailTrackingEvent) -> take.Result:
        try:
            details = self.details(mapping(event.esp_event), event)
        except _UNREADABLE:
            details = Details()
        if details is None:
            return take.Result.NOTHING
        return take.take(self.provider, str(self.esp_name), read(event, details))
