"""Counts of the log: always what counting the rows gives, whatever was folded, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from deskpost.logs import backlog, counts
from deskpost.models import (
    Channel,
    InboundEmail,
    Log,
    LogCount,
    LogDelta,
    Notification,
    Person,
    Project,
    RequestType,
    moment_of,
)
from deskpost.outcomes import Kind, NotificationStatus, Outcome, Reason, Withheld
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

ZONES = ("UTC", "Asia/Tokyo", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")
CODES = {
    "failed": Outcome.DMARC,
    "success": Outcome.REQUEST_CREATED,
    "skipped": Outcome.DUPLICATE,
}
SENT = {"failed": "failed", "success": "delivered", "skipped": "withheld"}
REASONS = {"failed": Reason.UNKNOWN_ERROR, "success": "", "skipped": Withheld.MUTED}
Message = InboundEmail | Notification
# A week that ends today, in half hours: its first and last moments are boundaries of days.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MOMENTS = [TODAY - timedelta(minutes=30 * n) for n in range(1, 96)]


@dataclass(frozen=True, slots=True)
class Place:
    """A project, its channel, and a person who is told of things."""

    channel: Channel
    person: Person

    def message(self, log: str, status: str, at: datetime) -> Message:
        """Make a settled message of that list, status and moment."""
        if log == Log.INCOMING:
            return rows.mail(self.channel, CODES[status], at=at, raw=b"")
        kind = Kind.CUSTOMER_INVITED if log == Log.INVITATIONS else Kind.COMMENT_ADDED
        return rows.note(
            self.channel.project,
            self.person,
            REASONS[status],
            status=SENT[status],
            at=at,
            kind=kind,
        )

    def failed(self, *moments: datetime) -> None:
        for at in moments:
            self.message(Log.REQUESTS, "failed", at)


@pytest.fixture
def place(db: None) -> Place:
    scene = scenes.make()
    return Place(scene.channel, scene.customer)


def other_than(place: Place) -> Place:
    project = Project.objects.create(key="HR", name="HR")
    kind = RequestType.objects.create(project=project, name="Ask HR")
    address = "hr@desk.test"
    channel = Channel.objects.create(project=project, address=address, request_type=kind)
    return Place(channel, place.person)


def change_to(row: Message, status: str) -> None:
    if isinstance(row, InboundEmail):
        row.status, row.outcome = status, CODES[status]
    else:
        row.status, row.reason = SENT[status], REASONS[status]
    row.save()


Sums = Counter[tuple[Any, ...]]


def told(project_ids: Iterable[int], days: list[date]) -> Sums:
    return Counter(
        {
            (one.project_id, one.day, one.log, one.channel_id, one.status, one.code): one.number
            for one in counts.sums(list(project_ids), days)
        }
    )


def counted(project_ids: Iterable[int], days: list[date]) -> Sums:
    """The same by reading every row."""
    mail = InboundEmail.objects.filter(project__in=list(project_ids))
    notes = Notification.objects.filter(project__in=list(project_ids))
    found = [
        (row.pk, (row.project_id, Log.INCOMING, row.channel_id, row.status, row.outcome))
        for row in mail
    ]
    for row in notes:
        log = Log.INVITATIONS if row.kind == Kind.CUSTOMER_INVITED else Log.REQUESTS
        found.append((row.pk, (row.project_id, log, 0, row.status, row.reason)))
    return Counter(
        (project, day, *others)
        for pk, (project, *others) in found
        if (day := timezone.localdate(moment_of(pk))) in days
    )


def these_days(number: int = 5) -> list[date]:
    return [timezone.localdate() - timedelta(days=n) for n in range(number - 1, -1, -1)]


# --- Sums ----------------------------------------------------------------------------------------

put = st.tuples(
    st.just("put"),
    st.sampled_from((0, 1)),
    st.sampled_from(tuple(Log)),
    st.sampled_from(tuple(CODES)),
    st.sampled_from(MOMENTS),
)
change = st.tuples(st.just("change"), st.integers(0, 20), st.sampled_from(tuple(CODES)))
fold = st.tuples(st.just("fold"))


@pytest.mark.parametrize("zone", ZONES)
@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.one_of(put, put, change, fold), max_size=12))
def test_any_sequence_of_messages_changes_and_folds_gives_what_counting_the_rows_gives(
    place: Place, zone: str, acts: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic(), timezone.override(zone):
        places = (place, other_than(place))
        ids = [one.channel.project_id for one in places]
        made: list[Message] = []
        for name, *values in acts:
            if name == "put":
                made.append(places[values[0]].message(*values[1:]))
            elif name == "change" and made:
                change_to(made[values[0] % len(made)], values[1])
            elif name == "fold":
                counts.fold()
            assert told(ids, these_days()) == counted(ids, these_days())
        counts.fold()
        assert not LogDelta.objects.exists()
        assert told(ids, these_days()) == counted(ids, these_days())
        assert told(ids[1:], these_days()) == counted(ids[1:], these_days())
        transaction.set_rollback(True)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "America/St_Johns"])
def test_a_message_of_the_last_moment_belongs_to_the_day_that_ends(place: Place, zone: str) -> None:
    ids = [place.channel.project_id]
    with timezone.override(zone):
        yesterday, today = these_days(2)
        midnight = datetime.combine(today, datetime.min.time(), ZoneInfo(zone))
        place.failed(midnight - timedelta(seconds=1), midnight, midnight)
        for _ in range(2):
            found = {one.day: one.number for one in counts.sums(ids, [yesterday, today])}
            assert found == {yesterday: 1, today: 2}
            assert [one.number for one in counts.sums(ids, [today])] == [2]
            assert [one.number for one in counts.sums(ids, [yesterday])] == [1]
            counts.fold()


def test_the_night_on_which_clocks_change_loses_and_doubles_nothing(place: Place) -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = [date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)]
    begin = datetime(2026, 10, 24, tzinfo=zone).astimezone(UTC)
    with timezone.override(zone):
        place.failed(*(begin + timedelta(hours=n) for n in range(73)))
        found = counts.sums([place.channel.project_id], days)
        assert {one.day: one.number for one in found} == dict(zip(days, (24, 25, 24), strict=True))


@pytest.mark.django_db
def test_what_real_rows_come_to_is_counted_also_when_it_changes_later() -> None:
    scene = scenes.make()
    rows.mail(scene.channel, Outcome.REQUEST_CREATED)
    rows.mail(scene.channel, Outcome.BULK)
    note = rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    counts.fold()
    note.status, note.reason = NotificationStatus.FAILED, Reason.SERVICE_PROVIDER_ERROR
    note.save()
    pk = scene.project.pk
    assert told([pk], these_days()) == counted([pk], these_days())
    found = {(one.log, one.status): one.number for one in counts.sums([pk], these_days())}
    assert found == {("in", "success"): 1, ("in", "skipped"): 1, ("req", "failed"): 1}


@pytest.mark.django_db
def test_without_delivered_in_the_log_they_are_not_counted(monkeypatch: Any) -> None:
    scene = scenes.make()
    rows.mail(scene.channel, Outcome.REQUEST_CREATED)
    rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    rows.note(scene.project, scene.customer)
    monkeypatch.setitem(settings.DESKPOST, "LOG_DELIVERED", False)
    for _ in range(2):
        found = {one.status for one in counts.sums([scene.project.pk], these_days())}
        assert found == {"success", "failed"}
        counts.fold()


@pytest.mark.django_db
def test_both_tables_are_read_in_one_statement() -> None:
    """A fold between two statements would be seen twice, or not at all."""
    with CaptureQueriesContext(connection) as asked:
        counts.sums([1, 2, 3], these_days())
    assert len(asked) == 1
    assert counts.sums([], these_days()) == ()


# --- Folding -------------------------------------------------------------------------------------


def test_a_fold_that_dies_between_adding_and_deleting_is_undone(
    place: Place, monkeypatch: Any
) -> None:
    ids = [place.channel.project_id]
    place.failed(*MOMENTS[:3])
    before, left = told(ids, these_days()), LogDelta.objects.count()

    def dies(*_: object) -> None:
        raise DatabaseError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr("django.db.models.query.QuerySet.delete", dies)
        with pytest.raises(DatabaseError):
            counts.fold()
    assert LogDelta.objects.count() == left
    assert not LogCount.objects.exists()
    assert counts.fold() == left
    assert told(ids, these_days()) == before


def test_a_fold_goes_in_small_transactions_and_ends(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr(counts, "FOLDED", 2)
    monkeypatch.setattr(counts, "ROUNDS", 2)
    place.failed(*[MOMENTS[0]] * 5)
    assert [counts.fold() for _ in range(3)] == [4, 1, 0]
    assert LogCount.objects.get().number == 5


@pytest.mark.django_db
def test_nothing_to_fold_takes_no_write_lock() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert counts.fold() == 0
    assert len(asked) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_fold_at_once_and_count_nothing_twice(monkeypatch: Any) -> None:
    monkeypatch.setattr(counts, "FOLDED", 7)
    scene = scenes.make()
    place, ids = Place(scene.channel, scene.customer), [scene.project.pk]
    for n in range(60):
        place.message(Log.REQUESTS, tuple(CODES)[n % 3], MOMENTS[n % 4])
    expected = counted(ids, these_days())
    start = Barrier(4)

    def work() -> list[Sums]:
        seen = []
        try:
            start.wait()
            while LogDelta.objects.exists():
                counts.fold()
                seen.append(told(ids, these_days()))
        finally:
            connection.close()
        return seen

    with ThreadPoolExecutor(4) as pool:
        seen = [one for found in pool.map(lambda _: work(), range(4)) for one in found]
    assert all(one == expected for one in seen)  # who read meanwhile saw each once
    assert told(ids, these_days()) == expected
    assert sum(LogCount.objects.values_list("number", flat=True)) == 60


# --- Forgetting ----------------------------------------------------------------------------------


def test_counts_go_with_their_days(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr(counts, "FORGOTTEN", 3)
    place.failed(*(MOMENTS[n] for n in (0, 10, 60, 70, 80)))
    counts.fold()
    place.failed(MOMENTS[1], MOMENTS[90])
    counts.forget(MOMENTS[50])
    found = counts.sums([place.channel.project_id], these_days())
    assert sum(one.number for one in found) == 3
    assert not LogDelta.objects.filter(bucket__lt=MOMENTS[50]).exists()


# --- What waits ----------------------------------------------------------------------------------


def waiting_mail(scene: Scene, at: datetime) -> UUID:
    return rows.mail(scene.channel, None, at=at, raw=b"", due_at=at).pk


def waiting_note(scene: Scene, at: datetime, **fields: Any) -> Notification:
    status = NotificationStatus.QUEUED
    return rows.note(scene.project, scene.customer, status=status, at=at, due_at=at, **fields)


@pytest.mark.django_db
def test_what_waits_is_found_by_day_list_and_channel() -> None:
    scene = scenes.make()
    waiting_mail(scene, rows.ago(days=2))
    waiting_mail(scene, rows.ago(days=2))
    waiting_note(scene, rows.ago(hours=0))
    waiting_note(scene, rows.ago(hours=0), kind="customer_invited")
    found = backlog.of_project(scene.project)
    today, then = timezone.localdate(), timezone.localdate(rows.ago(days=2))
    assert found.places == {
        (then, "in", scene.channel.pk): 2,
        (today, "req", 0): 1,
        (today, "inv", 0): 1,
    }
    assert found.oldest_in and timezone.localdate(found.oldest_in) == then
    assert found.oldest_out and timezone.localdate(found.oldest_out) == today
    assert {one.status for one in found.sums()} == {"processing", "queued"}
    assert not counts.sums([scene.project.pk], these_days())


@pytest.mark.django_db
def test_more_than_can_be_counted_is_said_to_be_more(monkeypatch: Any) -> None:
    scene = scenes.make()
    for _ in range(3):
        waiting_mail(scene, rows.ago(hours=1))
    monkeypatch.setattr(backlog, "COUNTED", 3)
    assert backlog.of_project(scene.project).more == {Log.INCOMING}
    (one,) = backlog.of_projects([scene.project.pk]).values()
    assert (one.number, one.more) == (3, True)


@pytest.mark.django_db
def test_what_waits_in_many_projects_is_one_query() -> None:
    scene = scenes.make()
    other = Project.objects.create(key="HR", name="HR")
    at = rows.ago(hours=3)
    waiting_mail(scene, at)
    waiting_note(scene, rows.ago(hours=1))
    rows.note(scene.project, scene.customer)
    with CaptureQueriesContext(connection) as asked:
        found = backlog.of_projects([scene.project.pk, other.pk])
    assert len(asked) == 1
    mine = found[scene.project.pk]
    assert (mine.number, mine.more) == (2, False)
    assert mine.oldest and abs(mine.oldest - at) < timedelta(seconds=1)
    assert found[other.pk] == backlog.Waiting(number=0, more=False, oldest=None)
