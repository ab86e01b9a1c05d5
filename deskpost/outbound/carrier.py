"""What hands messages over: a carrier (an SMTP relay, a provider, the outbox folder) and its lanes.

A lane carries one message at a time. It is used by one thread at a time, knows nothing of the
database, and never raises for what goes wrong on the way: that is an answer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from deskpost.mail.answers import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One finished message on its way to one recipient. `notification` is None for Django's own
    mail, such as password resets."""

    envelope_from: str
    recipient: str
    message: bytes
    notification: uuid.UUID | None = None


class Lane(Protocol):
    """One way through a carrier: a connection that is kept, or a session."""

    def ready(self) -> Answer | None:
        """Open what is to be open, or test it if it has been idle for long. Returns None when a
        message can be handed over, else the answer (of kind "down") that says why not."""

    def send(self, outgoing: Outgoing) -> Answer:
        """Hand the message over. The answer's kind is "down" only where no server has heard of the
        recipient: then nothing counts as a try."""

    def close(self) -> None:
        """End the connection; `ready` opens another."""


class Carrier(Protocol):
    """A way out of the site."""

    @property
    def key(self) -> str:
        """What it is called in notices: the host and port of a relay, the name of a provider."""

    @property
    def server(self) -> str:
        """What attempts say they were handed to."""

    @property
    def lanes(self) -> int:
        """How many messages it may carry at one time, for each worker."""

    def lane(self) -> Lane:
        """Return a new lane, not yet open."""
