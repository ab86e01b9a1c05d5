"""START HERE: the two journeys of a message, one line a stage.

In:  receive → store → parse → decide → apply and log.
     A listener (inbound/channels) keeps the bytes and answers; `process` does the rest.
Out: event → one row a person → guard → compose → deliver → outcome.
     The desk writes an Event with each change; `announce` and `deliver` do the rest.
"""

from __future__ import annotations

from django.db import transaction

from deskpost.desk.book import Book
from deskpost.inbound import context, parse, rules
from deskpost.inbound import settle as inbound
from deskpost.inbound.history import History
from deskpost.models import Event, InboundEmail, Notification, Project
from deskpost.outbound import announce as announcing
from deskpost.outbound import send, track
from deskpost.outbound.relay import Carrier


def process(emails: list[InboundEmail]) -> None:
    """Take claimed messages of one project, in the order of arrival, to their outcomes.

    All of them are applied in one transaction, or none is: then this raises.
    """
    read = [(email, parse.read(email)) for email in emails]
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=emails[0].project_id))
        history = History(book.project)
        for case in context.cases(read, book, history):
            inbound.record(case, rules.decide(case))
        book.write()
        history.write()
        inbound.write(emails)
        for email, parsed in read:
            if parsed.report:
                track.note(parsed.report, email.envelope_to, email.channel, email.id)


def set_aside(email: InboundEmail) -> None:
    """End the journey of a message that failed alone too often."""
    inbound.give_up(email)


def note_error(email: InboundEmail, error: Exception) -> None:
    """Keep on the row what went wrong, for the case that it is set aside."""
    inbound.note_error(email, error)


def announce(event: Event) -> None:
    """Turn a claimed event into one row for each person concerned."""
    announcing.announce(event)


def deliver(notification: Notification, carrier: Carrier) -> None:
    """Take a claimed notification to its outcome, or to its next try."""
    send.deliver(notification, carrier)
