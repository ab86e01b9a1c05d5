"""Who is told of what: each kind goes to those whom PRODUCT.md names, once, and to nobody else."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from deskpost import journey
from deskpost.desk import people, requests
from deskpost.desk.entry import Entry
from deskpost.models import (
    AuditEntry,
    Comment,
    Event,
    Membership,
    MessageId,
    Notification,
    Participant,
    Person,
    Request,
    Role,
)
from deskpost.outcomes import Kind
from deskpost.wake import Stage
from deskpost.worker import Worker
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter

pytestmark = pytest.mark.django_db

Rows = dict[str, tuple[str, str]]  # by name: the kind, and the status or why it was withheld
OPEN, PENDING, RESOLVED, CLOSED = Request.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Ann's request, in which Bob takes part; an agent works on it."""

    desk: Desk
    request: Request
    ann: Person
    bob: Person

    @property
    def agent(self) -> Person:
        return self.desk.agent

    def stand(self, status: str) -> None:
        """Let the request stand so, with nobody having been told."""
        done = timezone.now() if status in (RESOLVED, CLOSED) else None
        Request.objects.update(status=status, resolved_at=done)
        self.request.refresh_from_db()

    def answer(self, by: Person, text: str = "Here.", **how: bool) -> Comment:
        now = timezone.now()
        return requests.add_comment(self.request, by, Entry(text=text), now=now, **how)

    def rows(self) -> Rows:
        """Announce what happened, and return all rows but the receipts."""
        notes = [note for note in self.desk.announce() if note.kind != Kind.REQUEST_CREATED]
        assert len({(note.event, note.person_id) for note in notes}) == len(notes)
        assert not Event.objects.filter(due_at__isnull=False).exists()
        return {note.person.name: (note.kind, note.reason or note.status) for note in notes}


@pytest.fixture
def case(desk: Desk) -> Case:
    ann, bob = desk.member("ann@x.test", Role.CUSTOMER), desk.member("bob@x.test", Role.CUSTOMER)
    now = timezone.now()
    request = requests.open_request(desk.channel, ann, "Printer", Entry(text="It eats."), now=now)
    Participant.objects.create(request=request, person=bob)
    made = Case(desk=desk, request=request, ann=ann, bob=bob)
    desk.announce()
    return made


def both(kind: Kind) -> Rows:
    return {"Ann": (kind, "queued"), "Bob": (kind, "queued")}


# --- Each kind -----------------------------------------------------------------------------------


def test_an_invitation_goes_to_the_customer_alone(case: Case) -> None:
    people.invite(case.desk.project, "carl@x.test", "Carl", case.agent, timezone.now())
    assert case.rows() == {"Carl": (Kind.CUSTOMER_INVITED, "queued")}


def test_a_new_request_goes_to_its_reporter_alone(case: Case) -> None:
    (receipt,) = Notification.objects.all()
    assert (receipt.person, receipt.kind, receipt.status) == (case.ann, "request_created", "queued")


def test_an_agents_answer_goes_to_reporter_and_participants(case: Case) -> None:
    case.answer(case.agent)
    assert case.rows() == both(Kind.COMMENT_ADDED), "the agent takes no part: no row at all"


def test_the_author_has_a_withheld_row(case: Case) -> None:
    case.answer(case.bob)
    expected = both(Kind.COMMENT_ADDED) | {"Bob": (Kind.COMMENT_ADDED, "own_action")}
    assert case.rows() == expected
    own = Notification.objects.get(reason="own_action")
    assert own.trail == [{"guard": "own_action", "answer": "stopped", "facts": {}}]
    assert (own.status, own.due_at) == ("withheld", None)
    assert own.settled_at is not None


def test_an_edited_comment_goes_to_reporter_and_participants(case: Case) -> None:
    comment = case.answer(case.agent)
    case.rows()
    Notification.objects.all().delete()
    assert requests.edit_comment(comment, "Here it is.", case.agent, now=timezone.now())
    assert case.rows() == both(Kind.COMMENT_EDITED)
    assert set(Notification.objects.values_list("comment", flat=True)) == {comment.pk}


def test_a_new_participant_is_told_and_nobody_else(case: Case) -> None:
    requests.add_participant(case.request, "Carl@x.test", case.agent, now=timezone.now())
    assert case.rows() == {"": (Kind.PARTICIPANT_ADDED, "queued")}
    (note,) = Notification.objects.filter(kind=Kind.PARTICIPANT_ADDED)
    assert (note.address, note.request_key) == ("Carl@x.test", "IT-1")


def test_who_adds_themself_is_not_told(case: Case) -> None:
    requests.add_participant(case.request, case.agent.email, case.agent, now=timezone.now())
    assert case.rows() == {"Agent": (Kind.PARTICIPANT_ADDED, "own_action")}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (OPEN, PENDING, Kind.STATUS_CHANGED),
        (PENDING, OPEN, Kind.STATUS_CHANGED),
        (OPEN, RESOLVED, Kind.REQUEST_RESOLVED),
        (PENDING, RESOLVED, Kind.REQUEST_RESOLVED),
        (OPEN, CLOSED, Kind.STATUS_CHANGED),
        (RESOLVED, CLOSED, Kind.STATUS_CHANGED),
        (CLOSED, RESOLVED, Kind.STATUS_CHANGED),
        (RESOLVED, PENDING, Kind.REQUEST_REOPENED),
        (CLOSED, OPEN, Kind.REQUEST_REOPENED),
    ],
)
def test_a_change_of_status_goes_to_reporter_and_participants(
    case: Case, before: str, after: str, kind: Kind
) -> None:
    case.stand(before)
    assert requests.change_status(case.request, after, case.agent, now=timezone.now())
    assert case.request.status == after
    assert (case.request.resolved_at is not None) == (after in (RESOLVED, CLOSED))
    assert case.rows() == both(kind)


def test_resolving_and_opening_again_are_told(case: Case) -> None:
    assert requests.resolve(case.request, case.agent, now=timezone.now())
    assert case.rows() == both(Kind.REQUEST_RESOLVED)
    Notification.objects.all().delete()
    assert requests.reopen(case.request, case.agent, now=timezone.now())
    assert case.rows() == both(Kind.REQUEST_REOPENED)


def test_a_reporter_who_resolves_is_not_told_of_it(case: Case) -> None:
    requests.resolve(case.request, case.ann, now=timezone.now())
    expected = both(Kind.REQUEST_RESOLVED) | {"Ann": (Kind.REQUEST_RESOLVED, "own_action")}
    assert case.rows() == expected


# --- What changes nothing is told to nobody ------------------------------------------------------


def test_what_changes_nothing_leaves_no_event(case: Case) -> None:
    now, comment = timezone.now(), case.answer(case.agent, "Here.")
    case.rows()
    events = Event.objects.count()
    assert not requests.change_status(case.request, case.request.status, case.agent, now=now)
    assert not requests.reopen(case.request, case.agent, now=now)
    assert not requests.edit_comment(comment, "Here.", case.agent, now=now)
    assert requests.add_participant(case.request, "BOB@x.test", case.agent, now=now) is None
    assert requests.add_participant(case.request, "ann@x.test", case.agent, now=now) is None
    case.stand(RESOLVED)
    assert not requests.resolve(case.request, case.agent, now=now)
    case.stand(CLOSED)
    assert not requests.resolve(case.request, case.agent, now=now)
    assert Event.objects.count() == events
    comment.refresh_from_db()
    assert comment.edited_at is None


def test_a_page_that_has_grown_old_changes_what_is_not_what_was(case: Case) -> None:
    """Two agents resolve at once: the second has an old copy in hand, and tells nobody."""
    old = Request.objects.get(pk=case.request.pk)
    assert requests.resolve(case.request, case.agent, now=timezone.now())
    assert not requests.resolve(old, case.agent, now=timezone.now())
    assert old.status == RESOLVED
    assert Event.objects.filter(kind=Kind.REQUEST_RESOLVED).count() == 1
    old = Request.objects.get(pk=case.request.pk)
    old.status = OPEN
    case.stand(CLOSED)
    assert not requests.resolve(old, case.agent, now=timezone.now()), "it was closed meanwhile"
    assert old.status == CLOSED


def test_who_leaves_is_not_told_and_hears_nothing_more(case: Case) -> None:
    assert requests.remove_participant(case.request, case.bob.pk)
    assert not requests.remove_participant(case.request, case.bob.pk)
    case.answer(case.agent)
    assert case.rows() == {"Ann": (Kind.COMMENT_ADDED, "queued")}


# --- One step, one message -----------------------------------------------------------------------


def test_answering_and_resolving_in_one_step_is_one_message(case: Case) -> None:
    comment = case.answer(case.agent, "Mended.", resolves=True)
    assert (case.request.status, case.request.resolved_at) == (RESOLVED, comment.created_at)
    assert case.rows() == both(Kind.COMMENT_ADDED)


def test_an_email_that_opens_a_request_again_is_one_message(case: Case) -> None:
    case.stand(RESOLVED)
    MessageId.objects.create(
        project=case.desk.project, message_id="<one@x.test>", request=case.request
    )
    message = letter("Re: Printer", "It eats again.", "Bob <bob@x.test>")
    message["In-Reply-To"] = "<one@x.test>"
    assert case.desk.take(message, sender="bob@x.test").outcome == "comment_added"
    case.request.refresh_from_db()
    assert case.request.status == OPEN
    expected = both(Kind.COMMENT_ADDED) | {"Bob": (Kind.COMMENT_ADDED, "own_action")}
    assert case.rows() == expected


def test_adding_a_new_customer_to_a_request_is_one_message_and_on_record(case: Case) -> None:
    person = requests.add_participant(case.request, "new@x.test", case.agent, now=timezone.now())
    assert person is not None
    assert Membership.objects.get(person=person).role == Role.CUSTOMER
    assert case.rows() == {"": (Kind.PARTICIPANT_ADDED, "queued")}
    entry = AuditEntry.objects.get(act=AuditEntry.Act.INVITE)
    assert (entry.person, entry.subject) == (case.agent, "new@x.test")
    assert entry.details == {"request": "IT-1"}


# --- One that cannot be announced ----------------------------------------------------------------


def test_an_event_that_the_database_cannot_store_does_not_keep_the_next(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.answer(case.agent)
    case.answer(case.bob)
    first, second = Event.objects.filter(due_at__isnull=False).order_by("id")
    announce = journey.announce

    def failing(event: Event) -> None:
        if event.pk == first.pk:
            raise DataError("it does not fit")
        announce(event)

    monkeypatch.setattr(journey, "announce", failing)
    worker = Worker([Stage.ANNOUNCE])
    try:
        worker.announce()
    finally:
        worker.stopping = True
        worker.run()
    rows = Notification.objects.filter(event__in=[first.id, second.id])
    assert set(rows.values_list("event", flat=True)) == {second.id}
    first.refresh_from_db()
    assert (first.suspect, first.deaths, first.owner) == (True, 1, "")
    assert first.due_at is not None
    assert first.due_at > timezone.now(), "it is tried again, but not at once"


# --- Cost ----------------------------------------------------------------------------------------


def test_an_event_costs_as_many_queries_for_a_hundred_people_as_for_one(
    case: Case, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    case.answer(case.agent)
    with CaptureQueriesContext(connection) as for_two:
        case.desk.announce()
    for n in range(100):
        person = case.desk.member(f"p{n}@x.test", Role.CUSTOMER)
        Participant.objects.create(request=case.request, person=person)
    case.answer(case.agent)
    with django_assert_num_queries(len(for_two)):
        case.desk.announce()
    assert Notification.objects.filter(kind=Kind.COMMENT_ADDED).count() == 2 + 102


# --- What the messages say -----------------------------------------------------------------------


def change(case: Case, kind: Kind) -> None:
    """Do what is told as that kind."""
    now = timezone.now()
    if kind == Kind.PARTICIPANT_ADDED:
        requests.add_participant(case.request, "new@x.test", case.agent, now=now)
    elif kind == Kind.COMMENT_EDITED:
        comment = case.answer(case.agent)
        Event.objects.all().delete()
        requests.edit_comment(comment, "Here it is.", case.agent, now=now)
    elif kind == Kind.REQUEST_REOPENED:
        case.stand(CLOSED)
        requests.reopen(case.request, case.agent, now=now)
    else:
        status = RESOLVED if kind == Kind.REQUEST_RESOLVED else PENDING
        requests.change_status(case.request, status, case.agent, now=now)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.COMMENT_EDITED, {"en": "Here it is.", "ja": "Here it is."}),
        (Kind.PARTICIPANT_ADDED, {"en": "take part in IT-1", "ja": "参加者"}),
        (Kind.STATUS_CHANGED, {"en": "Waiting for customer", "ja": "ステータス"}),
        (Kind.REQUEST_RESOLVED, {"en": "IT-1 has been resolved", "ja": "解決済み"}),
        (Kind.REQUEST_REOPENED, {"en": "Waiting for support", "ja": "再開されました"}),
    ],
)
def test_each_message_says_what_happened_in_the_recipients_language(
    case: Case, outside: Accepting, kind: Kind, said: dict[str, str], language: str
) -> None:
    Person.objects.update(language=language)
    type(case.desk.project).objects.update(language=language)
    change(case, kind)
    notes = [note for note in case.desk.deliver(outside) if note.kind == kind]
    assert {note.status for note in notes} == {"delivered"}
    raw = outside.sent[-1][2]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == "IT-1 Printer"
    for part in message.iter_parts():
        assert said[language] in part.get_content()
