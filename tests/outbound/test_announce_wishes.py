"""Who does not want to be told: muted requests and the project's rules. Each of them has a row
that says why nothing was sent."""

from __future__ import annotations

import pytest
from django.utils import timezone

from deskpost.desk import muting, people, requests
from deskpost.logs import explain_notification, trails
from deskpost.models import Event, Notification, NotificationRule, Request
from deskpost.outbound import audience
from deskpost.outcomes import GUARD_WORDS, Guard, Kind, NotificationStatus, Withheld
from tests.carriers import Accepting
from tests.outbound.test_announce import Case, both, case

__all__ = ["case"]
pytestmark = pytest.mark.django_db


def rule(case: Case, kind: Kind, *, reporter: bool = True, participants: bool = True) -> None:
    NotificationRule.objects.create(
        project=case.desk.project, kind=kind, to_reporter=reporter, to_participants=participants
    )


def resolve(case: Case) -> None:
    requests.resolve(case.request, case.agent, now=timezone.now())


# --- Muted requests ------------------------------------------------------------------------------


def test_who_muted_the_request_is_told_nothing_of_it(case: Case) -> None:
    muting.mute(case.request, case.bob, now=timezone.now())
    case.answer(case.agent)
    rows = case.rows()
    assert rows == both(Kind.COMMENT_ADDED) | {"Bob": (Kind.COMMENT_ADDED, "muted")}
    note = Notification.objects.get(reason=Withheld.MUTED)
    assert note.trail == [{"guard": "muted", "answer": "stopped", "facts": {}}]
    assert (note.status, note.due_at) == (NotificationStatus.WITHHELD, None)


def test_muting_one_request_leaves_the_others(case: Case) -> None:
    other = Request.objects.get(pk=case.request.pk)
    other.pk, other.number, other.key = None, 2, "IT-2"
    other.save()
    muting.mute(other, case.ann, now=timezone.now())
    case.answer(case.agent)
    assert case.rows() == both(Kind.COMMENT_ADDED)


def test_that_it_is_resolved_reaches_a_muted_reporter_but_no_muted_participant(case: Case) -> None:
    for person in (case.ann, case.bob):
        muting.mute(case.request, person, now=timezone.now())
    resolve(case)
    kind = Kind.REQUEST_RESOLVED
    assert case.rows() == {"Ann": (kind, "queued"), "Bob": (kind, "muted")}


def test_it_never_reaches_a_muted_reporter_who_has_unsubscribed(
    case: Case, outside: Accepting
) -> None:
    muting.mute(case.request, case.ann, now=timezone.now())
    case.ann.unsubscribed_at = timezone.now()
    case.ann.save()
    resolve(case)
    case.desk.deliver(outside)
    note = Notification.objects.get(person=case.ann, kind=Kind.REQUEST_RESOLVED)
    assert (note.status, note.reason) == ("failed", "unsubscribed")


def test_an_answer_that_resolves_tells_a_muted_reporter_only_that_it_is_resolved(
    case: Case,
) -> None:
    for person in (case.ann, case.bob):
        muting.mute(case.request, person, now=timezone.now())
    case.answer(case.agent, "Mended.", resolves=True)
    assert case.rows() == {
        "Ann": (Kind.REQUEST_RESOLVED, "queued"),
        "Bob": (Kind.COMMENT_ADDED, "muted"),
    }


def test_a_later_answer_to_a_resolved_request_does_not_reach_a_muted_reporter(case: Case) -> None:
    muting.mute(case.request, case.ann, now=timezone.now())
    resolve(case)
    case.rows()
    Notification.objects.all().delete()
    case.answer(case.agent)
    assert case.rows()["Ann"] == (Kind.COMMENT_ADDED, "muted")


def test_turned_on_again_it_is_told_again_and_what_was_missed_does_not_come(case: Case) -> None:
    muting.mute(case.request, case.bob, now=timezone.now())
    case.answer(case.agent)
    case.rows()
    muting.unmute(case.request, case.bob)
    case.answer(case.agent)
    case.desk.announce()
    found = Notification.objects.filter(person=case.bob).order_by("id")
    assert [note.reason or note.status for note in found] == ["muted", "queued"]


# --- The project's rules -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reporter", "participants"), [(False, True), (True, False), (False, False)]
)
def test_a_rule_switches_off_each_part_for_itself(
    case: Case, reporter: bool, participants: bool
) -> None:
    rule(case, Kind.COMMENT_ADDED, reporter=reporter, participants=participants)
    case.answer(case.agent)
    said = {True: "queued", False: "rule_off"}
    kind = Kind.COMMENT_ADDED
    assert case.rows() == {"Ann": (kind, said[reporter]), "Bob": (kind, said[participants])}
    for note in Notification.objects.filter(reason=Withheld.RULE_OFF):
        assert note.trail == [{"guard": "rule_off", "answer": "stopped", "facts": {}}]


def test_kinds_of_one_recipient_have_one_switch(case: Case) -> None:
    rule(case, Kind.CUSTOMER_INVITED, reporter=False)
    rule(case, Kind.PARTICIPANT_ADDED, participants=False)
    rule(case, Kind.REQUEST_CREATED, reporter=False)
    people.invite(case.desk.project, "carl@x.test", "Carl", case.agent, timezone.now())
    requests.add_participant(case.request, case.agent.email, case.ann, now=timezone.now())
    assert case.rows() == {
        "Carl": (Kind.CUSTOMER_INVITED, "rule_off"),
        "Agent": (Kind.PARTICIPANT_ADDED, "rule_off"),
    }


def test_a_rule_of_one_kind_or_of_another_project_leaves_the_rest(case: Case) -> None:
    rule(case, Kind.COMMENT_EDITED, reporter=False, participants=False)
    hr = type(case.desk.project).objects.create(key="HR", name="People")
    NotificationRule.objects.create(project=hr, kind=Kind.COMMENT_ADDED, to_reporter=False)
    case.answer(case.agent)
    assert case.rows() == both(Kind.COMMENT_ADDED)


def test_an_answer_that_resolves_is_told_as_resolved_where_comments_are_not_told(
    case: Case,
) -> None:
    rule(case, Kind.COMMENT_ADDED, reporter=False)
    case.answer(case.agent, "Mended.", resolves=True)
    assert case.rows() == both(Kind.COMMENT_ADDED) | {"Ann": (Kind.REQUEST_RESOLVED, "queued")}


def test_of_several_reasons_the_first_in_order_stands_in_the_row(case: Case) -> None:
    rule(case, Kind.COMMENT_ADDED, reporter=False, participants=False)
    muting.mute(case.request, case.ann, now=timezone.now())
    muting.mute(case.request, case.bob, now=timezone.now())
    case.answer(case.bob)
    kind = Kind.COMMENT_ADDED
    assert case.rows() == {"Ann": (kind, "muted"), "Bob": (kind, "own_action")}


# --- Nobody is passed over in silence ------------------------------------------------------------


def test_everyone_concerned_has_a_row_told_or_not(case: Case) -> None:
    rule(case, Kind.COMMENT_ADDED, participants=False)
    muting.mute(case.request, case.ann, now=timezone.now())
    case.answer(case.agent)
    case.rows()
    event = Event.objects.get(kind=Kind.COMMENT_ADDED)
    concerned = {one.person.pk for one in audience.concerned(event)}
    rows = Notification.objects.filter(event=event.id)
    assert set(rows.values_list("person", flat=True)) == concerned == {case.ann.pk, case.bob.pk}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("status", NotificationStatus)
def test_every_kind_has_its_words_in_the_drawer(
    case: Case, kind: Kind, status: NotificationStatus
) -> None:
    note = Notification.objects.get()
    note.kind, note.status = kind, status
    note.reason = {"failed": "unsubscribed", "withheld": "muted"}.get(status, "")
    told = explain_notification.notification(note, [], None)
    assert "Ann" in told.title


@pytest.mark.parametrize("guard", [Guard.OWN_ACTION, Guard.MUTED, Guard.RULE_OFF])
def test_what_is_settled_before_the_row_is_made_is_never_called_not_asked(
    case: Case, guard: Guard
) -> None:
    note = Notification.objects.get()
    note.status = NotificationStatus.DELIVERED
    unasked = [step.words for step in trails.of_notification(note) if not step.asked]
    assert unasked
    assert str(GUARD_WORDS[guard]) not in unasked[0]
    note.status, note.trail = "withheld", [{"guard": guard, "answer": "stopped", "facts": {}}]
    first = trails.of_notification(note)[0]
    assert (first.words, first.decides) == (str(GUARD_WORDS[guard]), True)
