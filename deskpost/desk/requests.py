"""The sole writer of requests and comments. Every change here writes its Event in the same
transaction."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction

from deskpost.desk.events import happened
from deskpost.models import (
    Attachment,
    Channel,
    Comment,
    MessageId,
    Participant,
    Person,
    Project,
    Request,
    new_id,
)
from deskpost.outcomes import Kind

SUMMARY_LIMIT = 255
MESSAGE_ID_LIMIT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be kept with a comment."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What somebody says: new text, what was cut from it, safe HTML, files, and where from."""

    text: str
    rest: str = ""
    html: str = ""
    files: Sequence[NewFile] = field(default=())
    incoming: uuid.UUID | None = None
    message_id: str | None = None
    # Said by a machine: its sender gets no acknowledgement.
    automatic: bool = False

    @property
    def source(self) -> Comment.Source:
        return Comment.Source.EMAIL if self.incoming else Comment.Source.WEB


def open_request(
    channel: Channel,
    reporter: Person,
    summary: str,
    entry: Entry,
    *,
    now: datetime,
    follows: Request | None = None,
    copied: Iterable[Person] = (),
) -> Request:
    """Open a request with the next number of its project. Participants are those copied."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=channel.project_id)
        number = project.next_number
        project.next_number = number + 1
        project.save(update_fields=["next_number"])
        request = Request.objects.create(
            project=project,
            number=number,
            key=f"{project.key}-{number}",
            summary=(summary.strip() or "–")[:SUMMARY_LIMIT],
            reporter=reporter,
            request_type_id=channel.request_type_id,
            channel=channel,
            follows=follows,
            created_at=now,
            updated_at=now,
        )
        Participant.objects.bulk_create(
            Participant(request=request, person=person) for person in copied if person != reporter
        )
        comment = _write(request, reporter, entry, now, is_description=True)
        happened(
            Kind.REQUEST_CREATED,
            project=project,
            actor=reporter,
            request=request,
            comment=comment,
            incoming=entry.incoming,
            quiet=entry.automatic,
            now=now,
        )
    return request


def add_comment(request: Request, author: Person, entry: Entry, *, now: datetime) -> Comment:
    """Add a comment. A customer's answer opens a resolved request again; an agent's answer makes
    it wait for the customer."""
    with transaction.atomic():
        comment = _write(request, author, entry, now, is_description=False)
        request.status = _status_after(request, author)
        request.resolved_at = request.resolved_at if request.status in DONE else None
        request.updated_at = now
        request.save(update_fields=["status", "resolved_at", "updated_at"])
        happened(
            Kind.COMMENT_ADDED,
            project=request.project,
            actor=author,
            request=request,
            comment=comment,
            incoming=entry.incoming,
            quiet=entry.automatic,
            now=now,
        )
    return comment


def resolve(request: Request, *, now: datetime) -> None:
    """Mark the request resolved."""
    request.status, request.resolved_at, request.updated_at = Request.Status.RESOLVED, now, now
    request.save(update_fields=["status", "resolved_at", "updated_at"])


def reopen(request: Request, *, now: datetime) -> None:
    """Take a resolved or closed request up again."""
    request.status, request.resolved_at, request.updated_at = Request.Status.OPEN, None, now
    request.save(update_fields=["status", "resolved_at", "updated_at"])


DONE = frozenset({Request.Status.RESOLVED, Request.Status.CLOSED})


def _status_after(request: Request, author: Person) -> str:
    if is_involved(request, author):
        return Request.Status.OPEN
    if request.status == Request.Status.OPEN:
        return Request.Status.PENDING
    return request.status


def is_involved(request: Request, person: Person) -> bool:
    """Whether the person is the request's reporter or a participant."""
    return request.reporter_id == person.pk or request.participants.filter(person=person).exists()


def remember_message_id(request: Request, message_id: str | None) -> None:
    """Let answers to that message find the request, within its project, as long as it stands."""
    if message_id and len(message_id) <= MESSAGE_ID_LIMIT:
        MessageId.objects.get_or_create(
            project_id=request.project_id, message_id=message_id, defaults={"request": request}
        )


def _write(
    request: Request, author: Person, entry: Entry, now: datetime, *, is_description: bool
) -> Comment:
    comment = Comment.objects.create(
        request=request,
        author=author,
        is_description=is_description,
        source=entry.source,
        text=entry.text,
        rest=entry.rest,
        html=entry.html,
        incoming=entry.incoming,
        created_at=now,
    )
    Attachment.objects.bulk_create(_keep(comment, file, now) for file in entry.files)
    remember_message_id(request, entry.message_id)
    return comment


def _keep(comment: Comment, file: NewFile, now: datetime) -> Attachment:
    key = storages["default"].save(f"{now:%Y%m}/{new_id()}", ContentFile(file.content))
    return Attachment(
        comment=comment,
        name=file.name[:255],
        content_type=file.content_type[:120],
        size=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        storage_key=key,
    )
