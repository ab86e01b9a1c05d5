"""Where an open entry stands: beside which list, under which filters, between which others."""

from __future__ import annotations

from dataclasses import dataclass

UNDER = "under=channels"  # says in an address that the list stands under Email channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Addresses of the entries next to this one (empty: none), of the list, and of the entry.
    `query` holds the list's filters, with its `?`, or is empty."""

    newer: str = ""
    older: str = ""
    close: str
    here: str
    query: str = ""
    under_channels: bool = False

    def within(self, address: str) -> str:
        """Return an address of the same entry, so that the list beside it stays the same."""
        if not self.under_channels:
            return address + self.query
        return f"{address}{self.query}{'&' if self.query else '?'}{UNDER}"
