"""Many rows in one statement: what is written is what the same rows saved one by one would be."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from deskpost.models import Comment, Membership, MessageId, Person, Request, Role, bulk
from tests.desk import Desk


def request(desk: Desk, number: int, reporter: Person) -> Request:
    now = timezone.now()
    return Request(
        project=desk.project,
        number=number,
        key=f"IT-{number}",
        summary=f'Müller\'s "{number}" % %s',
        reporter=reporter,
        created_at=now,
        updated_at=now,
    )


def test_rows_get_their_keys_in_order_and_refer_to_each_other(desk: Desk) -> None:
    requests = [request(desk, number, desk.agent) for number in range(1, 8)]
    comments = [
        Comment(
            request=one, author=desk.agent, source="web", text=one.key, created_at=timezone.now()
        )
        for one in requests
    ]
    bulk.insert(requests)
    bulk.insert(comments)
    for one in requests:
        saved = Request.objects.get(pk=one.pk)
        assert (saved.key, saved.summary, saved.created_at) == (
            one.key,
            one.summary,
            one.created_at,
        )
        assert Comment.objects.get(request=saved).text == one.key
    requests[0].summary = "changed"
    requests[0].save()  # an update, not a second row
    assert Request.objects.count() == 7


def test_more_rows_than_one_statement_can_hold(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MAX_PARAMETERS", 40)
    requests = [request(desk, number, desk.agent) for number in range(1, 12)]
    bulk.insert(requests)
    assert [Request.objects.get(key=one.key).pk for one in requests] == [one.pk for one in requests]


def test_what_is_there_already_is_passed_over_or_refused(desk: Desk) -> None:
    bulk.insert([request(desk, 1, desk.agent)])
    one = Request.objects.get()
    for _ in range(2):
        bulk.insert(
            [MessageId(project=desk.project, message_id="<a@x.test>", request=one)],
            ignore_conflicts=True,
        )
    assert MessageId.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([MessageId(project=desk.project, message_id="<a@x.test>", request=one)])


def test_defaults_and_creation_times_are_filled_in(desk: Desk) -> None:
    before = timezone.now()
    person = Person.objects.create_person("new@x.test")
    bulk.insert([Membership(project=desk.project, person=person, role=Role.CUSTOMER)])
    assert before <= Membership.objects.get(person=person).created_at <= timezone.now()
    bulk.insert([])
