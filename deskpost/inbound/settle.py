"""APPLY and LOG: what the rules decided is done and written down, in one transaction."""

from __future__ import annotations

import logging
import traceback
from datetime import datetime

from django.utils import timezone

from deskpost.desk import people, requests
from deskpost.inbound.parse import Parsed
from deskpost.inbound.rules import Verdict
from deskpost.mail import address, html, quotes
from deskpost.models import (
    Channel,
    InboundEmail,
    Person,
    Project,
    Request,
    Seen,
    new_id,
)
from deskpost.models.queue import complete
from deskpost.outcomes import OUTCOMES, Outcome

log = logging.getLogger(__name__)

COPIED_AT_MOST = 20


def record(row: InboundEmail, parsed: Parsed, verdict: Verdict, project: Project) -> None:
    """Do what was decided and complete the row; the caller holds the transaction and the project's
    lock. Raises LostClaim if the row is no longer ours."""
    now = timezone.now()
    request = verdict.request
    if verdict.outcome == Outcome.REQUEST_CREATED:
        request = _open_request(row, parsed, verdict, project, now)
    elif verdict.outcome == Outcome.COMMENT_ADDED:
        assert request is not None
        author = _author(parsed, project)
        requests.add_comment(request, author, _entry(row, parsed), now=now)
    key = request.key if request else str(verdict.facts.get("key", ""))
    if verdict.outcome not in {Outcome.DUPLICATE, Outcome.TOO_LARGE}:
        Seen.objects.create(
            project=project, fingerprint=parsed.fingerprint, incoming=row.id, request_key=key
        )
    _log(row, parsed, verdict, key, now)


def _log(row: InboundEmail, parsed: Parsed, verdict: Verdict, key: str, now: datetime) -> None:
    email = parsed.email
    sender = email.from_.address if email.from_ else ""
    complete(
        row,
        status=OUTCOMES[verdict.outcome].status,
        outcome=verdict.outcome,
        facts=verdict.facts,
        trail=verdict.trail,
        sender=(sender or row.envelope_from)[:320],
        sender_key=address.normalise(sender)[:320],
        sender_name=(email.from_.name if email.from_ else "")[:200],
        subject=email.subject[:500],
        message_id=(email.message_id or "")[:255],
        request_key=key,
        settled_at=now,
    )


def give_up(row: InboundEmail) -> None:
    """Set a message aside that failed alone three times: Failed, internal error."""
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
    log.error("incoming message %s failed (%s):\n%s", row.id, error_id, _trace(error))
    row.facts = {"error": type(error).__name__, "id": error_id}
    InboundEmail.objects.filter(pk=row.pk).update(facts=row.facts)


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def _open_request(
    row: InboundEmail, parsed: Parsed, verdict: Verdict, project: Project, now: datetime
) -> Request:
    reporter = _author(parsed, project)
    return requests.open_request(
        row.channel,
        reporter,
        parsed.email.subject,
        _entry(row, parsed),
        now=now,
        follows=verdict.follows,
        copied=_copied(parsed, project),
    )


def _author(parsed: Parsed, project: Project) -> Person:
    mailbox = parsed.email.from_
    assert mailbox is not None  # the rule "sender" has seen to it
    person = people.find_or_add(mailbox.address, mailbox.name, project.language)
    people.make_customer(project, person)
    return person


def _copied(parsed: Parsed, project: Project) -> list[Person]:
    """The people in To and Cc, but for our own channels, as far as the project allows it."""
    if not project.copies_become_participants or parsed.nature.kind != "human":
        return []
    others = {
        address.normalise(address.base_address(box.address)): box
        for box in (*parsed.email.to, *parsed.email.cc)
        if address.problem(box.address) is None
    }
    ours = Channel.objects.filter(address_key__in=list(others)).values_list(
        "address_key", flat=True
    )
    kept = [box for key, box in others.items() if key not in set(ours)][:COPIED_AT_MOST]
    added = [_customer(box, project) for box in kept]
    return list({person.pk: person for person in added if person}.values())


def _customer(box: address.Mailbox, project: Project) -> Person | None:
    """The person with that address, who becomes a customer where sign-up is open to all."""
    if not project.signup_open:
        person = people.find(box.address)
        return person if person and project.memberships.filter(person=person).exists() else None
    person = people.find_or_add(box.address, box.name, project.language)
    people.make_customer(project, person)
    return person


def _entry(row: InboundEmail, parsed: Parsed) -> requests.Entry:
    email = parsed.email
    whole = email.text if email.text and email.text.strip() else ""
    if not whole and email.html:
        whole = html.to_text(email.html)
    split = quotes.split(whole)
    return requests.Entry(
        text=split.new,
        rest=split.rest,
        html=html.sanitise(email.html) if email.html else "",
        files=[
            requests.NewFile(name=f.name, content_type=f.content_type, content=f.content)
            for f in email.attachments
        ],
        incoming=row.id,
        message_id=email.message_id,
        automatic=parsed.nature.kind != "human",
    )
