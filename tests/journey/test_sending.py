"""Several processes that send at one time, and processes that are killed while they send."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults import outbound
from tests.faults.outbound import OPEN, STATUSES, Senders
from tests.parts.process import wait_until
from tests.parts.refusing import Refusing
from tests.parts.site import Site

pytestmark = [pytest.mark.database, pytest.mark.slow]


def at_work(site: Site) -> int:
    """How many workers there are: each holds a lock for as long as it lives."""
    return len(list((site.data / "run" / "workers").glob("*.lock")))


def test_the_limit_is_kept_to_the_last_one_under_four_workers() -> None:
    limit = {"DESKPOST_DAILY_LIMIT": "50"}
    with Refusing() as world, Site(relay=f"smtp://127.0.0.1:{world.port}", env=limit) as site:
        assert site.process is not None
        site.process.stop()
        senders = Senders(site, 4)
        try:
            assert wait_until(lambda: at_work(site) == 4, seconds=60), senders.log_text()
            outbound.fill(site, 20)
            world.wait_for(20)  # the day's count has begun
            # All four wait when the others come, in one moment: each takes what it can.
            outbound.fill(site, 100, first=20)
            settled = wait_until(lambda: site.sql(OPEN) == [(0,)], seconds=90)
        finally:
            senders.stop()
        assert settled, senders.log_text()
        assert sorted(site.sql(STATUSES)) == [
            ("delivered", "", 50),
            ("failed", "limit_reached", 70),
        ]
        arrived = Counter(one.recipients for one in world.received)
        assert (len(arrived), arrived.total()) == (50, 50)
        assert site.sql("SELECT sent FROM deskpost_quotaperiod") == [(50,)]
        assert site.sql("SELECT sent, stopped FROM deskpost_quotause") == [(50, 70)]


def test_a_sender_that_is_killed_loses_nothing_and_says_what_it_may_have_repeated() -> None:
    figures = outbound.run(notifications=200, kills=3, connections=4, seed=6)
    assert outbound.is_good(figures), figures
