"""The queries of the log: filters, pages, counts, and how many queries they take."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from deskpost.logs import queries
from deskpost.logs.queries import IncomingFilter, NotificationFilter
from deskpost.models import Project
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus, Outcome, Reason
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


def test_failures_are_asked_for_by_default_newest_first(scene: Scene) -> None:
    old = rows.note(scene.project, scene.customer, at=rows.ago(days=2))
    new = rows.note(scene.project, scene.customer, at=rows.ago(days=1))
    rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    found = queries.notifications(scene.project, NotificationFilter())
    assert [note.pk for note in found.rows] == [new.pk, old.pk]
    assert str(found.counts["failed"]) == "2"
    assert str(found.counts["delivered"]) == "1"
    assert found.all.value == 3


def test_invitations_have_a_list_of_their_own(scene: Scene) -> None:
    rows.note(scene.project, scene.customer)
    invited = rows.note(scene.project, scene.customer, kind=Kind.CUSTOMER_INVITED)
    found = queries.notifications(scene.project, NotificationFilter(kinds=queries.INVITATIONS))
    assert [note.pk for note in found.rows] == [invited.pk]


def test_pages_follow_each_other_without_gap_or_overlap(scene: Scene) -> None:
    made = [rows.note(scene.project, scene.customer, at=rows.ago(minutes=n)) for n in range(120)]
    seen: list[uuid.UUID] = []
    before = None
    while True:
        page = queries.notifications(scene.project, NotificationFilter(), before)
        seen += [note.pk for note in page.rows]
        before = page.before
        if before is None:
            break
    assert seen == [note.pk for note in made]


def test_counts_are_exact_up_to_a_thousand(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNTED", 3)
    for _ in range(4):
        rows.note(scene.project, scene.customer)
    assert queries.failed_in(scene.project) == queries.Count(value=3, more=True)
    assert str(queries.Count(value=1000, more=True)) == "1,000+"


def test_other_projects_are_never_shown(scene: Scene) -> None:
    other = Project.objects.create(key="HR", name="People")
    theirs = rows.note(other, scene.customer)
    assert not queries.notifications(scene.project, NotificationFilter()).rows
    assert queries.notification(scene.project, theirs.pk) is None


@pytest.mark.parametrize("log_delivered", [True, False])
def test_delivered_ones_have_no_place_where_the_site_says_so(
    scene: Scene, settings: Any, log_delivered: bool
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": log_delivered}
    note = rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    found = queries.notifications(scene.project, NotificationFilter(status=None))
    assert bool(found.rows) is log_delivered
    assert ("delivered" in found.counts) is log_delivered
    assert (queries.notification(scene.project, note.pk) is not None) is log_delivered


@pytest.mark.parametrize(
    ("q", "found"),
    [("bob", True), ("PRINTER", True), ("IT-7", True), ("it-7", True), ("bob printer", True),
     ("bob scanner", False), ("IT-70", False), ("100%", False), ("_", False)],
)  # fmt: skip
def test_search_in_notifications(scene: Scene, q: str, found: bool) -> None:
    rows.note(
        scene.project,
        scene.customer,
        address="bob@x.test",
        subject="IT-7 Printer",
        request_key="IT-7",
    )
    result = queries.notifications(scene.project, NotificationFilter(q=q))
    assert bool(result.rows) is found


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (IncomingFilter(sender="ann@x.test"), True),
        (IncomingFilter(sender="ANN@X.test"), True),
        (IncomingFilter(sender="ann"), True),
        (IncomingFilter(sender="Osei"), True),
        (IncomingFilter(sender="bob@x.test"), False),
        (IncomingFilter(subject="print"), True),
        (IncomingFilter(subject="scan"), False),
        (IncomingFilter(key="it-7"), True),
        (IncomingFilter(key="IT-70"), False),
        (IncomingFilter(status=IncomingStatus.SUCCESS), True),
        (IncomingFilter(status=IncomingStatus.FAILED), False),
        (IncomingFilter(q="ann printer IT-7"), True),
        (IncomingFilter(q="ann scanner"), False),
        (IncomingFilter(since=rows.ago(days=2).date()), True),
        (IncomingFilter(since=rows.ago(days=-2).date()), False),
        (IncomingFilter(until=rows.ago(days=2).date()), False),
        (IncomingFilter(until=rows.ago(days=-2).date()), True),
    ],
)
def test_filters_of_incoming_messages(scene: Scene, which: IncomingFilter, found: bool) -> None:
    rows.mail(scene.channel, sender_name="Ann Osei", request_key="IT-7")
    assert bool(queries.incoming(scene.channel, which).rows) is found


def test_the_days_of_a_filter_are_the_reader_s(scene: Scene) -> None:
    at = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # the 24th in Tokyo
    rows.mail(scene.channel, at=at)
    day = (at + timedelta(days=1)).date()
    which = IncomingFilter(since=day, until=day)
    assert not queries.incoming(scene.channel, which).rows
    with timezone.override("Asia/Tokyo"):
        assert queries.incoming(scene.channel, which).rows


def test_a_message_that_nothing_has_read_is_found_by_its_envelope(scene: Scene) -> None:
    rows.mail(scene.channel, None)
    for which in (IncomingFilter(sender="ann@x.test"), IncomingFilter(q="ann@x")):
        assert queries.incoming(scene.channel, which).rows


def test_entries_beside_an_open_one(scene: Scene) -> None:
    first, second, third = (
        rows.mail(scene.channel, Outcome.BULK, at=rows.ago(minutes=n)) for n in (3, 2, 1)
    )
    rows.mail(scene.channel, Outcome.DUPLICATE, at=rows.ago(seconds=90))
    assert queries.beside_incoming(scene.channel, IncomingFilter(), third.pk).newer is None
    failed = IncomingFilter(status=IncomingStatus.FAILED)
    assert queries.beside_incoming(scene.channel, failed, second.pk) == queries.Beside(
        newer=None, older=None
    )
    assert queries.beside_incoming(scene.channel, IncomingFilter(), second.pk).older == first.pk


def test_a_chart_of_too_many_rows_is_left_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHARTED", 1)
    rows.mail(scene.channel)
    assert queries.incoming_days(scene.channel) is not None
    rows.mail(scene.channel)
    assert queries.incoming_days(scene.channel) is None


def test_a_page_takes_as_many_queries_for_fifty_rows_as_for_one(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(60):
        rows.note(scene.project, scene.customer, Reason.UNSUBSCRIBED, at=rows.ago(minutes=n))
    with django_assert_num_queries(1 + len(NotificationStatus)):
        for note in queries.notifications(scene.project, NotificationFilter()).rows:
            assert note.address and note.kind and note.reason and note.status
