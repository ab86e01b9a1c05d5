"""What would happen now, and Process again: never twice, and every run on record."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deskpost import journey
from deskpost.inbound.settle import NotAgain
from deskpost.logs import explain_incoming
from deskpost.models import AuditEntry, Comment, Event, InboundEmail, Person, Request, Seen
from tests.desk import Desk
from tests.parts.site import letter


def refused(desk: Desk, message: EmailMessage | None = None) -> InboundEmail:
    """A stranger's message to a project that takes none."""
    desk.project.signup_open = False
    desk.project.save()
    row = desk.take(message or letter())
    assert row.outcome == "signup_closed"
    return row


def opened(desk: Desk) -> None:
    desk.project.signup_open = True
    desk.project.save()


def fresh(row: InboundEmail) -> InboundEmail:
    return InboundEmail.objects.select_related("channel__request_type").get(pk=row.pk)


def test_a_preview_says_what_todays_settings_would_do_and_writes_nothing(desk: Desk) -> None:
    row = refused(desk)
    opened(desk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        told = journey.preview(fresh(row))
    assert (told.status, told.outcome) == ("success", "request_created")
    assert [step["rule"] for step in told.trail][-1] == "fields"
    said = " ".join(query["sql"] for query in queries.captured_queries).upper()
    assert not any(word in said for word in ("INSERT INTO", 'UPDATE "', "DELETE FROM"))
    assert fresh(row).outcome == "signup_closed"
    assert not Request.objects.exists()


def test_a_preview_of_a_message_that_was_taken_does_not_meet_itself(desk: Desk) -> None:
    row = desk.take(letter())
    assert journey.preview(fresh(row)).outcome == "request_created"


def test_process_again_makes_the_request_and_notifies_its_reporter(desk: Desk) -> None:
    row = refused(desk)
    opened(desk)
    again = journey.reprocess(fresh(row), desk.agent)
    assert (again.outcome, again.request_key) == ("request_created", "IT-1")
    assert Comment.objects.get(request=desk.request()).incoming == row.id
    assert Event.objects.get().request == desk.request()
    assert Seen.objects.get().request_key == "IT-1"
    kept = fresh(row)
    assert (kept.outcome, kept.run, kept.due_at) == ("request_created", 2, None)
    assert [(run["run"], run["outcome"]) for run in kept.runs] == [(1, "signup_closed")]
    assert kept.runs[0]["trail"][-1]["rule"] == "signup"


def test_it_may_be_repeated_until_it_makes_something_and_never_after(desk: Desk) -> None:
    row = refused(desk)
    for _ in range(2):
        assert journey.reprocess(fresh(row), desk.agent).outcome == "signup_closed"
    opened(desk)
    assert journey.reprocess(fresh(row), desk.agent).run == 4
    with pytest.raises(NotAgain):
        journey.reprocess(fresh(row), desk.agent)
    assert (Request.objects.count(), Comment.objects.count()) == (1, 1)


def test_a_stale_row_cannot_make_a_second_request(desk: Desk) -> None:
    stale = fresh(refused(desk))
    opened(desk)
    journey.reprocess(fresh(stale), desk.agent)
    with pytest.raises(NotAgain):
        journey.reprocess(stale, desk.agent)  # as somebody else's page still shows it
    assert Request.objects.count() == 1


def test_what_waits_is_left_to_its_worker(desk: Desk) -> None:
    row = desk.arrive(letter())
    with pytest.raises(NotAgain):
        journey.reprocess(fresh(row), desk.agent)


def test_each_run_leaves_an_audit_entry(desk: Desk) -> None:
    row = refused(desk)
    journey.reprocess(fresh(row), desk.agent)
    opened(desk)
    journey.reprocess(fresh(row), desk.agent)
    entries = AuditEntry.objects.filter(act="reprocess", subject=str(row.id)).order_by("pk")
    assert [entry.details for entry in entries] == [
        {"run": 2, "before": "signup_closed", "after": "signup_closed"},
        {"run": 3, "before": "signup_closed", "after": "request_created"},
    ]
    assert {entry.person for entry in entries} == {desk.agent}


def test_the_row_tells_of_its_runs(desk: Desk) -> None:
    row = refused(desk)
    opened(desk)
    told = explain_incoming.incoming(journey.reprocess(fresh(row), desk.agent), row.received_at)
    text = " ".join(told.happened)
    assert "Run 1" in text
    assert "Signup is not currently available" in text
    assert "run 2" in text


def test_only_so_many_runs_are_kept_and_the_first_is_among_them(desk: Desk) -> None:
    row = refused(desk)
    for _ in range(25):
        row = journey.reprocess(fresh(row), desk.agent)
    assert (len(row.runs), row.runs[0]["run"], row.run) == (20, 1, 26)


def test_a_message_whose_first_copy_was_taken_stays_a_duplicate(desk: Desk) -> None:
    message = letter()
    desk.take(message)
    second = desk.take(message)
    assert journey.reprocess(fresh(second), desk.agent).outcome == "duplicate"


def test_a_batch_of_strangers_does_not_count_a_message_against_itself(desk: Desk) -> None:
    desk.channel.most_in_10_minutes = 1
    desk.channel.save()
    row = refused(desk)
    opened(desk)
    assert journey.reprocess(fresh(row), desk.agent).outcome == "request_created"
    assert Person.objects.filter(email_key="ann@x.test").exists()


def test_who_asks_again_with_an_old_run_before_them_does_nothing(desk: Desk) -> None:
    row = refused(desk)
    first, second = fresh(row), fresh(row)
    assert journey.reprocess(first, desk.agent).outcome == "signup_closed"
    with pytest.raises(NotAgain):
        journey.reprocess(second, desk.agent)
    assert fresh(row).run == 2
