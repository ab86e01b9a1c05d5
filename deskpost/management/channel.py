"""The channel that a command names."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import DatabaseError

from deskpost.mail import address
from deskpost.models import Channel


def chosen(written: str) -> Channel:
    """Return the channel with that address, or raise CommandError with those that there are."""
    try:
        channel = Channel.objects.filter(address_key=address.normalise(written)).first()
        others = sorted(Channel.objects.values_list("address", flat=True))
    except DatabaseError as error:
        raise CommandError(
            f"The database cannot be read. {first_line(error)}\n`deskpost run` makes it."
        ) from error
    if channel is None:
        raise CommandError(
            f"There is no channel {written}. There "
            + (f"are: {', '.join(others)}" if others else "is none yet: `deskpost run` makes one.")
        )
    return channel


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
