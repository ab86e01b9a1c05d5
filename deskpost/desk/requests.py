"""Single changes to a request, as an agent makes them on the web."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from deskpost.desk.book import Book
from deskpost.desk.entry import Entry
from deskpost.models import Channel, Comment, Person, Project, Request


def open_request(
    channel: Channel, reporter: Person, summary: str, entry: Entry, *, now: datetime
) -> Request:
    """Open a request for a person in the channel's project."""
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=channel.project_id))
        request = book.open_request(channel, reporter, summary, entry, now=now)
        book.write()
    return request


def add_comment(request: Request, author: Person, entry: Entry, *, now: datetime) -> Comment:
    """Add a comment to the request; it is changed in place, too."""
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=request.project_id))
        book.load_requests([request.pk], [], [])
        current = book.request_by_id(request.pk)
        assert current is not None  # requests are never deleted
        comment = book.add_comment(current, author, entry, now=now)
        book.write()
    request.refresh_from_db(fields=["status", "resolved_at", "updated_at"])
    return comment


def resolve(request: Request, *, now: datetime) -> None:
    """Mark the request resolved."""
    request.status, request.resolved_at, request.updated_at = Request.Status.RESOLVED, now, now
    request.save(update_fields=["status", "resolved_at", "updated_at"])


def reopen(request: Request, *, now: datetime) -> None:
    """Take a resolved or closed request up again."""
    request.status, request.resolved_at, request.updated_at = Request.Status.OPEN, None, now
    request.save(update_fields=["status", "resolved_at", "updated_at"])
