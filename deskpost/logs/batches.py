"""Delete many rows while others write: in batches that take a moment each, with room between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

SHORTEST, LONGEST = 0.025, 0.07  # seconds of one transaction: between these its size stays
FIRST, LEAST, MOST = 25, 20, 500  # rows in one


class OutOfTime(Exception):
    """The time is over; what is done is done, and the rest is for another call."""


class Batches:
    """Deletes rows for about so many seconds, or (None) until they are gone."""

    def __init__(self, seconds: float | None = None) -> None:
        self._ends = None if seconds is None else time.monotonic() + seconds
        self._size: float = FIRST
        self.longest = 0.0  # seconds of the longest transaction

    def all(self, rows: QuerySet[Any], forget: Callable[[list[Any]], None] | None = None) -> None:
        """Delete the rows, by `forget` if it is given. Raises OutOfTime."""
        keys = rows.order_by("pk").values_list("pk", flat=True)
        model = rows.model
        while pks := list(keys[: int(self._size)]):
            with transaction.atomic():
                began = time.monotonic()  # the lock is held from here on
                if forget:
                    forget(pks)
                else:
                    model._default_manager.filter(pk__in=pks).delete()
            self._note(time.monotonic() - began)
            self.check()

    def check(self) -> None:
        """Raise OutOfTime if the time is over."""
        if self._ends is not None and time.monotonic() >= self._ends:
            raise OutOfTime

    def _note(self, took: float) -> None:
        self.longest = max(self.longest, took)
        if took > LONGEST:
            self._size = max(LEAST, self._size * LONGEST / took / 2)
        elif took < SHORTEST:
            self._size = min(MOST, self._size * 1.3)
        if connection.vendor == "sqlite":
            # There is one lock for all who write: they get it as long as it was held here.
            time.sleep(min(took, 0.1))
