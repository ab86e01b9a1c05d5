"""When a notification that was refused for now is tried again, and when it is given up."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

# Minutes from each temporary refusal to the next try; the last interval is repeated.
RETRY_MINUTES: Final = (1, 5, 15, 60, 120, 240, 480)
GIVE_UP_AFTER: Final = timedelta(hours=24)  # from the first try
JITTER: Final = 0.1  # so much later at most, so that what was refused together comes apart
# A server's own "try again in N" is heeded, but not sooner than this.
SOONEST: Final = timedelta(seconds=10)


def next_try(
    first_try_at: datetime, tries: int, now: datetime, again_after: int | None = None
) -> datetime | None:
    """Return when to try again after that many tries, or None when it is time to give up: by the
    schedule, or in as many seconds as the server has asked for."""
    if again_after:
        wait = max(SOONEST, timedelta(seconds=again_after))
    else:
        wait = timedelta(minutes=RETRY_MINUTES[min(tries, len(RETRY_MINUTES)) - 1])
    due_at = now + wait
    if due_at - first_try_at > GIVE_UP_AFTER:
        return None
    return due_at + wait * JITTER * random.random()  # noqa: S311 (no secret)
