"""What the pages of the log ask beside their searches: rows by id, single rows, bounded counts."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from deskpost.logs import queries
from deskpost.models import InboundEmail, Project, new_id
from deskpost.outcomes import NotificationStatus, Reason
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene


@pytest.fixture
def scene(db: None) -> Scene:
    return scenes.make()


def test_rows_come_in_the_order_of_their_ids_and_what_is_gone_is_left_out(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    notes = [rows.note(scene.project, scene.customer, Reason.UNSUBSCRIBED) for _ in range(3)]
    mail = [rows.mail(scene.channel) for _ in range(3)]
    wanted = [notes[2].pk, new_id(), notes[0].pk]
    with django_assert_num_queries(1):
        found = queries.notification_rows(wanted)
        assert [note.pk for note in found] == [notes[2].pk, notes[0].pk]
        assert all(n.address and n.kind and n.reason and n.status and n.created_at for n in found)
    with django_assert_num_queries(1):
        read = queries.incoming_rows([mail[1].pk, mail[0].pk])
        assert [row.pk for row in read] == [mail[1].pk, mail[0].pk]
        assert all(row.sender and row.subject and row.status and row.raw_key for row in read)
    with django_assert_num_queries(0):
        assert queries.incoming_rows([]) == []


def test_counts_are_exact_up_to_a_thousand(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNTED", 3)
    for _ in range(4):
        rows.note(scene.project, scene.customer)
    assert queries.failed_in(scene.project) == queries.Count(value=3, more=True)
    assert str(queries.Count(value=1000, more=True)) == "1,000+"
    sums = [queries.Count(value=3, more=True), queries.Count(value=2)]
    assert queries.sum_of(sums) == queries.Count(value=3, more=True)
    assert queries.sum_of(sums[1:]) == queries.Count(value=2)


def test_an_entry_of_another_project_is_none(scene: Scene) -> None:
    other = Project.objects.create(key="HR", name="People")
    theirs, mail = rows.note(other, scene.customer), rows.mail(scene.channel)
    assert queries.notification(scene.project, theirs.pk) is None
    assert queries.notification(other, theirs.pk) == theirs
    assert queries.incoming_email(other, mail.pk) is None
    assert queries.incoming_email(scene.project, mail.pk) == mail


@pytest.mark.parametrize("log_delivered", [True, False])
def test_delivered_ones_have_no_place_where_the_site_says_so(
    scene: Scene, settings: Any, log_delivered: bool
) -> None:
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": log_delivered}
    note = rows.note(scene.project, scene.customer, status=NotificationStatus.DELIVERED)
    assert (queries.notification(scene.project, note.pk) is not None) is log_delivered


def test_pages_by_id_follow_each_other(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    made = [rows.mail(scene.channel, at=rows.ago(minutes=n)).pk for n in range(5)]
    seen, before = [], None
    while True:
        page, before = queries.page_of(InboundEmail.objects.all(), before)
        seen += [row.pk for row in page]
        if before is None:
            break
    assert seen == made
