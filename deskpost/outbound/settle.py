"""OUTCOME: what became of a try is written down: attempt, next try, status."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deskpost.mail.answers import Answer
from deskpost.models import Attempt, Notification, QuotaPeriod, new_id
from deskpost.models.queue import complete
from deskpost.outbound import suppress, suppress_soft
from deskpost.outcomes import NotificationStatus, Reason

log = logging.getLogger(__name__)

# Minutes from each temporary refusal to the next try; the last interval is repeated.
RETRY_MINUTES = (1, 5, 15, 60, 120, 240, 480)
GIVE_UP_AFTER = timedelta(hours=24)


def begin(note: Notification, server: str) -> Attempt:
    """Write the row of a try before it is made."""
    return Attempt.objects.create(notification=note, started_at=timezone.now(), server=server)


def answered(note: Notification, attempt: Attempt, answer: Answer, trail: list[Any]) -> None:
    """Write the server's answer: delivered, failed with a reason, or when the next try is."""
    now = timezone.now()
    with transaction.atomic():
        _finish(attempt, answer, now)
        if answer.kind == "accepted":
            _count_sent(now)
            _complete(note, now, trail, status=NotificationStatus.DELIVERED, facts={})
            suppress_soft.accepted(note.address_key)
        elif answer.kind == "permanent":
            _refused(note, attempt, answer, trail, now)
        else:
            _postpone(note, attempt, answer, trail, now)


def stopped(note: Notification, reason: Reason, facts: dict[str, Any], trail: list[Any]) -> None:
    """A guard stopped it: Failed, before anything was sent."""
    _fail(note, reason, facts, trail, timezone.now())


def broke(note: Notification, error: Exception | None) -> None:
    """An exception of ours, or three deaths: Failed, internal error, with an id to quote."""
    error_id, name = str(new_id()), type(error).__name__ if error else "WorkerDied"
    if error:
        trace = "".join(traceback.format_exception(error))
        log.error("notification %s failed (%s):\n%s", note.id, error_id, trace)
    _fail(note, Reason.INTERNAL_ERROR, {"error": name, "id": error_id}, note.trail, timezone.now())


def next_try(created_at: datetime, tries: int, now: datetime) -> datetime | None:
    """Return when to try again after that many tries, or None when it is time to give up."""
    minutes = RETRY_MINUTES[min(tries, len(RETRY_MINUTES)) - 1]
    moment = now + timedelta(minutes=minutes)
    return moment if moment - created_at <= GIVE_UP_AFTER else None


def _finish(attempt: Attempt, answer: Answer, now: datetime) -> None:
    attempt.ended_at, attempt.result = now, answer.kind
    attempt.code, attempt.enhanced, attempt.answer = answer.code, answer.enhanced or "", answer.text
    attempt.save(update_fields=["ended_at", "result", "code", "enhanced", "answer"])


def _count_sent(now: datetime) -> None:
    day = now.astimezone(UTC).date()
    QuotaPeriod.objects.get_or_create(day=day)
    QuotaPeriod.objects.filter(day=day).update(sent=F("sent") + 1)


def _said(attempt: Attempt, answer: Answer) -> dict[str, Any]:
    return {
        "server": attempt.server,
        "code": answer.code,
        "enhanced": answer.enhanced,
        "answer": answer.text,
    }


def _refused(
    note: Notification, attempt: Attempt, answer: Answer, trail: list[Any], now: datetime
) -> None:
    facts = _said(attempt, answer)
    if answer.suppress:
        evidence = facts | {"notification": str(note.id), "at": now.isoformat()}
        suppress.block(note.address, answer.suppress, evidence)
    elif suppress_soft.is_soft_answer(answer):
        suppress_soft.count(note, facts, now)
    _fail(note, Reason(answer.reason or Reason.UNKNOWN_ERROR), facts, trail, now)


def _postpone(
    note: Notification, attempt: Attempt, answer: Answer, trail: list[Any], now: datetime
) -> None:
    tries = note.tries + 1
    due_at, facts = next_try(note.created_at, tries, now), _said(attempt, answer)
    if due_at is None:
        if suppress_soft.is_soft_answer(answer):
            suppress_soft.count(note, facts, now)
        facts["gave_up"] = True
        _fail(note, Reason.SERVICE_PROVIDER_ERROR, facts, trail, now, tries=tries)
        return
    complete(note, due_at=due_at, tries=tries, facts=facts, trail=trail)


def _fail(
    note: Notification,
    reason: Reason,
    facts: dict[str, Any],
    trail: list[Any],
    now: datetime,
    **more: Any,
) -> None:
    _complete(
        note, now, trail, status=NotificationStatus.FAILED, reason=reason, facts=facts, **more
    )


def _complete(note: Notification, now: datetime, trail: list[Any], **fields: Any) -> None:
    complete(note, trail=trail, settled_at=now, **fields)
