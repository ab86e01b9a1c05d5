"""The sole writer of requests, comments and customers: one project's desk, as far as a batch of
changes needs it. Read at once, changed in memory, written at once, in a few statements.

The caller holds the project's lock and the transaction, from before the book is opened until it is
written. Each change leaves an Event in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache

from django.core.files.storage import storages
from django.db.models import Q

from deskpost import storage, wake
from deskpost.desk.entry import Entry
from deskpost.mail import address
from deskpost.models import (
    Attachment,
    Channel,
    Comment,
    Event,
    Membership,
    MessageId,
    Participant,
    Person,
    Project,
    Request,
    Role,
    bulk,
)
from deskpost.outcomes import Kind

NAME_LIMIT = 200
SUMMARY_LIMIT = 255
MESSAGE_ID_LIMIT = 255
DONE = frozenset({Request.Status.RESOLVED, Request.Status.CLOSED})


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="files")


class Book:
    """One project's desk. Load what is needed, ask and change, then `write`."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._people: dict[str, Person] = {}  # by normalised address
        self._roles: dict[str, str] = {}
        self._requests: dict[str, Request] = {}  # by key
        self._answered: dict[str, str] = {}  # the key of the request, by Message-ID
        self._involved: set[tuple[str, str]] = set()  # request's key, participant's address
        self._new_people: dict[str, Person] = {}
        self._named: dict[str, Person] = {}
        self._memberships: list[Membership] = []
        self._new_requests: list[Request] = []
        self._changed: dict[str, Request] = {}
        self._participants: list[Participant] = []
        self._comments: list[Comment] = []
        self._attachments: list[Attachment] = []
        self._files = storage.Writing(storages["default"], _pool())
        self._message_ids: list[MessageId] = []
        self._events: list[Event] = []

    # --- Reading ---

    def load_people(self, addresses: Iterable[str]) -> None:
        """Read who has these addresses, and their part in the project."""
        keys = {address.normalise(email) for email in addresses}
        for person in Person.objects.filter(email_key__in=keys):
            self._people[person.email_key] = person
        parts = Membership.objects.filter(project=self.project, person__email_key__in=keys)
        self._roles |= dict(parts.values_list("person__email_key", "role"))

    def load_requests(
        self, ids: Iterable[int], numbers: Iterable[int], message_ids: Iterable[str]
    ) -> None:
        """Read the project's requests by id, by number, or by a Message-ID of theirs."""
        known = MessageId.objects.filter(project=self.project, message_id__in=set(message_ids))
        found = dict(known.values_list("message_id", "request_id"))
        wanted = Q(pk__in={*ids, *found.values()}) | Q(number__in=set(numbers))
        rows = Request.objects.filter(wanted, project=self.project).select_related("reporter")
        by_id = {request.pk: request for request in rows}
        self._requests |= {request.key: request for request in by_id.values()}
        self._answered |= {message_id: by_id[pk].key for message_id, pk in found.items()}
        parts = Participant.objects.filter(request__in=by_id)
        self._involved |= set(parts.values_list("request__key", "person__email_key"))

    def person(self, email: str) -> Person | None:
        """Return who has the address, if they were loaded or added."""
        return self._people.get(address.normalise(email))

    def role(self, person: Person) -> str | None:
        return self._roles.get(person.email_key)

    def request_by_id(self, pk: int) -> Request | None:
        return next((one for one in self._requests.values() if one.pk == pk), None)

    def request_by_number(self, number: int) -> Request | None:
        return self._requests.get(f"{self.project.key}-{number}")

    def request_by_message_id(self, message_id: str) -> Request | None:
        key = self._answered.get(message_id)
        return self._requests[key] if key else None

    def is_involved(self, request: Request, person: Person) -> bool:
        """Whether the person is the request's reporter or a participant."""
        return (
            request.reporter.email_key == person.email_key
            or (request.key, person.email_key) in self._involved
        )

    # --- Changing ---

    def customer(self, email: str, name: str) -> Person:
        """Return who has the address, added if new, with at least a customer's part. A known name
        is not overwritten."""
        key = address.normalise(email)
        person = self._people.get(key)
        if person is None:
            person = Person(
                email=email,
                email_key=key,
                name=name[:NAME_LIMIT],
                language=self.project.language,
                password="!",  # noqa: S106 (unusable: they sign in by invitation or reset)
            )
            self._people[key] = self._new_people[key] = person
        elif name and not person.name:
            person.name = name[:NAME_LIMIT]
            self._named[key] = person
        if key not in self._roles:
            self._roles[key] = Role.CUSTOMER
            self._memberships.append(
                Membership(project=self.project, person=person, role=Role.CUSTOMER)
            )
        return person

    def open_request(
        self,
        channel: Channel,
        reporter: Person,
        summary: str,
        entry: Entry,
        *,
        now: datetime,
        follows: Request | None = None,
        copied: Iterable[Person] = (),
    ) -> Request:
        """Open a request with the project's next number. Participants are those copied."""
        number = self.project.next_number
        self.project.next_number = number + 1
        request = Request(
            project=self.project,
            number=number,
            key=f"{self.project.key}-{number}",
            summary=(summary.strip() or "–")[:SUMMARY_LIMIT],
            reporter=reporter,
            request_type_id=channel.request_type_id,
            channel=channel,
            follows=follows,
            created_at=now,
            updated_at=now,
        )
        self._requests[request.key] = request
        self._new_requests.append(request)
        for person in copied:
            self.take_part(request, person)
        comment = self._write_down(request, reporter, entry, now, is_description=True)
        self._tell(Kind.REQUEST_CREATED, comment, entry, now)
        return request

    def take_part(self, request: Request, person: Person) -> bool:
        """Make the person a participant; return whether they had no part in the request."""
        if self.is_involved(request, person):
            return False
        self._involved.add((request.key, person.email_key))
        self._participants.append(Participant(request=request, person=person))
        return True

    def add_comment(
        self, request: Request, author: Person, entry: Entry, *, now: datetime
    ) -> Comment:
        """Add a comment. A customer's answer opens a resolved request again; an agent's answer
        makes it wait for the customer."""
        comment = self._write_down(request, author, entry, now, is_description=False)
        # An old comment that comes in late says nothing of how the request stands now.
        if not entry.silent or now >= request.updated_at:
            request.status = self._status_after(request, author)
            request.resolved_at = request.resolved_at if request.status in DONE else None
        self.touch(request, now=now)
        self._tell(Kind.COMMENT_ADDED, comment, entry, now)
        return comment

    def _status_after(self, request: Request, author: Person) -> str:
        if self.is_involved(request, author):
            return Request.Status.OPEN
        if request.status == Request.Status.OPEN:
            return Request.Status.PENDING
        return request.status

    def set_status(self, request: Request, status: Request.Status, *, now: datetime) -> None:
        """Give the request that status. When it was resolved stays known while it is closed."""
        was_done, request.status = request.status in DONE, status
        if status not in DONE:
            request.resolved_at = None
        elif not was_done:
            request.resolved_at = now
        self.touch(request, now=now)

    def touch(self, request: Request, *, now: datetime) -> None:
        """Let the request stand among the last touched."""
        request.updated_at = max(now, request.updated_at)
        self._changed[request.key] = request

    def _write_down(
        self, request: Request, author: Person, entry: Entry, now: datetime, *, is_description: bool
    ) -> Comment:
        comment = Comment(
            request=request,
            author=author,
            is_description=is_description,
            source=entry.source,
            text=entry.text,
            rest=entry.rest,
            html=entry.html,
            incoming=entry.incoming,
            notes=list(entry.notes),
            created_at=now,
        )
        self._comments.append(comment)
        for file in entry.files:
            attachment = file.attached(comment, now)
            self._attachments.append(attachment)
            self._files.add(attachment.storage_key, file.content)
        self._remember(request, entry.message_id)
        return comment

    def _remember(self, request: Request, message_id: str | None) -> None:
        """Let answers to that message find the request, for as long as it stands."""
        if message_id and len(message_id) <= MESSAGE_ID_LIMIT and message_id not in self._answered:
            self._answered[message_id] = request.key
            self._message_ids.append(
                MessageId(project=self.project, message_id=message_id, request=request)
            )

    def _tell(self, kind: Kind, comment: Comment, entry: Entry, now: datetime) -> None:
        if not entry.silent:
            self._events.append(
                Event(
                    kind=kind,
                    project=self.project,
                    actor=comment.author,
                    request=comment.request,
                    comment=comment,
                    incoming=entry.incoming,
                    quiet=entry.automatic,
                    due_at=now,
                )
            )

    # --- Writing ---

    def write(self) -> None:
        """Write every change. A row never names a file that is not on the disk: files have been on
        their way since they were known, and are waited for before the caller can commit."""
        self._write_people()
        self._write_requests()
        bulk.insert(self._comments)
        bulk.insert(self._attachments)
        bulk.insert(self._message_ids, ignore_conflicts=True)
        bulk.insert(self._events)
        self._files.finish()
        if self._events:
            wake.up(wake.Stage.ANNOUNCE)

    def _write_people(self) -> None:
        if self._new_people:
            # Another project's batch may add the same person at this moment: then theirs is ours.
            bulk.insert(self._new_people.values(), ignore_conflicts=True)
            rows = Person.objects.filter(email_key__in=self._new_people)
            for key, pk in rows.values_list("email_key", "pk"):
                self._new_people[key].pk = pk
        Person.objects.bulk_update(self._named.values(), ["name"])
        bulk.insert(self._memberships, ignore_conflicts=True)

    def _write_requests(self) -> None:
        if self._new_requests:
            self.project.save(update_fields=["next_number"])
            bulk.insert(self._new_requests)
        for key in (one.key for one in self._new_requests):
            self._changed.pop(key, None)  # it was written as it stands now
        Request.objects.bulk_update(self._changed.values(), ["status", "resolved_at", "updated_at"])
        bulk.insert(self._participants, ignore_conflicts=True)
