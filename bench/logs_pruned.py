"""How long a day takes to go, and how long somebody else who writes must wait meanwhile."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from bench.logs_notes import Notes
from deskpost.logs import retention, retention_days
from deskpost.models import InboundEmail, LogLine, first_id, moment_of

MOST_SECONDS = 900.0  # SQLite takes its time: it is said how much was left then
PAUSE = 0.005  # seconds between two writes of the other


def drop_a_day() -> dict[str, Any]:
    """Keep one day fewer than there are; returns milliseconds and how many lines went."""
    oldest = LogLine.objects.order_by("id").values_list("id", flat=True)[0]
    day = moment_of(oldest).date()
    kept = (datetime.now(UTC).date() - day).days - 1
    settings.DESKPOST["RETENTION_DAYS"] = kept
    # The grace of an hour that a change of the setting has is not what is measured.
    retention_days.compare(timezone.now(), at_once=True)
    until = first_id(retention.start_of(retention.first_day_kept(timezone.now())))
    before = LogLine.objects.filter(id__lt=until).count()
    other = _Other()
    other.start()
    begun = time.perf_counter()
    try:
        ended = False
        while not ended and time.perf_counter() - begun < MOST_SECONDS:
            ended = retention.prune(60)
    finally:
        seconds = time.perf_counter() - begun
        other.end()
    left = LogLine.objects.filter(id__lt=until).count()
    if ended:
        Notes().without(day)
    return {
        "day": day.isoformat(),
        "lines": before,
        "lines_left": left,
        "ended": ended,
        "ms": round(seconds * 1000),
        "other_waited_ms": round(other.longest * 1000, 1),
        "other_wrote": other.written,
    }


class _Other(threading.Thread):
    """Writes a row of the log again and again, as the worker does; notes its longest wait."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self.written = 0.0, 0
        self._over = threading.Event()
        self._pk = InboundEmail.objects.order_by("-id").values_list("id", flat=True)[0]

    def run(self) -> None:
        while not self._over.is_set():
            begun = time.perf_counter()
            with transaction.atomic():
                InboundEmail.objects.filter(pk=self._pk).update(attempt=F("attempt") + 1)
            self.longest = max(self.longest, time.perf_counter() - begun)
            self.written += 1
            time.sleep(PAUSE)
        connection.close()

    def end(self) -> None:
        self._over.set()
        self.join()
