"""What the site's limit has stopped goes out in one act: after the reset, once, within bounds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deskpost.models import (
    AuditEntry,
    Muted,
    Notification,
    Person,
    Project,
    QuotaPeriod,
    QuotaUse,
    Request,
    RequestType,
    SentAgain,
    partitions,
)
from deskpost.outbound import again, again_limit, quota, suppress
from deskpost.outbound.again_rules import Obstacle, Stale
from deskpost.outcomes import Kind
from tests.logs.rows import id_at

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = NOW.date()
DAY = TODAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def days_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DESKPOST, "LIMIT_ZONE", "UTC")
    monkeypatch.setitem(settings.DESKPOST, "LIMIT_RESET", time())
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 10_000)


@pytest.fixture
def by() -> Person:
    return Person.objects.create_person("root@desk.test")


def project(key: str = "IT") -> Project:
    partitions.ensure_ahead()
    found, _ = Project.objects.get_or_create(key=key, defaults={"name": key})
    return found


def person(n: int = 0) -> Person:
    email = f"c{n}@x.test"
    found = Person.objects.filter(email=email).first()
    return found or Person.objects.create_person(email)


def on(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def stopped(
    number: int = 1,
    *,
    day: date = DAY,
    key: str = "IT",
    made: datetime | None = None,
    **fields: Any,
) -> list[Notification]:
    """Notifications that the limit stopped on that day, each to a person of their own."""
    made = made or on(day)
    values: dict[str, Any] = {
        "kind": Kind.COMMENT_ADDED,
        "status": "failed",
        "reason": "limit_reached",
    } | fields
    persons = [person(n) for n in range(number)]
    notes = [
        Notification(
            id=id_at(made + timedelta(milliseconds=n)),
            project=project(key),
            person=one,
            address=one.email,
            address_key=one.email_key,
            created_at=made,
            settled_at=on(day, 13),
            **values,
        )
        for n, one in enumerate(persons)
    ]
    Notification.objects.bulk_create(notes)
    Notification.note_settled(notes)
    use, _ = QuotaUse.objects.get_or_create(day=day, project=project(key))
    use.stopped += number
    use.save()
    return notes


def request(n: int, **fields: Any) -> Request:
    kind, _ = RequestType.objects.get_or_create(project=project(), name="Help")
    return Request.objects.create(
        project=project(),
        number=n,
        key=f"IT-{n}",
        request_type=kind,
        reporter=person(),
        summary="Ink",
        created_at=on(DAY, 9),
        updated_at=on(DAY, 9),
        **fields,
    )


# --- Which days ---


def test_the_days_that_are_over_are_offered_each_with_what_is_left(by: Person) -> None:
    first, *_ = stopped(3)
    stopped(2, day=DAY - timedelta(days=3))
    stopped(4, key="HR")
    again.send([first], by)
    it = again_limit.what(project())
    assert [(one.day, one.stopped, one.left) for one in it] == [
        (DAY, 3, 2),
        (DAY - timedelta(days=3), 2, 2),
    ]
    assert [(one.day, one.stopped, one.left) for one in again_limit.what(None)] == [
        (DAY, 7, 6),
        (DAY - timedelta(days=3), 2, 2),
    ]


def test_today_and_what_is_no_longer_kept_are_not_offered() -> None:
    stopped(1, day=TODAY)
    QuotaUse.objects.create(day=TODAY - timedelta(days=40), project=project(), stopped=3)
    assert again_limit.what(project()) == []


def test_what_had_waited_for_long_before_the_limit_stopped_it_is_found(by: Person) -> None:
    stopped(1, made=on(DAY - timedelta(days=9)))
    stopped(1)
    assert [one.left for one in again_limit.what(project())] == [2]
    assert again_limit.send(project(), DAY, by).sent == 2


def test_a_notification_is_of_the_day_whose_limit_stopped_it_not_of_the_one_it_was_made_on(
    by: Person,
) -> None:
    stopped(1, day=TODAY, made=on(DAY))
    stopped(1)
    stopped(1, day=DAY - timedelta(days=1))
    assert [(one.day, one.left) for one in again_limit.what(project())] == [
        (DAY, 1),
        (DAY - timedelta(days=1), 1),
    ]
    assert again_limit.send(project(), DAY, by).sent == 1


def test_other_failures_of_the_day_are_not_counted() -> None:
    stopped(1)
    stopped(1, reason="unknown_error")
    assert [one.left for one in again_limit.what(project())] == [1]


# --- The act ---


def test_a_day_is_sent_again_in_one_act_and_once(by: Person) -> None:
    notes = stopped(3)
    other = stopped(1, day=DAY - timedelta(days=1))
    done = again_limit.send(project(), DAY, by)
    assert (done.sent, dict(done.left_out), done.remain) == (3, {}, 0)
    made = Notification.objects.filter(again_of__isnull=False)
    assert {note.again_of for note in made} == {note.pk for note in notes}
    assert {(note.status, note.quota_day) for note in made} == {("queued", None)}
    assert again_limit.send(project(), DAY, by).sent == 0
    assert [one.day for one in again_limit.what(project())] == [DAY - timedelta(days=1)]
    assert not SentAgain.objects.filter(original=other[0].pk).exists()


def test_a_project_sends_its_own_only_and_the_site_all(by: Person) -> None:
    stopped(2)
    stopped(3, key="HR")
    assert again_limit.send(project("HR"), DAY, by).sent == 3
    assert again_limit.send(None, DAY, by).sent == 2


def test_nothing_is_sent_again_before_the_reset_of_the_day(by: Person) -> None:
    stopped(1, day=TODAY)
    with pytest.raises(again_limit.TooEarly):
        again_limit.plan(project(), TODAY)
    with pytest.raises(again_limit.TooEarly):
        again_limit.send(project(), TODAY, by)
    assert not SentAgain.objects.exists()
    assert not AuditEntry.objects.exists()


def test_those_with_an_obstacle_are_left_out_and_it_is_said_why(by: Person) -> None:
    stopped(5)
    Person.objects.filter(pk=person(0).pk).update(unsubscribed_at=NOW)
    Person.objects.filter(pk=person(1).pk).update(address_private=True)
    suppress.block(person(2).email, "hard_bounce", {})
    muted = request(9)
    Notification.objects.filter(person=person(3)).update(request=muted, request_key="IT-9")
    Notification.note_settled(list(Notification.objects.filter(person=person(3))))
    Muted.objects.create(request=muted, person=person(3), at=NOW)
    done = again_limit.send(project(), DAY, by)
    assert done.sent == 1
    assert done.left_out == {
        Obstacle.UNSUBSCRIBED: 1,
        Obstacle.PRIVATE: 1,
        Obstacle.BLOCKED: 1,
        Obstacle.MUTED: 1,
    }


def test_what_is_stale_is_left_out_unless_it_is_asked_for(by: Person) -> None:
    stopped(1, request=request(1, resolved_at=NOW), request_key="IT-1")
    stopped(1, request=request(2), request_key="IT-2")
    stopped(1, day=TODAY, request_key="IT-2", status="delivered", reason="")
    stopped(1, kind=Kind.STATUS_CHANGED, request=request(3), request_key="IT-3")
    planned = again_limit.plan(project(), DAY)
    assert planned.left_out == {Stale.RESOLVED: 1, Stale.LATER: 1}
    assert planned.kinds == {Kind.STATUS_CHANGED: 1}
    assert not SentAgain.objects.exists()
    done = again_limit.send(project(), DAY, by)
    assert (done.sent, done.left_out) == (1, planned.left_out)
    assert again_limit.send(project(), DAY, by, stale=True).sent == 2


def test_another_projects_delivery_makes_nothing_stale(by: Person) -> None:
    """Invitations have no request whose key would tell the projects apart."""
    stopped(1, kind=Kind.CUSTOMER_INVITED)
    stopped(1, day=TODAY, key="HR", kind=Kind.CUSTOMER_INVITED, status="delivered", reason="")
    stopped(1, key="HR", kind=Kind.CUSTOMER_INVITED)
    done = again_limit.send(None, DAY, by)
    assert (done.sent, done.left_out) == (1, {Stale.LATER: 1})


def test_an_act_is_bounded_and_says_what_remains(
    by: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again_limit, "MOST", 5)
    monkeypatch.setattr(again_limit, "CHUNK", 2)
    stopped(7)
    Person.objects.filter(pk=person(0).pk).update(unsubscribed_at=NOW)
    first = again_limit.send(project(), DAY, by)
    assert (first.sent, first.left_out.total(), first.remain) == (5, 1, 1)
    second = again_limit.send(project(), DAY, by, after=first.last)
    assert (second.sent, second.left_out.total(), second.remain) == (1, 0, 0)


def test_an_act_that_has_looked_at_its_most_goes_on_in_the_next(
    by: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again_limit, "LOOKED_AT", 3)
    monkeypatch.setattr(again_limit, "CHUNK", 3)
    stopped(4)
    Person.objects.exclude(pk__in=[by.pk, person(3).pk]).update(unsubscribed_at=NOW)
    first = again_limit.send(project(), DAY, by)
    assert (first.sent, first.remain) == (0, 1)
    assert again_limit.send(project(), DAY, by, after=first.last).sent == 1


def test_no_more_go_than_todays_limit_has_places_for(
    by: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 10)
    QuotaPeriod.objects.create(day=quota.day_of(timezone.now()), sent=7)
    stopped(5)
    first = again_limit.send(project(), DAY, by)
    assert (first.sent, first.remain) == (3, 2)
    assert again_limit.send(project(), DAY, by).sent == 0, "those that wait have their places"


def test_five_hundred_take_a_few_queries_each_chunk(by: Person) -> None:
    stopped(500)
    with CaptureQueriesContext(connection) as queries:
        assert again_limit.send(project(), DAY, by).sent == 500
    assert len(queries) <= 50
    assert Notification.objects.filter(again_of__isnull=False).count() == 500


# --- What is written down ---


def test_the_act_is_written_down_beside_each_notification(by: Person) -> None:
    stopped(2)
    again_limit.send(project(), DAY, by)
    entries = AuditEntry.objects.filter(act="send_again", person=by, project=project())
    assert entries.count() == 3
    act = entries.get(subject=f"limit {DAY.isoformat()}")
    assert act.details == {"sent": 2, "left_out": {}, "remain": 0}


def test_a_day_is_dealt_with_once_all_that_could_go_has_gone(
    by: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again_limit, "MOST", 1)
    stopped(2)
    stopped(1, key="HR")
    days = [DAY]
    again_limit.send(project(), DAY, by)
    assert again_limit.dealt_with(project(), days) == set()
    again_limit.send(project(), DAY, by)
    assert again_limit.dealt_with(project(), days) == {DAY}
    assert again_limit.dealt_with(project("HR"), days) == set()
    again_limit.send(None, DAY, by)
    assert again_limit.dealt_with(project("HR"), days) == {DAY}
