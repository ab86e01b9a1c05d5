"""Which entries of a sender list one message suggests: its address, its domain, all below it."""

from __future__ import annotations

from deskpost.mail import address, senders
from deskpost.models import InboundEmail


def sender(row: InboundEmail) -> str:
    """Return the normalised address that the message names as its sender, or nothing."""
    return row.sender_key or address.normalise(row.sender or row.envelope_from)


def entries(row: InboundEmail) -> list[str]:
    """Return the entries to choose from, the narrowest first; none without a usable sender."""
    key = sender(row)
    domain = key.rpartition("@")[2]
    return [one for one in (key, domain, f"*.{domain}") if key and senders.is_entry(one)]
