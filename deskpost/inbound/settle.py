"""APPLY and LOG: what the rules decided is done and written down, in one transaction."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from deskpost.desk.entry import Entry, NewFile
from deskpost.inbound.rules import Case, Verdict
from deskpost.mail import address
from deskpost.models import AuditEntry, Comment, InboundEmail, Person, Request, new_id
from deskpost.models.queue import complete, complete_all, undoing
from deskpost.outcomes import OUTCOMES, Outcome

log = logging.getLogger(__name__)

COPIED_AT_MOST = 20

# Between these, the Date of imported mail is believed: what it becomes looks as old as it is.
OLDEST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
DATE_AHEAD = timedelta(days=1)

WRITTEN = (
    "status",
    "outcome",
    "facts",
    "trail",
    "sender",
    "sender_key",
    "sender_name",
    "subject",
    "message_id",
    "request_key",
    "settled_at",
    "runs",
)
# Of more runs than these, the first one and the last ones are kept on the row.
RUNS_KEPT = 20
REPORTS = frozenset({Outcome.DELIVERY_STATUS, Outcome.COMPLAINT})
MADE = frozenset({Outcome.REQUEST_CREATED, Outcome.COMMENT_ADDED})


class NotAgain(Exception):
    """A message cannot be processed again: it still waits, or it has made what it can make."""


def record(case: Case, verdict: Verdict) -> None:
    """Do what was decided, in the book and in the history, and fill in the row. The caller writes
    all three, `write` for the rows, in the transaction that holds the project's lock."""
    now = timezone.now()
    said_at = _said_at(case, now)
    request = verdict.request
    if verdict.outcome == Outcome.REQUEST_CREATED:
        request = _open_request(case, verdict, said_at)
    elif verdict.outcome == Outcome.COMMENT_ADDED:
        assert request is not None
        case.book.add_comment(request, _author(case), _entry(case), now=said_at)
    key = _key(verdict, request)
    fill_in(case, verdict, key, now)
    case.history.take(case.row, case.parsed.fingerprint, case.row.sender_key, verdict.outcome, key)


def write(rows: Iterable[InboundEmail]) -> None:
    """Write the rows' outcomes. Raises LostClaim if one of them is no longer ours."""
    complete_all(list(rows), WRITTEN)


def _said_at(case: Case, now: datetime) -> datetime:
    """The moment that what it becomes bears: now, but for imported mail its Date if plausible."""
    date = case.parsed.email.date
    if case.row.is_import and date and OLDEST_DATE <= date <= now + DATE_AHEAD:
        return date
    return now


def tell(row: InboundEmail, news: dict[str, Any]) -> None:
    """Write on a report's row what it proved and changed, and which request that is about."""
    row.facts = row.facts | news
    row.request_key = row.request_key or str(news.get("about", ""))


def begin_again(row: InboundEmail) -> None:
    """Put what the last run came to among the row's earlier runs. Raises NotAgain if the message
    waits or has made a request or a comment: that happens once at most."""
    if row.due_at is not None:
        raise NotAgain("it waits to be processed")
    if row.outcome in MADE or Comment.objects.filter(incoming=row.id).exists():
        raise NotAgain(f"it has become {row.request_key}")
    last = {
        "run": row.run,
        "at": row.settled_at.isoformat() if row.settled_at else "",
        "outcome": row.outcome,
        "facts": row.facts,
        "trail": row.trail,
    }
    row.runs = [*row.runs, last]
    if len(row.runs) > RUNS_KEPT:
        row.runs = [row.runs[0], *row.runs[1 - RUNS_KEPT :]]


def note_again(row: InboundEmail, by: Person) -> None:
    """Leave an audit entry of a run that somebody asked for."""
    AuditEntry.objects.create(
        person=by,
        project_id=row.project_id,
        act=AuditEntry.Act.REPROCESS,
        subject=str(row.id),
        details={"run": row.run, "before": row.runs[-1]["outcome"], "after": row.outcome},
    )


def rehearse(case: Case, verdict: Verdict) -> None:
    """Fill in a row that is never written: what the message would come to."""
    fill_in(case, verdict, _key(verdict, verdict.request), timezone.now())


def _key(verdict: Verdict, request: Request | None) -> str:
    """The key that the row is to bear: of the request, or of the first copy's."""
    return request.key if request else str(verdict.facts.get("key", ""))


def fill_in(case: Case, verdict: Verdict, key: str, now: datetime) -> None:
    """Write on the row what was decided, and what the message says of itself."""
    row, email = case.row, case.parsed.email
    row.status = OUTCOMES[verdict.outcome].status
    row.outcome, row.trail = verdict.outcome, verdict.trail
    row.facts = verdict.facts | ({"notes": case.parsed.notes} if case.parsed.notes else {})
    row.sender = (case.sender or row.envelope_from)[:320]
    row.sender_key = address.normalise(case.sender)[:320]
    row.sender_name = (email.from_.name if email.from_ else "")[:200]
    row.subject = email.subject[:500]
    row.message_id = (email.message_id or "")[:255]
    row.request_key, row.settled_at = key, now


def give_up(row: InboundEmail) -> None:
    """Set a message aside that failed alone three times: Failed, internal error."""
    with undoing([row]):  # it is settled with its line, or not at all
        complete(
            row,
            status=OUTCOMES[Outcome.INTERNAL_ERROR].status,
            outcome=Outcome.INTERNAL_ERROR,
            facts=row.facts or {"error": "WorkerDied", "id": str(new_id())},
            sender=row.envelope_from,
            settled_at=timezone.now(),
        )


def note_error(row: InboundEmail, error: Exception) -> None:
    """Keep the error's name and an id to quote on the row; the trace goes to our own log."""
    error_id = str(new_id())
    trace = "".join(traceback.format_exception(error))
    log.error("incoming message %s failed (%s):\n%s", row.id, error_id, trace)
    row.facts = {"error": type(error).__name__, "id": error_id}
    InboundEmail.objects.filter(pk=row.pk).update(facts=row.facts)


def _open_request(case: Case, verdict: Verdict, now: datetime) -> Request:
    return case.book.open_request(
        case.row.channel,
        _author(case),
        case.parsed.email.subject,
        _entry(case),
        now=now,
        follows=verdict.follows,
        copied=_copied(case),
    )


def _author(case: Case) -> Person:
    mailbox = case.parsed.email.from_
    assert mailbox is not None  # the rule "sender" has seen to it
    return case.book.customer(mailbox.address, mailbox.name)


def _copied(case: Case) -> list[Person]:
    """The people in To and Cc, but for our own channels, as far as the project allows it."""
    if not case.project.copies_become_participants or case.parsed.nature.kind != "human":
        return []
    email = case.parsed.email
    others = {
        address.normalise(address.base_address(box.address)): box
        for box in (*email.to, *email.cc)
        if address.problem(box.address) is None
    }
    kept = [box for key, box in others.items() if key not in case.channels][:COPIED_AT_MOST]
    added = [_customer(case, box) for box in kept]
    return [person for person in added if person]


def _customer(case: Case, box: address.Mailbox) -> Person | None:
    """The person with that address, who becomes a customer where sign-up is open to all."""
    if case.project.signup_open:
        return case.book.customer(box.address, box.name)
    person = case.book.person(box.address)
    return person if person and case.book.role(person) else None


def _entry(case: Case) -> Entry:
    parsed, email = case.parsed, case.parsed.email
    return Entry(
        text=parsed.text.new,
        rest=parsed.text.rest,
        html=parsed.html,
        files=[
            NewFile(
                name=f.name,
                content_type=f.content_type,
                content=f.content,
                content_id=f.content_id or "",
            )
            for f in email.attachments
        ],
        incoming=case.row.id,
        message_id=email.message_id,
        automatic=parsed.nature.quiet,
        silent=case.row.is_silent,
        notes=parsed.notes,
    )
