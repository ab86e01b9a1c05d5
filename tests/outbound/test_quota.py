"""The site's limit: its days, its places, who is told. Exact whatever the number of workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from deskpost.models import (
    Notification,
    Person,
    Project,
    QuotaPeriod,
    QuotaUse,
    SiteNotice,
    partitions,
    queue,
)
from deskpost.outbound import quota
from deskpost.outcomes import Kind

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = date(2026, 11, 26)
TOMORROW = NOON + timedelta(days=1)


def set_day(patch: pytest.MonkeyPatch, zone: str, reset: time, site_zone: str = "UTC") -> None:
    patch.setitem(settings.DESKPOST, "LIMIT_ZONE", zone)
    patch.setitem(settings.DESKPOST, "LIMIT_RESET", reset)
    patch.setitem(settings.DESKPOST, "TIME_ZONE", site_zone)


def claimed(number: int, owner: str = "w1", key: str = "IT") -> list[Notification]:
    """Notifications that a worker has claimed, of this project."""
    partitions.ensure_ahead()
    project, _ = Project.objects.get_or_create(key=key, defaults={"name": key})
    person = Person.objects.filter(email="ann@x.test").first()
    person = person or Person.objects.create_person("ann@x.test")
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(
            project=project,
            person=person,
            kind=Kind.COMMENT_ADDED,
            address=person.email,
            address_key=person.email_key,
            created_at=now,
            due_at=now,
        )
        for _ in range(number)
    )
    rows = Notification.objects.filter(project=project).order_by("id")
    return queue.claim(rows, owner, timezone.now() + timedelta(seconds=1), number)


def places(day: date = TODAY) -> tuple[int, int, int]:
    """What the three places say where places are counted: they must agree."""
    of_projects = QuotaUse.objects.filter(day=day).aggregate(all=Sum("sent"))["all"] or 0
    period = QuotaPeriod.objects.filter(day=day).first()
    rows = Notification.objects.filter(quota_day=day).count()
    return (period.sent if period else 0, of_projects, rows)


# --- The day ---


@pytest.mark.parametrize(
    ("zone", "reset", "moment", "day"),
    [
        ("UTC", time(), "2026-11-26T00:00:00+00:00", "2026-11-26"),
        ("UTC", time(), "2026-11-25T23:59:59+00:00", "2026-11-25"),
        ("Asia/Tokyo", time(), "2026-11-25T15:00:00+00:00", "2026-11-26"),
        ("Asia/Tokyo", time(6), "2026-11-25T20:59:59+00:00", "2026-11-25"),
        ("Asia/Tokyo", time(6), "2026-11-25T21:00:00+00:00", "2026-11-26"),
        ("America/New_York", time(23, 30), "2026-11-27T04:29:00+00:00", "2026-11-25"),
        ("America/New_York", time(23, 30), "2026-11-27T04:30:00+00:00", "2026-11-26"),
        # Half past two is skipped on this day in Berlin, and is on 25 October twice.
        ("Europe/Berlin", time(2, 30), "2026-03-29T00:59:59+00:00", "2026-03-28"),
        ("Europe/Berlin", time(2, 30), "2026-03-29T01:30:00+00:00", "2026-03-29"),
        ("Europe/Berlin", time(2, 30), "2026-10-25T00:29:59+00:00", "2026-10-24"),
        ("Europe/Berlin", time(2, 30), "2026-10-25T00:30:00+00:00", "2026-10-25"),
        ("Europe/Berlin", time(2, 30), "2026-10-25T01:15:00+00:00", "2026-10-25"),
        # Here midnight itself is skipped.
        ("Africa/Cairo", time(), "2026-04-23T21:59:59+00:00", "2026-04-23"),
        ("Africa/Cairo", time(), "2026-04-23T22:00:00+00:00", "2026-04-24"),
    ],
)
def test_the_day_begins_at_the_reset_in_the_zone_of_the_limit(
    monkeypatch: pytest.MonkeyPatch, zone: str, reset: time, moment: str, day: str
) -> None:
    set_day(monkeypatch, zone, reset)
    assert quota.day_of(datetime.fromisoformat(moment)) == date.fromisoformat(day)


def test_without_a_zone_of_its_own_the_limit_has_the_sites(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_day(monkeypatch, "", time(), site_zone="Asia/Tokyo")
    assert quota.day_of(datetime(2026, 11, 25, 15, tzinfo=UTC)) == TODAY
    assert quota.bounds(TODAY)[0] == datetime(2026, 11, 25, 15, tzinfo=UTC)


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # went back at midnight, into yesterday
    "America/Havana",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # left out 30 December 2011
    "Africa/Casablanca",
    "Asia/Tehran",
    "Pacific/Chatham",
    "Antarctica/Troll",  # two hours
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    reset=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    day=st.dates(date(2005, 1, 1), date(2035, 1, 1)),
    seconds=st.integers(0, 86_400),
)
def test_days_meet_without_gap_or_overlap_and_each_moment_has_one(
    zone: str, reset: time, day: date, seconds: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        set_day(patch, zone, reset)
        starts, ends = quota.bounds(day)
        assert starts <= ends == quota.bounds(day + timedelta(days=1))[0]
        moment = starts + timedelta(seconds=seconds)
        its_day = quota.day_of(moment.astimezone(ZoneInfo(zone)))
        begins, finishes = quota.bounds(its_day)
        assert begins <= moment < finishes
        assert its_day == quota.day_of(moment)
        assert quota.day_of(starts - timedelta(microseconds=1)) < day


# --- Places ---


@pytest.fixture
def ten(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site that may send ten a day, of UTC."""
    set_day(monkeypatch, "UTC", time())
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 10)
    yield


def test_places_go_in_the_given_order_until_none_is_left(ten: None) -> None:
    notes = claimed(12)[::-1]
    assert quota.reserve(notes, NOON) == {note.pk for note in notes[:10]}
    assert places() == (10, 10, 10)
    assert [note.quota_day for note in notes] == [TODAY] * 10 + [None] * 2
    assert quota.reserve(notes[10:], NOON) == set()


def test_a_place_is_kept_by_every_later_try_and_the_next_day(ten: None) -> None:
    notes = claimed(10)
    quota.reserve(notes, NOON)
    for again in (NOON, TOMORROW):
        fresh = list(Notification.objects.all())
        assert len(quota.reserve(fresh, again)) == 10
    assert places() == (10, 10, 10)
    assert places(TOMORROW.date()) == (0, 0, 0)


def test_a_row_that_has_its_place_already_takes_no_second_one(ten: None) -> None:
    (note,) = claimed(1)
    stale = Notification.objects.get(pk=note.pk)
    quota.reserve([note], NOON)
    assert quota.reserve([stale], NOON) == {note.pk}
    assert stale.quota_day == TODAY
    assert places() == (1, 1, 1)


def test_a_lost_claim_takes_no_place_and_leaves_it_to_the_next(ten: None) -> None:
    notes = claimed(11)
    Notification.objects.filter(pk=notes[0].pk).update(attempt=7)
    Notification.objects.filter(pk=notes[1].pk).update(owner="w2")
    assert quota.reserve(notes, NOON) == {note.pk for note in notes[2:]}
    assert places() == (9, 9, 9)
    assert notes[0].quota_day is None


def test_each_project_is_counted_and_the_first_is_who_sent_most(ten: None) -> None:
    few, many = claimed(2, key="FEW"), claimed(9, key="MANY")
    notes = [*few, *many]
    given = quota.reserve(notes, NOON)
    quota.note_stopped([note for note in notes if note.pk not in given], NOON)
    found = [(project.key, sent, stopped) for project, sent, stopped in quota.uses(TODAY)]
    assert found == [("MANY", 8, 1), ("FEW", 2, 0)]


def test_a_place_is_given_back_before_the_first_try_only(ten: None) -> None:
    notes = claimed(4)
    quota.reserve(notes, NOON)
    notes[1].first_try_at = NOON
    Notification.objects.filter(pk=notes[2].pk).update(attempt=7)
    quota.give_back(notes[:3])
    assert places() == (3, 3, 3)
    assert notes[0].quota_day is None
    quota.give_back(notes[:1])
    assert places() == (3, 3, 3)


def test_a_lower_limit_than_what_was_sent_gives_no_places(
    ten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota.reserve(claimed(5), NOON)
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 3)
    assert quota.reserve(claimed(2, "w2", "XY"), NOON) == set()
    assert quota.standing(NOON).left == 0


def test_the_standing_is_of_today(ten: None) -> None:
    quota.reserve(claimed(4), NOON)
    standing = quota.standing(NOON)
    assert (standing.day, standing.sent, standing.limit, standing.left) == (TODAY, 4, 10, 6)
    assert standing.starts == datetime(2026, 11, 26, tzinfo=UTC)
    assert standing.resets == datetime(2026, 11, 27, tzinfo=UTC)
    assert quota.standing(TOMORROW).sent == 0


def test_a_batch_costs_a_few_queries(ten: None) -> None:
    notes = claimed(10)
    quota.reserve(notes[:1], NOON)
    with CaptureQueriesContext(connection) as queries:
        quota.reserve(notes[1:7], NOON)
    assert len(queries) <= 7  # its transaction is two of them
    with CaptureQueriesContext(connection) as queries:
        quota.reserve(notes[:7], NOON)
    assert not len(queries)


# --- Who is told ---


def told() -> list[tuple[str, str, bool]]:
    rows = SiteNotice.objects.order_by("id")
    return [(row.kind, row.key, row.closed_at is None) for row in rows]


def test_people_are_told_once_that_the_limit_is_near_and_once_that_it_is_reached(
    ten: None,
) -> None:
    notes = claimed(12)
    quota.reserve(notes[:7], NOON)
    assert told() == []
    quota.reserve(notes[7:8], NOON)
    assert told() == [("limit_near", "2026-11-26", True)]
    quota.reserve(notes[8:10], NOON)
    quota.reserve(notes[10:], NOON)
    near, reached = told()
    assert near == ("limit_near", "2026-11-26", False)  # more is said now
    assert reached == ("limit_reached", "2026-11-26", True)
    notice = SiteNotice.objects.get(kind="limit_reached")
    assert (notice.count, notice.facts["sent"], notice.facts["limit"]) == (1, 10, 10)
    assert notice.facts["resets"] == "2026-11-27T00:00:00+00:00"


def test_what_a_person_has_closed_is_not_said_again_that_day(ten: None) -> None:
    notes = claimed(9)
    quota.reserve(notes[:8], NOON)
    SiteNotice.objects.update(closed_at=NOON)
    quota.give_back(notes[7:8])
    quota.reserve(notes[7:], NOON)
    assert told() == [("limit_near", "2026-11-26", False)]


def test_the_first_place_of_the_next_day_ends_it(ten: None) -> None:
    notes = claimed(11)
    quota.reserve(notes, NOON)
    assert [open_now for _, _, open_now in told()] == [True]
    quota.reserve(notes, TOMORROW)
    assert told() == [("limit_reached", "2026-11-26", False)]


# --- Many workers ---


@pytest.mark.django_db(transaction=True)
def test_many_threads_at_once_never_exceed_the_limit(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_day(monkeypatch, "UTC", time())
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 70)
    batches = [claimed(30, f"w{n}", f"P{n % 2}") for n in range(4)]
    start = Barrier(4)

    def work(notes: list[Notification]) -> int:
        try:
            start.wait()
            return sum(len(quota.reserve(notes[n : n + 7], NOON)) for n in range(0, 30, 7))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, batches)) == 70
    assert places() == (70, 70, 70)


SHELL = (sys.executable, "-m", "deskpost", "shell", "-c")
WORK = """
import sys
from datetime import datetime
from deskpost.models import Notification
from deskpost.outbound import quota
owner, now = {owner!r}, datetime.fromisoformat({now!r})
notes = list(Notification.objects.filter(owner=owner).order_by("id"))
print("ready", flush=True)
sys.stdin.readline()
print(sum(len(quota.reserve([note], now)) for note in notes))
"""


def database() -> str:
    """What DESKPOST_DATABASE says for the database of the test."""
    chosen = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(chosen["NAME"])
    return f"{os.environ['DESKPOST_DATABASE'].rpartition('/')[0]}/{chosen['NAME']}"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_processes_at_once_never_exceed_the_limit(transactional_db: None) -> None:
    owners = [f"w{n}" for n in range(4)]
    for n, owner in enumerate(owners):
        claimed(30, owner, f"P{n % 2}")
    env = os.environ | {"DESKPOST_DATABASE": database(), "DESKPOST_DAILY_LIMIT": "70"}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [*SHELL, WORK.format(owner=owner, now=NOON.isoformat())],
                    cwd=ROOT,
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for owner in owners
        ]
        for worker in workers:
            stack.callback(worker.kill)
            assert worker.stdout
            while (line := worker.stdout.readline()) and line.strip() != "ready":
                pass
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=60)[0] for worker in workers]
    assert sum(int(text.split()[-1]) for text in said) == 70
    assert places() == (70, 70, 70)
