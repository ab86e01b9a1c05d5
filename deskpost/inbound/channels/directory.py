"""Which recipients are ours: the channels' addresses and their signed forms.

The SMTP loop never waits for the database: it reads a snapshot. An address that is not in it
makes the snapshot be read anew (at most once a second), so that a new channel is known at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from django.conf import settings
from django.db import close_old_connections

from deskpost.inbound.intake import Target
from deskpost.mail import address
from deskpost.models import Channel

REFRESH_SECONDS = 1.0


class Directory:
    """A snapshot of the on-demand channels, by address."""

    def __init__(self) -> None:
        self._channels: Mapping[str, Channel] = {}
        self._read_at = -REFRESH_SECONDS
        self._reading = asyncio.Lock()

    async def find(self, recipient: str) -> Target | None:
        """Return the channel that takes mail for the recipient, or None if there is none.

        Raises DatabaseError if the channels are not known and cannot be read.
        """
        if self._lookup(recipient) is None or self._is_stale():
            await self._refresh()
        return self._lookup(recipient)

    def _is_stale(self) -> bool:
        return time.monotonic() - self._read_at >= REFRESH_SECONDS

    async def _refresh(self) -> None:
        async with self._reading:
            if self._is_stale():
                self._channels = await asyncio.get_running_loop().run_in_executor(None, _read)
                self._read_at = time.monotonic()

    def _lookup(self, recipient: str) -> Target | None:
        channel = self._channels.get(address.normalise(recipient))
        if channel is None:
            base = self._channels.get(address.normalise(address.base_address(recipient)))
            if base and address.read_signed(recipient, base.address, [settings.MAIL_KEY]):
                channel = base
        if channel is None:
            return None
        return Target(recipient=recipient, channel_id=channel.pk, project_id=channel.project_id)


def _read() -> dict[str, Channel]:
    try:
        channels = Channel.objects.filter(kind=Channel.Kind.ON_DEMAND)
        return {channel.address_key: channel for channel in channels}
    finally:
        close_old_connections()
