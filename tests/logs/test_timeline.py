"""Did they get it? Everything of one address, or of one request, the newest first."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deskpost.logs import timeline, timeline_recent
from deskpost.logs.timeline_ids import Asked
from deskpost.models import (
    Attempt,
    Channel,
    Event,
    InboundEmail,
    Notification,
    Person,
    Project,
    SentAgain,
    bulk,
    first_id,
    new_id,
)
from deskpost.outcomes import Kind, Outcome, Withheld
from tests.logs import rows
from tests.web import scene as scenes
from tests.web.scene import Scene

pytestmark = pytest.mark.django_db
ANN = "ann@x.test"


@pytest.fixture
def scene() -> Scene:
    return scenes.make()


@pytest.fixture
def ann(scene: Scene) -> Person:
    return scenes.add_customer(scene.project, ANN, "Ann")


def about(*projects: Project, **how: Any) -> Asked:
    return Asked(projects=tuple(one.pk for one in projects), **how)


def happened(scene: Scene, kind: Kind = Kind.COMMENT_ADDED, **fields: Any) -> Event:
    fields.setdefault("id", rows.id_at(fields.pop("at", rows.ago(minutes=1))))
    return Event.objects.create(project=scene.project, kind=kind, actor=scene.agent, **fields)


def read(asked: Asked) -> list[timeline.Moment]:
    """Read all pages, a few rows at a time."""
    moments: list[timeline.Moment] = []
    before = None
    while True:
        page = timeline.page(asked, before, limit=4)
        moments += page.moments
        if page.before is None:
            return moments
        before = page.before


# --- What happened, and for whom -----------------------------------------------------------------


def test_an_event_has_a_line_for_each_person_who_was_told_or_not_and_why(scene: Scene) -> None:
    event = happened(scene)
    people = {name: scenes.add_customer(scene.project, f"{name}@x.test", name) for name in "abcd"}
    waits = timezone.now() + timedelta(minutes=20)
    rows.note(scene.project, people["a"], status="delivered", event=event.pk)
    rows.note(scene.project, people["b"], Withheld.OWN_ACTION, status="withheld", event=event.pk)
    rows.note(scene.project, people["c"], event=event.pk)
    rows.note(scene.project, people["d"], status="queued", event=event.pk, due_at=waits)
    (moment,) = read(about(scene.project, request_key="IT-1"))
    assert moment.title == "Comment added by The agent"
    said = {line.name: line.said for line in moment.lines}
    assert said["a"].startswith("Sent ")
    assert said["b"] == "Not mailed: Own action"
    assert said["c"] == "Failed: Suppression list"
    assert said["d"].startswith("Queued, next try ")
    assert moment.lines[0].name == "c", "who did not get it stands first"


def test_an_arrival_that_was_confirmed_is_said_with_its_time(scene: Scene, ann: Person) -> None:
    at = rows.ago(minutes=5)
    rows.note(scene.project, ann, status="delivered", arrived_at=at, at=at)
    (moment,) = read(about(scene.project, email=ANN))
    assert moment.lines[0].said == f"Delivered {timezone.localtime(at):%H:%M}"


def test_attempts_are_counted(scene: Scene, ann: Person) -> None:
    note = rows.note(scene.project, ann, at=rows.ago(hours=1))
    for minutes in (50, 40, 30):
        at = rows.ago(minutes=minutes)
        Attempt.objects.create(id=rows.id_at(at), notification=note, started_at=at, ended_at=at)
    (moment,) = read(about(scene.project, email=ANN))
    assert moment.lines[0].tries == 3


def test_an_incoming_message_says_what_became_of_it(scene: Scene) -> None:
    request = scene.request()
    mail = rows.mail(scene.channel, Outcome.COMMENT_ADDED, request_key=request.key)
    comment = request.comments.create(
        author=scene.customer, source="email", text="x", incoming=mail.pk, created_at=timezone.now()
    )
    rows.mail(scene.channel, Outcome.AUTO_REPLY, request_key=request.key, at=rows.ago(minutes=9))
    newest, older = read(about(scene.project, request_key=request.key))
    assert (newest.became, newest.comment) == ("Comment added", comment.pk)
    assert (older.became, older.comment) == ("Skipped: Auto-reply mail", None)


def test_what_was_sent_again_stands_apart_with_who_did_it(scene: Scene, ann: Person) -> None:
    event = happened(scene)
    first = rows.note(scene.project, ann, event=event.pk, at=rows.ago(hours=2))
    second = rows.note(scene.project, ann, status="delivered", event=event.pk, again_of=first.pk)
    SentAgain.objects.create(
        original=first.pk, notification=second.pk, by=scene.admin, at=timezone.now()
    )
    again, original = read(about(scene.project, email=ANN))
    assert again.title == "Comment added by The agent: sent again by The admin"
    assert original.title == "Comment added by The agent"


def test_the_message_that_caused_an_event_is_named_while_it_is_kept(
    scene: Scene, ann: Person
) -> None:
    mail = rows.mail(scene.channel, Outcome.COMMENT_ADDED, sender_key="bob@x.test")
    for cause in (mail.pk, new_id()):
        rows.note(scene.project, ann, event=happened(scene, incoming=cause).pk)
    causes = {moment.cause for moment in read(about(scene.project, email=ANN))}
    assert causes == {mail.pk, None}


def test_an_event_that_is_gone_leaves_its_lines(scene: Scene, ann: Person) -> None:
    rows.note(scene.project, ann, event=new_id())
    rows.note(scene.project, ann, event=None)
    assert {moment.title for moment in read(about(scene.project, email=ANN))} == {"Comment added"}


# --- Whose ---------------------------------------------------------------------------------------


def test_an_address_is_found_however_it_is_written_in_the_projects_asked_and_no_other(
    scene: Scene, ann: Person
) -> None:
    other = Project.objects.create(key="HR", name="People")
    ours = rows.note(scene.project, ann)
    theirs = rows.note(other, ann)
    rows.note(scene.project, scene.customer)
    wanted = about(scene.project, email=" ANN@X.TEST")
    assert {line.note.pk for moment in read(wanted) for line in moment.lines} == {ours.pk}
    both = read(about(scene.project, other, email=ANN))
    assert {moment.lines[0].note.pk for moment in both} == {ours.pk, theirs.pk}
    assert read(about(email=ANN)) == []


def test_a_message_that_nothing_has_read_yet_is_found_by_its_envelope(scene: Scene) -> None:
    waiting = rows.mail(scene.channel, None, envelope_from="Ann@X.test")
    rows.mail(scene.channel, None, envelope_from="bob@x.test")
    large = rows.mail(scene.channel, Outcome.TOO_LARGE, envelope_from=ANN, sender="", sender_key="")
    found = read(about(scene.project, email=ANN))
    assert {moment.mail.pk for moment in found if moment.mail} == {waiting.pk, large.pk}


def test_directions_and_days_narrow_it(scene: Scene, ann: Person) -> None:
    old, new = rows.ago(days=5), rows.ago(hours=1)
    for at in (old, new):
        rows.note(scene.project, ann, at=at)
        rows.mail(scene.channel, at=at)
    between = rows.ago(days=2)
    cases: list[tuple[dict[str, Any], int, int]] = [
        ({}, 2, 2),
        ({"incoming": False}, 0, 2),
        ({"outgoing": False}, 2, 0),
        ({"since": between}, 1, 1),
        ({"until": between}, 1, 1),
        ({"since": between, "until": between}, 0, 0),
    ]
    for how, incoming, outgoing in cases:
        found = read(about(scene.project, email=ANN, **how))
        counts = sum(m.mail is not None for m in found), sum(m.mail is None for m in found)
        assert counts == (incoming, outgoing), how


def test_delivered_ones_have_no_place_where_the_site_says_so(
    scene: Scene, ann: Person, settings: Any
) -> None:
    rows.note(scene.project, ann, status="delivered")
    failed = rows.note(scene.project, ann)
    settings.DESKPOST = settings.DESKPOST | {"LOG_DELIVERED": False}
    found = read(about(scene.project, email=ANN))
    assert [moment.lines[0].note.pk for moment in found] == [failed.pk]


# --- Pages ---------------------------------------------------------------------------------------


def test_the_pages_hold_each_row_once_the_newest_first(scene: Scene, ann: Person) -> None:
    made = set()
    for n in range(30):
        at = rows.ago(minutes=n)
        made.add(rows.note(scene.project, ann, at=at, event=new_id()).pk)
        made.add(rows.mail(scene.channel, at=at).pk)
    found = read(about(scene.project, email=ANN))
    seen = [m.mail.pk if m.mail else m.lines[0].note.pk for m in found]
    assert sorted(seen, reverse=True) == seen
    assert len(seen) == len(made)
    assert set(seen) == made


def test_no_event_is_cut_in_two(scene: Scene) -> None:
    people = [scenes.add_customer(scene.project, f"p{n}@x.test") for n in range(3)]
    for hour in (1, 2, 3):
        event = happened(scene, at=rows.ago(hours=hour))
        for person in people:
            rows.note(scene.project, person, event=event.pk, at=rows.ago(hours=hour))
    found = read(about(scene.project, request_key="IT-1"))
    assert [len(moment.lines) for moment in found] == [3, 3, 3]


def test_save_one_that_is_larger_than_a_page_and_says_so(scene: Scene) -> None:
    event = happened(scene)
    for n in range(10):
        rows.note(scene.project, scenes.add_customer(scene.project, f"p{n}@x.test"), event=event.pk)
    found = read(about(scene.project, request_key="IT-1"))
    assert [(len(moment.lines), moment.goes_on) for moment in found] == [
        (4, True),
        (4, True),
        (2, False),
    ]


def test_two_events_announced_at_once_lose_no_line(scene: Scene) -> None:
    events = [happened(scene), happened(scene)]
    people = [scenes.add_customer(scene.project, f"p{n}@x.test") for n in range(7)]
    for person in people:
        for event in events:
            rows.note(scene.project, person, event=event.pk)
    found = read(about(scene.project, request_key="IT-1"))
    lines = [line.note.pk for moment in found for line in moment.lines]
    assert len(lines) == len(set(lines)) == 14


def test_a_page_takes_a_fixed_number_of_queries(scene: Scene, ann: Person) -> None:
    projects = [
        scene.project,
        *(Project.objects.create(key=f"P{n}", name=f"Project {n}") for n in range(30)),
    ]

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            timeline.page(about(*projects, email=ANN))
        return len(asked)

    for project in projects[:2]:
        rows.note(project, ann, event=happened(scene).pk, again_of=new_id())
    rows.mail(scene.channel)
    few = queries()
    for n in range(60):
        project = projects[n % len(projects)]
        rows.note(project, ann, at=rows.ago(minutes=n), event=happened(scene).pk, again_of=new_id())
        rows.mail(scene.channel, at=rows.ago(minutes=n))
    assert queries() == few <= 10


@pytest.mark.slow
def test_an_address_of_100_000_rows_is_as_quick_as_any(scene: Scene, ann: Person) -> None:
    fill(scene, ann, 100_000)
    for how in ({"email": ANN}, {"request_key": "IT-1"}):
        asked = about(scene.project, **how)
        begun = time.perf_counter()
        page = timeline.page(asked)
        for _ in range(5):
            page = timeline.page(asked, page.before)
        timeline_recent.of([scene.project.pk], ANN)
        assert (time.perf_counter() - begun) / 7 < 0.25, how
        assert len(page.moments) == timeline.PAGE
    Notification.objects.all().delete()  # they have no lines of the log
    InboundEmail.objects.all().delete()


def fill(scene: Scene, person: Person, number: int) -> None:
    """Make half as many notifications to the person, and messages from them, a second apart."""
    begin = rows.ago(hours=number / 2 / 3600)
    for day in range(3):
        rows.id_at(begin + timedelta(days=day))
    ids = [first_id(begin + timedelta(seconds=n)) for n in range(number // 2)]
    for start in range(0, len(ids), 5000):
        some = ids[start : start + 5000]
        bulk.insert(
            Notification(
                id=pk,
                project=scene.project,
                kind=Kind.COMMENT_ADDED,
                event=pk,
                person=person,
                address=ANN,
                address_key=ANN,
                request_key="IT-1",
                created_at=begin,
                settled_at=begin,
                status="delivered",
            )
            for pk in some
        )
        bulk.insert(_mail(scene.channel, uuid.UUID(int=pk.int + 1), begin) for pk in some)


def _mail(channel: Channel, pk: uuid.UUID, at: datetime) -> InboundEmail:
    return InboundEmail(
        id=pk,
        project_id=channel.project_id,
        channel=channel,
        transport="smtp",
        received_at=at,
        status="success",
        outcome=Outcome.COMMENT_ADDED,
        sender=ANN,
        sender_key=ANN,
        request_key="IT-1",
    )


# --- What stands with an address -----------------------------------------------------------------


def test_what_is_recent_of_an_address(scene: Scene, ann: Person) -> None:
    nothing = timeline_recent.of([scene.project.pk], ANN)
    assert (nothing.told, nothing.went, nothing.missed, nothing.wrote) == (False, None, (), None)
    rows.note(scene.project, ann, status="delivered", at=rows.ago(days=2))
    went = rows.note(scene.project, ann, status="delivered", at=rows.ago(days=1))
    repeated = rows.note(scene.project, ann, at=rows.ago(hours=3))
    missed = rows.note(scene.project, ann, at=rows.ago(hours=2))
    SentAgain.objects.create(
        original=repeated.pk, notification=new_id(), by=scene.admin, at=timezone.now()
    )
    wrote = rows.mail(scene.channel)
    found = timeline_recent.of([scene.project.pk], ANN)
    assert found.told
    assert (found.went, found.wrote) == (went, wrote)
    assert found.missed == (missed,)
