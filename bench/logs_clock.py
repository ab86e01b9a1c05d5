"""How long an act takes, and how much of a processor it needs: on a machine that others use too the
second says more."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from deskpost.logs import search


def measure(act: Callable[[], Any], runs: int) -> dict[str, Any]:
    """Run an act once, and so many times more; return milliseconds, and how many rows it found.

    `cold` is the first run, `median` and `worst` are of the others, `cpu` is what each of them took
    of a processor, here and in the database's process (not in what helps that one). What is
    stopped for its slowness counts with the time that it took.
    """
    times: list[float] = []
    stopped, found, cpu = False, 0, 0.0
    for n in range(runs + 1):
        used, begun = _used(), time.perf_counter()
        try:
            result = act()
            found = result if isinstance(result, int) else len(result)
        except search.TooSlow:
            stopped = True
        times.append((time.perf_counter() - begun) * 1000)
        cpu += (_used() - used) * 1000 if n else 0
    warm = times[1:]
    return {
        "median": round(statistics.median(warm), 2),
        "worst": round(max(warm), 2),
        "cpu": round(cpu / runs, 2),
        "cold": round(times[0], 2),
        "found": found,
    } | ({"too_slow": True} if stopped else {})


def _used() -> float:
    """Return the seconds of a processor that this process and the database's have used."""
    if connection.vendor != "postgresql":
        return time.process_time()
    connection.ensure_connection()
    try:
        # Nanoseconds, while /proc/PID/stat counts in hundredths of a second.
        said = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text()
    except OSError:  # another machine, or not Linux
        return time.process_time()
    return time.process_time() + int(said.split()[0]) / 1e9
