"""The connectivity log: its pages and filters, its days, how a channel does, and its retention."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deskpost.logs import connection, queries, retention, uptime
from deskpost.logs.connection import ConnectionFilter
from deskpost.logs.uptime import Cell, Mark, Span
from deskpost.models import Channel, ConnectionEvent, Mailbox, Project
from deskpost.problems import ConnectionState, Notice, Problem
from tests.logs.connections import custom, event
from tests.logs.rows import ago
from tests.web import scene as scenes

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def project(db: None) -> Project:
    return scenes.make().project


@pytest.fixture
def mailbox(project: Project) -> Mailbox:
    return custom(project)


# --- The log -------------------------------------------------------------------------------------


def test_pages_go_by_id_with_the_newest_first(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    made = [
        event(mailbox, ConnectionState.RETRYING, Problem.DROPPED, ago(hours=n)) for n in range(3)
    ]
    first = connection.events(mailbox.channel, ConnectionFilter())
    assert [row.pk for row in first.rows] == [made[0].pk, made[1].pk]
    second = connection.events(mailbox.channel, ConnectionFilter(), first.before)
    assert [row.pk for row in second.rows] == [made[2].pk]
    assert second.before is None
    assert str(second.all) == "3"


def test_each_channel_has_its_own_log(project: Project, mailbox: Mailbox) -> None:
    other = custom(project, "other@harbour.test")
    event(other, ConnectionState.RETRYING, Problem.DROPPED, ago(hours=1))
    assert not connection.events(mailbox.channel, ConnectionFilter()).rows
    assert not connection.has_events(mailbox.channel)
    assert connection.has_events(other.channel)


def test_a_status_is_filtered_and_all_are_counted(mailbox: Mailbox) -> None:
    event(mailbox, ConnectionState.CONNECTED, Notice.CONNECTED, ago(hours=2))
    down = event(mailbox, ConnectionState.ATTENTION, Problem.SIGN_IN_REFUSED, ago(hours=1))
    which = ConnectionFilter(status=ConnectionState.ATTENTION)
    found = connection.events(mailbox.channel, which)
    assert [row.pk for row in found.rows] == [down.pk]
    assert {status: found.counts[status].value for status in found.counts} == {
        "new": 0,
        "connected": 1,
        "retrying": 0,
        "attention": 1,
        "paused": 0,
    }


def test_days_are_the_readers_and_a_repeated_failure_belongs_to_each_of_its_days(
    mailbox: Mailbox,
) -> None:
    at = datetime.combine(timezone.now().date() - 3 * DAY, datetime.min.time(), UTC)
    # Half past two in Tokyo is still the day before in UTC.
    early = at - timedelta(hours=6, minutes=30)
    row = event(
        mailbox, ConnectionState.RETRYING, Problem.DROPPED, early, count=3, last_at=at + 2 * DAY
    )
    with timezone.override("Asia/Tokyo"):
        days = [at.date() + n * DAY for n in range(-2, 4)]
        found = [
            bool(connection.events(mailbox.channel, ConnectionFilter(since=day, until=day)).rows)
            for day in days
        ]
    assert found == [False, False, True, True, True, False]
    assert row.count == 3


# --- The strip -----------------------------------------------------------------------------------


def midnights(first: date, count: int, zone: str = "UTC") -> list[datetime]:
    return [
        datetime.combine(first + n * DAY, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
        for n in range(count + 1)
    ]


def at(day: int, hour: float = 0) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour)


def cells(marks: list[Mark], now: datetime = NOW, zone: str = "UTC") -> str:
    begins = midnights(date(2026, 11, 20), 5, zone)
    found = uptime.cells(uptime.spans(marks, now), begins)
    return "".join({"fine": "F", "partly": "p", "down": "D", "none": "-"}[cell] for cell in found)


@pytest.mark.parametrize(
    ("marks", "drawn"),
    [
        ([], "-----"),
        ([Mark(at(1), True)], "FFFFF"),
        ([Mark(at(22, 9), True)], "--FFF"),
        ([Mark(at(1), True), Mark(at(21, 9), False)], "FpDDD"),
        ([Mark(at(1), True), Mark(at(21, 9), False), Mark(at(21, 10), True)], "FpFFF"),
        ([Mark(at(1), True), Mark(at(21, 9), False), Mark(at(23, 1), True)], "FpDpF"),
        ([Mark(at(1), True), Mark(at(21), False), Mark(at(22), True)], "FDFFF"),
        ([Mark(at(1), True), Mark(at(21), None), Mark(at(23), True)], "F--FF"),
        # What is in the future (a clock that was wrong) is not known.
        ([Mark(at(1), True), Mark(at(30), False)], "FFFFF"),
    ],
)
def test_a_cell_says_how_its_day_was(marks: list[Mark], drawn: str) -> None:
    assert cells(marks) == drawn


def test_a_break_of_seconds_makes_no_day_partly_down() -> None:
    down = [Mark(at(1), True), Mark(at(21, 9), False)]
    assert cells([*down, Mark(at(21, 9) + timedelta(seconds=40), True)]) == "FFFFF"
    assert cells([*down, Mark(at(21, 9) + timedelta(seconds=60), True)]) == "FpFFF"


def test_days_begin_where_the_reader_is() -> None:
    marks = [Mark(at(1), True), Mark(at(21, 16), False), Mark(at(21, 18), True)]
    assert cells(marks) == "FpFFF"
    assert cells(marks, zone="Asia/Tokyo") == "FFpFF"


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    begins = midnights(date(2026, 10, 25), 1, "Europe/Lisbon")
    assert begins[1] - begins[0] == timedelta(hours=25)
    span = Span(begins[0], begins[1], False)
    assert uptime.cells([span], begins) == (Cell.DOWN,)


def test_the_share_is_of_the_time_that_is_known() -> None:
    marks = [Mark(at(20), True), Mark(at(21), False), Mark(at(22), None)]
    assert uptime.share(uptime.spans(marks, NOW), at(1), NOW) == 0.5
    assert uptime.share((), at(1), NOW) is None


def drawn(mailbox: Mailbox) -> str:
    days = connection.uptime_of(mailbox).days
    return "".join({"fine": "F", "partly": "p", "down": "D", "none": "-"}[c] for _, c in days)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is noon, so that an hour ago is today."""
    now = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


def settle(mailbox: Mailbox, **fields: Any) -> Mailbox:
    Mailbox.objects.filter(pk=mailbox.pk).update(**fields)
    return Mailbox.objects.get(pk=mailbox.pk)


def test_a_channel_of_which_nothing_was_ever_told_but_that_it_works_is_fine(
    mailbox: Mailbox, noon: datetime
) -> None:
    found = settle(mailbox, state=ConnectionState.CONNECTED, begun_at=noon - 50 * DAY)
    assert drawn(found) == "F" * 21
    assert drawn(settle(mailbox, begun_at=noon - 2 * DAY)) == "-" * 18 + "FFF"


@pytest.mark.parametrize("state", [ConnectionState.NEW, ConnectionState.PAUSED])
def test_where_nobody_tries_nothing_is_known(
    mailbox: Mailbox, noon: datetime, state: ConnectionState
) -> None:
    assert drawn(settle(mailbox, state=state, begun_at=noon - 50 * DAY)) == "-" * 21


def test_what_fails_is_down_until_now(mailbox: Mailbox, noon: datetime) -> None:
    down = noon - 3 * DAY
    event(mailbox, ConnectionState.RETRYING, Problem.DROPPED, down, count=9, last_at=noon)
    found = settle(
        mailbox, state=ConnectionState.RETRYING, begun_at=noon - 50 * DAY, down_since=down
    )
    assert drawn(found) == "F" * 17 + "pDDD"


def test_a_failure_older_than_the_log_is_known_from_the_mailbox(
    mailbox: Mailbox, noon: datetime
) -> None:
    event(mailbox, ConnectionState.ATTENTION, Problem.SIGN_IN_REFUSED, noon - DAY)
    found = settle(
        mailbox,
        state=ConnectionState.ATTENTION,
        begun_at=noon - 90 * DAY,
        down_since=noon - 60 * DAY,
    )
    assert drawn(found) == "D" * 21


def test_the_first_row_tells_how_long_it_was_down_before(mailbox: Mailbox, noon: datetime) -> None:
    event(
        mailbox,
        ConnectionState.CONNECTED,
        Notice.CONNECTED_AGAIN,
        noon - DAY,
        facts={"down_seconds": 2 * 86_400},
    )
    found = settle(mailbox, state=ConnectionState.CONNECTED, begun_at=noon - 90 * DAY)
    assert drawn(found) == "F" * 17 + "pDpF"


def test_a_pause_is_no_failure(mailbox: Mailbox, noon: datetime) -> None:
    event(mailbox, ConnectionState.PAUSED, Notice.PAUSED, noon - 3 * DAY)
    event(mailbox, ConnectionState.RETRYING, Notice.RESUMED, noon - DAY)
    event(
        mailbox,
        ConnectionState.CONNECTED,
        Notice.CONNECTED_AGAIN,
        noon - DAY + timedelta(seconds=5),
        facts={"down_seconds": 2 * 86_400},
    )
    found = settle(mailbox, state=ConnectionState.CONNECTED, begun_at=noon - 90 * DAY)
    assert drawn(found) == "F" * 18 + "-FF"


def test_odd_facts_and_states_draw_no_less(mailbox: Mailbox, noon: datetime) -> None:
    event(mailbox, "quantum", "odd", noon - 2 * DAY)
    event(
        mailbox,
        ConnectionState.CONNECTED,
        Notice.CONNECTED_AGAIN,
        noon - DAY,
        facts={"down_seconds": "long"},
    )
    assert len(drawn(settle(mailbox, begun_at=None))) == 21


def test_the_strip_has_no_more_days_than_are_kept(
    mailbox: Mailbox, settings: Any, noon: datetime
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "RETENTION_DAYS": 5}
    found = settle(mailbox, state=ConnectionState.CONNECTED, begun_at=noon - 50 * DAY)
    assert drawn(found) == "F" * 5


def test_of_too_many_rows_the_newest_are_drawn(
    mailbox: Mailbox, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STRIP_ROWS", 2)
    for days in (9, 2, 1):
        event(mailbox, ConnectionState.CONNECTED, Notice.SETTINGS_CHANGED, noon - days * DAY)
    found = settle(mailbox, state=ConnectionState.CONNECTED, begun_at=noon - 50 * DAY)
    assert drawn(found) == "-" * 18 + "FFF"


# --- Channels ------------------------------------------------------------------------------------


def test_listing_channels_reads_no_secret(project: Project) -> None:
    Mailbox.objects.filter(pk=custom(project).pk).update(password="hunter2")
    with CaptureQueriesContext(database) as found:
        queries.channels(project)
    for name in ("password", "access_token", "refresh_token"):
        assert not any(name in query["sql"] for query in found.captured_queries)


def test_only_a_custom_channel_with_a_mailbox_has_a_connectivity_log(project: Project) -> None:
    (on_demand,) = queries.channels(project)
    assert connection.mailbox_of(on_demand) is None
    on_demand.kind = Channel.Kind.CUSTOM
    assert connection.mailbox_of(on_demand) is None
    assert connection.mailbox_of(custom(project).channel) is not None


# --- Retention -----------------------------------------------------------------------------------


def test_rows_past_their_days_go_and_a_failure_that_still_repeats_stays(mailbox: Mailbox) -> None:
    long_ago = ago(days=23)
    event(mailbox, ConnectionState.CONNECTED, Notice.CONNECTED, long_ago)
    lasting = event(
        mailbox, ConnectionState.ATTENTION, Problem.DROPPED, long_ago, count=500, last_at=ago()
    )
    kept = event(mailbox, ConnectionState.PAUSED, Notice.PAUSED, ago(days=20))
    retention.prune()
    assert set(ConnectionEvent.objects.values_list("pk", flat=True)) == {lasting.pk, kept.pk}
