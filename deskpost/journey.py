"""START HERE: the two journeys of a message, one line a stage.

In:  receive → store → parse → decide → apply and log.
     A listener (inbound/channels) keeps the bytes and answers; `process` does the rest.
Out: event → one row a person → guard → compose → deliver → outcome.
     The desk writes an Event with each change; `announce` and `deliver` do the rest.
"""

from __future__ import annotations

import copy

from django.db import transaction

from deskpost.desk.book import Book
from deskpost.inbound import context, parse, rules
from deskpost.inbound import settle as inbound
from deskpost.inbound.history import History
from deskpost.models import Event, InboundEmail, Notification, Person, Project, queue
from deskpost.outbound import announce as announcing
from deskpost.outbound import track
from deskpost.outbound.send import Sender


def process(emails: list[InboundEmail]) -> None:
    """Take claimed messages of one project, in the order of arrival, to their outcomes.

    All of them are applied in one transaction, or none is: then this raises.
    """
    read = parse.read_all(emails)
    with queue.undoing(emails):
        _take(read, Project.objects.select_for_update().get(pk=emails[0].project_id))


def _take(read: context.Batch, project: Project) -> None:
    book, history = Book(project), History(project)
    for case in context.cases(read, book, history):
        inbound.record(case, rules.decide(case))
    book.write()
    history.write()
    for email, parsed in read:
        if parsed.report and email.outcome in inbound.REPORTS:
            inbound.tell(
                email, track.note(parsed.report, email.envelope_to, email.channel, email.id)
            )
    inbound.write([email for email, _ in read])


def preview(email: InboundEmail, raw: bytes | None = None) -> InboundEmail:
    """Return a row, not saved, that says what today's settings would make of the message.

    Nothing is written. `raw` is the message where none is kept. Raises OSError if the kept one
    cannot be read.
    """
    rehearsed = copy.copy(email)
    read = parse.read_all([rehearsed], None if raw is None else [raw])
    book, history = Book(email.project), History(email.project)
    for case in context.cases(read, book, history):
        inbound.rehearse(case, rules.decide(case))
        if case.parsed.report and rehearsed.outcome in inbound.REPORTS:
            news = track.read(case.parsed.report, rehearsed.envelope_to, rehearsed.channel)
            inbound.tell(rehearsed, news.facts)
    return rehearsed


def reprocess(email: InboundEmail, by: Person) -> InboundEmail:
    """Process a settled message again under today's settings; return its row.

    It may be repeated until the message makes a request or a comment: at most one, ever. The runs
    are numbered on the row, and each leaves an audit entry. Raises NotAgain where it may not be,
    OSError if the raw cannot be read.
    """
    (read,) = parse.read_all([email])
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=email.project_id)
        row = InboundEmail.objects.select_related("channel__request_type").get(pk=email.pk)
        if row.run != email.run:
            raise inbound.NotAgain("it was processed again in the meantime")
        inbound.begin_again(row)
        _take([(row, read[1])], project)
        inbound.note_again(row, by)
    return row


def set_aside(email: InboundEmail) -> None:
    """End the journey of a message that failed alone too often."""
    inbound.give_up(email)


def note_error(email: InboundEmail, error: Exception) -> None:
    """Keep on the row what went wrong, for the case that it is set aside."""
    inbound.note_error(email, error)


def announce(event: Event) -> None:
    """Turn a claimed event into one row for each person concerned."""
    announcing.announce(event)


def deliver(notifications: list[Notification], sender: Sender) -> None:
    """Take claimed notifications to their outcomes, or to their next tries."""
    sender.send(notifications)
