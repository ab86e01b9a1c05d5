"""Searching the log: whatever is asked, the answer is what reading every line would give."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskpost import terms
from deskpost.logs import search, search_postgres
from deskpost.logs.search import Field, Is, Not, Part, Property, Query, Size, Words
from deskpost.models import Channel, InboundEmail, Log, LogLine, Notification, Person, Project
from deskpost.models.logline import line_in, line_out
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus, Outcome, Reason
from tests.logs.rows import ago, mail, note

pytestmark = pytest.mark.django_db

SUBJECTS = (
    "Printer on fire",
    "RE: printer, again",
    "プリンターの印刷ができません",
    "請求書の件 IT部",
    "Straße über Ｆｕｌｌ",
    "a-b c_d 100% \\ 'quoted'",
    "กรุณาช่วยด้วย",
    "",
)
PEOPLE = ("ann@x.test", "bob.b@y.example", "ümläut@z.test", "it@x.test")
WORDS = (
    *(
        "printer",
        "print",
        "rint",
        "fire",
        "印刷",
        "請求",
        "刷",
        "it",
        "re",
        "on",
        "x.test",
        "@y",
        "ann@",
    ),
    *(
        "strasse",
        "full",
        "100%",
        "\\",
        "'",
        "b c",
        "c_d",
        "nothing at all",
        "IT-1",
        "it-2",
        "ช่วย",
        "件 it",
    ),
)


def a_log(project: Project, channel: Channel, *, count: int = 60, seed: int = 7) -> None:
    """Fill a project's log with messages of all sorts, over three weeks."""
    chance, busy = random.Random(seed), ago(hours=100)
    for n in range(count):
        # Every fourth is of one millisecond: their ids are not in the order of writing.
        at = busy if n % 4 == 0 else ago(hours=chance.randrange(480))
        address = chance.choice(PEOPLE)
        person, _ = Person.objects.get_or_create(email=address)
        subject, key = chance.choice(SUBJECTS), chance.choice(("", "IT-1", "IT-2"))
        size = chance.choice((0, 1, 1023, 1024, 5_000_000))
        common: dict[str, Any] = {"subject": subject, "request_key": key, "raw_size": size}
        if n % 2:
            status = chance.choice(list(NotificationStatus))
            waits = {"due_at": timezone.now()} if status == NotificationStatus.QUEUED else {}
            kind = chance.choice((Kind.COMMENT_ADDED, Kind.REQUEST_CREATED, Kind.CUSTOMER_INVITED))
            reason = chance.choice(list(Reason))
            note(project, person, reason, status=status, at=at, kind=kind, **common, **waits)
        else:
            outcome = chance.choice((None, *Outcome))
            due = None if outcome else timezone.now()
            mail(channel, outcome, at=at, sender=address, due_at=due, **common)


def every_line(query: Query) -> list[LogLine]:
    """Read everything there is: lines, and those that the waiting ones would have."""
    waiting = {"project_id": query.project_id, "due_at__isnull": False}
    lines = [
        *LogLine.objects.filter(project_id=query.project_id),
        *(line_in(row) for row in InboundEmail.objects.filter(**waiting)),
        *(line_out(row) for row in Notification.objects.filter(**waiting)),
    ]
    return [line for line in lines if line.log == query.log]


def read(query: Query) -> list[uuid.UUID]:
    """Return what the query must find, the newest first."""
    found = [line for line in every_line(query) if all(true(part, line) for part in query.parts)]
    moments = {line.pk: line.pk.int >> 80 for line in found}
    since = query.since.timestamp() * 1000 if query.since else 0
    until = query.until.timestamp() * 1000 if query.until else 1 << 60
    return sorted((line.pk for line in found if since <= moments[line.pk] < until), reverse=True)


def true(part: Part, line: LogLine) -> bool:
    """Say it in the plainest way."""
    match part:
        case Not():
            return not true(part.part, line)
        case Size():
            return (part.at_least or 0) <= line.size and (
                part.at_most is None or line.size <= part.at_most
            )
        case Is():
            value = getattr(line, part.property)
            return str(value if value is not None else "") in part.values
        case Words():
            return any(stands(field, terms.normal(part.text), line) for field in part.fields)


def stands(field: Field, word: str, line: LogLine) -> bool:
    if field == Field.KEY:
        return bool(line.key) and line.key.lower() == word
    text: str = getattr(line, field)
    if len(word) == 2 and word.isascii() and word.isalnum():
        return any(
            text[n : n + 2] == word and (n == 0 or not latin(text[n - 1]))
            for n in range(len(text) - 1)
        )
    return word in text


def latin(letter: str) -> bool:
    return letter.isalnum() and ord(letter) < 0xE00


words = st.builds(
    Words,
    text=st.sampled_from(WORDS),
    fields=st.lists(st.sampled_from(list(Field)), min_size=1, unique=True).map(tuple),
)
properties = st.one_of(
    st.builds(
        Is,
        property=st.just(Property.STATUS),
        values=st.lists(
            st.sampled_from([*IncomingStatus, *NotificationStatus]).map(str), max_size=3
        ).map(tuple),
    ),
    st.builds(
        Is,
        property=st.just(Property.CODE),
        values=st.lists(st.sampled_from([*Outcome, *Reason]).map(str), max_size=3).map(tuple),
    ),
    st.sampled_from(
        [
            Is(property=Property.KEY, values=("IT-1",)),
            Is(property=Property.ADDRESS, values=("ann@x.test", "it@x.test")),
            Is(property=Property.KIND, values=(str(Kind.COMMENT_ADDED),)),
            Size(at_least=1024),
            Size(at_most=1023),
            Size(at_least=1, at_most=1024),
        ]
    ),
)
positive: st.SearchStrategy[Any] = st.one_of(words, properties)
parts = st.lists(st.one_of(positive, positive.map(lambda part: Not(part=part))), max_size=3).map(
    tuple
)
spans = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(0, 480), st.integers(0, 480)).map(lambda pair: (max(pair), min(pair))),
)


@pytest.fixture
def project() -> Project:
    return Project.objects.create(key="IT", name="IT")


@pytest.fixture
def channel(project: Project) -> Channel:
    kind = project.request_types.create(name="Help")
    return Channel.objects.create(project=project, address="it@desk.test", request_type=kind)


@pytest.fixture(params=["as it is", "by the index alone"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small log is read as a whole: the index must be asked too."""
    if request.param == "by the index alone":
        monkeypatch.setattr(search_postgres, "READ_FIRST", 1)
    return str(request.param)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(log=st.sampled_from(list(Log)), parts=parts, span=spans, limit=st.sampled_from((1, 3, 50)))
@example(log=Log.INCOMING, parts=(), span=(None, None), limit=3)
def test_a_search_finds_what_reading_everything_would(
    project: Project,
    channel: Channel,
    way: str,
    log: Log,
    parts: Sequence[Part],
    span: tuple[int | None, int | None],
    limit: int,
) -> None:
    if not LogLine.objects.exists():
        a_log(project, channel)
    since, until = (ago(hours=hours) if hours is not None else None for hours in span)
    query = Query(project_id=project.pk, log=log, parts=tuple(parts), since=since, until=until)
    wanted = read(query)
    found: list[uuid.UUID] = []
    before, pages = None, 0
    while pages == 0 or before:
        page = search.page(query, before, limit)
        assert len(page.ids) <= limit
        found += page.ids
        before, pages = page.before, pages + 1
        assert pages < 100
    assert found == wanted
    numbers = search.counts(query, [*IncomingStatus, *NotificationStatus])
    assert sum(number.value for number in numbers.values()) == len(wanted)
    if wanted:
        middle = wanted[len(wanted) // 2]
        place = wanted.index(middle)
        beside = search.beside(query, middle)
        assert beside.newer == (wanted[place - 1] if place else None)
        assert beside.older == (wanted[place + 1] if place + 1 < len(wanted) else None)


def test_another_projects_messages_are_never_found(project: Project, channel: Channel) -> None:
    other = Project.objects.create(key="OTHER", name="Other")
    a_log(project, channel, count=10)
    for log in Log:
        assert search.page(Query(project_id=other.pk, log=log)).ids == ()


def test_counts_are_exact_up_to_a_thousand_and_then_say_more(
    project: Project, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "COUNTED", 3)
    for n in range(5):
        mail(channel, Outcome.BLOCKED_SENDER if n else Outcome.DMARC, subject="x")
    query = Query(project_id=project.pk, log=Log.INCOMING)
    found = search.counts(query, [IncomingStatus.SKIPPED, IncomingStatus.FAILED])
    assert str(found[IncomingStatus.SKIPPED]) == "3+"
    assert str(found[IncomingStatus.FAILED]) == "1"


def test_a_search_that_takes_too_long_is_stopped(
    project: Project, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_log(project, channel, count=4)
    monkeypatch.setattr(search, "SECONDS", -1.0)
    slow = replace(Query(project_id=project.pk, log=Log.REQUESTS), parts=(Words(text="x"),))
    if connection.vendor == "postgresql":
        monkeypatch.setattr(
            search_postgres,
            "DIALECT",
            replace(
                search_postgres.DIALECT, holds="strpos({column}, %s) > length(pg_sleep(1)::text)"
            ),
        )
    else:
        monkeypatch.setattr("deskpost.logs.search_sqlite.STEPS", 1)
    begun = time.monotonic()
    with pytest.raises(search.TooSlow):
        search.page(slow)
    assert time.monotonic() - begun < 1
    assert LogLine.objects.exists()  # the connection goes on


def test_a_message_is_found_by_what_it_is_now_not_by_what_it_was(
    project: Project, channel: Channel
) -> None:
    row = mail(channel, Outcome.SIGNUP_CLOSED, subject="Printer")
    failed = Query(
        project_id=project.pk,
        log=Log.INCOMING,
        parts=(Is(property=Property.STATUS, values=(str(IncomingStatus.FAILED),)),),
    )
    assert search.page(failed).ids == (row.pk,)
    row.status, row.outcome, row.subject = IncomingStatus.SUCCESS, Outcome.REQUEST_CREATED, "Ink"
    row.save()
    assert search.page(failed).ids == ()
    query = Query(project_id=project.pk, log=Log.INCOMING)
    assert search.page(replace(query, parts=(Words(text="ink"),))).ids == (row.pk,)
    assert search.page(replace(query, parts=(Words(text="printer"),))).ids == ()
    assert ago(seconds=1) - ago(seconds=2) > timedelta(0)
