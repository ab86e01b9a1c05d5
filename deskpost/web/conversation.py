"""A request's page: what was said, how its notifications fared, whom an answer reaches."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models.functions import Left
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deskpost.logs import notes, words
from deskpost.mail import address
from deskpost.models import Attachment, Comment, InboundEmail, Notification, Person, Request
from deskpost.outbound import audience, suppress
from deskpost.outbound.audience import Concerned, Rules
from deskpost.outcomes import Kind, NotificationStatus
from deskpost.web import plaintext

PAGE = 100  # entries on one page
ASKED = 20  # people whom the hint under the answer names


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Someone whom a notification did not reach, and the notification."""

    name: str
    notification: uuid.UUID


@dataclass(slots=True)
class Post:
    """How the notifications of one entry fared; withheld ones were never meant to go."""

    delivered: int = 0
    failed: int = 0
    queued: int = 0
    missed: list[Missed] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.delivered or self.failed or self.queued)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the conversation, ready to be shown."""

    comment: Comment
    part: str  # reporter, participant or agent
    text: SafeString
    rest: SafeString
    shortened: bool
    is_formatted: bool
    notes: list[str]
    files: list[Attachment]
    post: Post
    has_email_entry: bool
    editable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A page of the conversation, in order of time; `earlier` asks for the page before it."""

    entries: list[Entry]
    earlier: int | None


def read(request: Request, reader: Person, before: int | None = None) -> Conversation:
    """Return the last entries of the conversation, or the last before that comment."""
    rows = _rows(request, before)
    more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
    comments = [row.comment for row in rows]
    posts = _posts(request, comments)
    kept = _kept_emails(comments)
    participants = set(request.participants.values_list("person_id", flat=True))
    entries = [
        Entry(
            comment=row.comment,
            part=_part(request, row.comment, participants),
            text=plaintext.paragraphs(row.text),
            rest=plaintext.paragraphs(row.rest),
            is_formatted=row.is_formatted,
            shortened=len(row.text) > plaintext.SHOWN,
            notes=notes.said(row.comment.notes),
            files=list(row.comment.attachments.all()),
            post=posts[row.comment.pk],
            has_email_entry=row.comment.incoming in kept,
            editable=may_edit(row.comment, reader),
        )
        for row in rows
    ]
    return Conversation(entries=entries, earlier=comments[0].pk if more else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A comment without its texts, and as much of them as is shown."""

    comment: Comment
    text: str
    rest: str
    is_formatted: bool


def _rows(request: Request, before: int | None) -> list[_Row]:
    """Return one more than a page, newest first."""
    comments = request.comments.order_by("-pk").defer("text", "rest", "html")
    if before is not None:
        comments = comments.filter(pk__lt=before)
    found = (
        comments.select_related("author")
        .prefetch_related("attachments")
        .annotate(
            head=Left("text", plaintext.SHOWN + 1),
            tail=Left("rest", plaintext.SHOWN),
            formatted=Left("html", 1),
        )
    )
    return [
        _Row(comment=row, text=row.head, rest=row.tail, is_formatted=bool(row.formatted))
        for row in found[: PAGE + 1]
    ]


def may_edit(comment: Comment, reader: Person) -> bool:
    """Whether the reader may change the comment: only their own, and never what was asked."""
    return comment.author_id == reader.pk and not comment.is_description


def _part(request: Request, comment: Comment, participants: set[int]) -> str:
    if comment.author_id == request.reporter_id:
        return _("reporter")
    return _("participant") if comment.author_id in participants else _("agent")


def _posts(request: Request, comments: Iterable[Comment]) -> defaultdict[int, Post]:
    """Return how each comment's notifications fared; by the log, and so while its rows live."""
    posts: defaultdict[int, Post] = defaultdict(Post)
    rows = (
        Notification.objects.filter(
            project=request.project_id, request_key=request.key, comment__in=comments
        )
        .select_related("person")
        .only("comment_id", "status", "person__name", "person__email")
        .order_by("pk")
    )
    for note in rows:
        _count(posts[note.comment_id or 0], note)
    return posts


def _count(post: Post, note: Notification) -> None:
    if note.status == NotificationStatus.DELIVERED:
        post.delivered += 1
    elif note.status == NotificationStatus.QUEUED:
        post.queued += 1
    elif note.status == NotificationStatus.FAILED:
        post.failed += 1
        post.missed.append(Missed(name=str(note.person), notification=note.pk))


def _kept_emails(comments: Iterable[Comment]) -> set[uuid.UUID | None]:
    """Return which of the messages that the comments came from are still in the log."""
    ids = [comment.incoming for comment in comments if comment.incoming]
    return set(InboundEmail.objects.filter(pk__in=ids).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom an answer would reach by email, and whom not and why."""

    reached: list[str]
    missed: list[str]
    others: int

    def sentences(self) -> list[str]:
        """Return it in words."""
        said = []
        if self.reached:
            said.append(_("Goes to %(people)s.") % {"people": words.listed(self.reached)})
        elif not self.others:
            said.append(_("Goes to nobody by email."))
        if self.missed:
            said.append(_("Not to %(people)s.") % {"people": words.listed(self.missed)})
        if self.others:
            said.append(_("%(count)s more people take part.") % {"count": self.others})
        return said


def reach(request: Request, author: Person) -> Reach:
    """Return whom an answer by that author reaches: the reporter and the participants, save the
    author and those to whom nothing is sent."""
    people = [one for one in audience.involved(request) if one.person.pk != author.pk]
    muted = set(request.muted.values_list("person_id", flat=True))
    rules = audience.Rules(request.project_id, [Kind.COMMENT_ADDED])
    asked = [
        (plaintext.one_line(str(one.person)), _unwanted(one, muted, rules) or obstacle(one.person))
        for one in people[:ASKED]
    ]
    return Reach(
        reached=[name for name, why in asked if why is None],
        missed=[_("%(name)s (%(why)s)") % {"name": n, "why": why} for n, why in asked if why],
        others=max(0, len(people) - ASKED),
    )


def _unwanted(one: Concerned, muted: set[int], rules: Rules) -> str | None:
    """Return why the person is not to be told, if so; in the order of outbound/announce.py."""
    if one.person.pk in muted:
        return _("has muted this request")
    return None if rules.tell(Kind.COMMENT_ADDED, one.part) else _("rule switched off")


def obstacle(person: Person) -> str | None:
    """Return why email would not reach the person, if so; in the order of outbound/guards.py."""
    if address.problem(person.email, smtputf8=True):
        return _("malformed address")
    if person.address_private:
        return _("private address")
    if person.unsubscribed_at:
        return _("unsubscribed")
    return _("address blocked") if suppress.is_blocked(person.email) else None
