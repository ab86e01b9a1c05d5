"""Which carrier takes a project's mail: its own where the settings have one, else the site's."""

from __future__ import annotations

from typing import Protocol

from django.conf import settings

from deskpost.config_relay import Provider, Way
from deskpost.outbound.carrier import Carrier
from deskpost.outbound.outbox import OutboxCarrier
from deskpost.outbound.provider import ProviderCarrier
from deskpost.outbound.relay import RelayCarrier


class Carriers(Protocol):
    """Knows the way out for each project's mail."""

    def of(self, project_key: str) -> Carrier: ...


class Configured:
    """As DESKPOST_RELAY and DESKPOST_PROJECT_RELAYS say."""

    def __init__(self) -> None:
        self._site = make(settings.DESKPOST["RELAY"])
        ways = settings.DESKPOST["PROJECT_RELAYS"]
        self._own = {key: make(way, key) for key, way in ways.items()}

    def of(self, project_key: str) -> Carrier:
        return self._own.get(project_key, self._site)


def of_site() -> Carrier:
    """Return the site's own carrier."""
    return make(settings.DESKPOST["RELAY"])


def key_of(project_key: str) -> str:
    """Return the key of the carrier that takes the project's mail, as notices have it."""
    return Configured().of(project_key).key


def make(way: Way | None, project_key: str = "") -> Carrier:
    """Return the carrier for one way out; None is the outbox folder."""
    if way is None:
        return OutboxCarrier(settings.OUTBOX)
    if isinstance(way, Provider):
        return ProviderCarrier(way, project_key)
    return RelayCarrier(way, project_key)
