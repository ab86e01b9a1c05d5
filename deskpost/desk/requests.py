"""Single changes to a request, as an agent makes them on the web.

Each holds the project's lock and looks at how the request stands then: what changes nothing leaves
no event, so that nobody hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from deskpost.desk.book import DONE, Book
from deskpost.desk.entry import Entry
from deskpost.desk.events import happened
from deskpost.models import AuditEntry, Channel, Comment, Participant, Person, Project, Request
from deskpost.outcomes import Kind

CHANGED = ("status", "resolved_at", "updated_at")


def open_request(
    channel: Channel, reporter: Person, summary: str, entry: Entry, *, now: datetime
) -> Request:
    """Open a request for a person in the channel's project."""
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=channel.project_id))
        request = book.open_request(channel, reporter, summary, entry, now=now)
        book.write()
    return request


def add_comment(
    request: Request, author: Person, entry: Entry, *, now: datetime, resolves: bool = False
) -> Comment:
    """Add a comment to the request, which is changed in place, too; with `resolves`, it is resolved
    in the same step. That is one event: outbound/announce.py tells of both in one message."""
    with _at_work(request) as (book, current):
        comment = book.add_comment(current, author, entry, now=now)
        if resolves:
            book.set_status(current, Request.Status.RESOLVED, now=now)
        book.write()
    return comment


def edit_comment(comment: Comment, text: str, by: Person, *, now: datetime) -> bool:
    """Change a comment's text; return whether it changed. HTML of its own is dropped with the old
    text. The change is told of without a list of earlier texts: those are not kept."""
    with _at_work(comment.request) as (book, current):
        comment.refresh_from_db(fields=["text"])
        if comment.text == text:
            return False
        comment.text, comment.html, comment.edited_at = text, "", now
        comment.save(update_fields=["text", "html", "edited_at"])
        book.touch(current, now=now)
        book.write()
        _tell(Kind.COMMENT_EDITED, current, by, now, comment=comment)
    return True


def change_status(request: Request, status: str, by: Person | None, *, now: datetime) -> bool:
    """Give the request that status (Request.Status); return whether it had another. `by` is told
    nothing; None stands for no person."""
    with _at_work(request) as (book, current):
        before = current.status
        if before == status:
            return False
        book.set_status(current, Request.Status(status), now=now)
        book.write()
        _tell(_kind(before, status), current, by, now)
    return True


def _kind(before: str, after: str) -> Kind:
    """Return what a change of status is called. From resolved to closed is only a change."""
    if before in DONE and after not in DONE:
        return Kind.REQUEST_REOPENED
    if before not in DONE and after == Request.Status.RESOLVED:
        return Kind.REQUEST_RESOLVED
    return Kind.STATUS_CHANGED


def resolve(request: Request, by: Person | None = None, *, now: datetime) -> bool:
    """Mark the request resolved, unless it is so or closed; return whether it was open."""
    return _move(request, by, now, is_done=False, to=Request.Status.RESOLVED)


def reopen(request: Request, by: Person | None = None, *, now: datetime) -> bool:
    """Take a resolved or closed request up again; return whether it was one."""
    return _move(request, by, now, is_done=True, to=Request.Status.OPEN)


def _move(
    request: Request, by: Person | None, now: datetime, *, is_done: bool, to: Request.Status
) -> bool:
    with _at_work(request) as (_, current):
        return (current.status in DONE) == is_done and change_status(request, to, by, now=now)


def add_participant(request: Request, email: str, by: Person, *, now: datetime) -> Person | None:
    """Let the person with that address take part; return them, or None if they did already.

    Who is new to the project becomes a customer; of that the one message tells, too. A malformed
    address is taken as it is: what becomes of its mail stands in the log.
    """
    with _at_work(request) as (book, current):
        book.load_people([email])
        known = book.person(email)
        is_new = known is None or book.role(known) is None
        person = book.customer(email.strip(), "")
        if not book.take_part(current, person):
            return None
        book.write()
        _tell(Kind.PARTICIPANT_ADDED, current, by, now, person=person)
        if is_new:
            _audit(current, person, by)
    return person


def _audit(request: Request, person: Person, by: Person) -> None:
    AuditEntry.objects.create(
        person=by,
        project_id=request.project_id,
        act=AuditEntry.Act.INVITE,
        subject=person.email,
        details={"request": request.key},
    )


def remove_participant(request: Request, person_id: int) -> bool:
    """Let the person take part no longer; return whether they did. Nobody is told of it."""
    with _at_work(request):
        gone, _ = Participant.objects.filter(request=request, person=person_id).delete()
    return bool(gone)


@contextmanager
def _at_work(request: Request) -> Iterator[tuple[Book, Request]]:
    """Hold the project's lock; give its book, and the request as it stands. What was changed is
    put into `request`, too."""
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=request.project_id))
        book.load_requests([request.pk], [], [])
        current = book.request_by_id(request.pk)
        assert current is not None  # requests are never deleted
        yield book, current
    request.refresh_from_db(fields=CHANGED)


def _tell(
    kind: Kind, request: Request, by: Person | None, now: datetime, **what: Person | Comment
) -> None:
    happened(kind, project=request.project, actor=by, request=request, now=now, **what)
