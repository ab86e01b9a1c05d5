"""What an act of a job is made of, and what one chunk of messages came to."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils import timezone

from deskpost.models import Job, queue

SECONDS: Final = 2.0  # of one step: the worker has other work besides
CHUNK: Final = 100  # messages in a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a chunk came to: how many of its messages, from the first, were dealt with; of these,
    how many were acted upon, and how many were left out for which reason (a code). `fields` are
    other fields of the job that are written with them."""

    looked: int
    made: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


class Pace:
    """How long a step may go on. `again` says that the one before it ended in the middle of the
    same messages: some of them may have been acted upon."""

    def __init__(self, job: Job, stopping: Callable[[], bool], *, again: bool) -> None:
        self._job, self._stopping, self.again = job, stopping, again
        self._ends = time.monotonic() + SECONDS

    def over(self) -> bool:
        """Return whether to stop before the next message."""
        return self._stopping() or time.monotonic() >= self._ends

    def keep(self) -> None:
        """Hold the job for longer, in the middle of long work. Raises LostClaim."""
        queue.hold_all([self._job], [], timezone.now() + queue.LEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """How the messages of a job are acted upon.

    `chunk` deals with messages, in order, and must bear to be given the same ones again. `finish`
    ends the work and returns fields of the job; `drop` removes what a cancelled or failed job
    leaves behind. With `atomic` a chunk and its record are one transaction; with `oldest_first`
    messages are taken in the order in which they came.
    """

    chunk: Callable[[Job, Sequence[uuid.UUID], Pace], Done]
    finish: Callable[[Job], Mapping[str, Any]] | None = None
    drop: Callable[[Job], None] | None = None
    size: int = CHUNK
    atomic: bool = False
    oldest_first: bool = False
