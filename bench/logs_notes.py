"""What is filled in of a large log: a file beside the data, DESKPOST_DATA/log.json."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings

from bench.logs_plan import HOURS

DAYS = 21


class Notes:
    """The first day, how many days there are, and the waves: how many messages each adds, and
    which of its hours are written."""

    def __init__(self) -> None:
        self._path = settings.DESKPOST["DATA"] / "log.json"
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = today - timedelta(days=DAYS)
        self._values: dict[str, Any] = {"first": begin.isoformat(), "waves": []}
        if self._path.exists():
            self._values = json.loads(self._path.read_text("utf-8"))

    @property
    def first(self) -> datetime:
        return datetime.fromisoformat(self._values["first"])

    @property
    def end(self) -> datetime:
        return self.first + timedelta(days=DAYS)

    @property
    def waves(self) -> list[dict[str, Any]]:
        waves: list[dict[str, Any]] = self._values["waves"]
        return waves

    @property
    def messages(self) -> int:
        """How many there are once every wave is written."""
        return sum(wave["messages"] for wave in self.waves)

    def without(self, day: date) -> None:
        """Note that a day has gone: the next run that fills writes it again."""
        first = (day - self.first.date()).days * HOURS
        for wave in self.waves:
            wave["done"] = [hour for hour in wave["done"] if not first <= hour < first + HOURS]
        self.save()

    def save(self) -> None:
        self._path.write_text(json.dumps(self._values), "utf-8")
