"""Texts from an address, made fit for use; what is not fit is left out, never an error."""

from __future__ import annotations

import uuid
from datetime import date

TEXT_LIMIT = 200
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)


def clean(text: str) -> str:
    """Return text from an address fit for a search: short, printable, on one line."""
    printable = "".join(c if c.isprintable() else " " for c in text[:TEXT_LIMIT])
    return " ".join(printable.split())


def as_uuid(text: str) -> uuid.UUID | None:
    """Read an id from an address; what is none is ignored."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def as_day(text: str) -> date | None:
    """Read a day (2026-11-23) from an address; what is none, or absurd, is ignored."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
