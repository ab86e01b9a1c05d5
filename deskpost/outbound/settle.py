"""OUTCOME: what became of tries is written down: attempts, next tries, statuses.

The row of a try is written before it is made and completed after. `step` does both for several
connections in one transaction: what the finished ones brought, and what those are about to do that
are free again. So each outcome is committed before its connection is used for the next message.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.utils import timezone

from deskpost.mail.answers import Answer
from deskpost.models import Attempt, Notification, ProviderMessage, bulk, new_id, queue
from deskpost.models.queue import LostClaim, complete
from deskpost.outbound import notices, quota, schedule, suppress, suppress_soft
from deskpost.outcomes import NotificationStatus, Reason, Trouble

log = logging.getLogger(__name__)

# Longer than a try may last by the time limits of the clients.
TRY_LEASE: Final = timedelta(minutes=20)

Facts = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try under way: its row, the trail of the guards that let it pass, and whether the address
    has soft bounces that a success ends."""

    note: Notification
    attempt: Attempt
    trail: list[Facts]
    soft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one transaction is to write: tries with their answers, tries that no server has heard
    of, and tries that are about to begin (`Try.attempt` not yet in the database)."""

    answered: Sequence[tuple[Try, Answer]] = ()
    unheard: Sequence[Try] = ()
    beginning: Sequence[Try] = ()

    @property
    def notes(self) -> list[Notification]:
        """The notifications that it is about."""
        tries = [*(one for one, _ in self.answered), *self.unheard, *self.beginning]
        return [one.note for one in tries]


def step(work: Step) -> list[Try]:
    """Write it all; return the tries that may begin: those whose claim still holds."""
    now = timezone.now()
    try:
        with queue.undoing(work.notes):
            _answer_all(work.answered, now)
            _unhear(work.unheard)
            _begin_all(work.beginning, now)
    except LostClaim:
        return _one_by_one(work, now)
    return list(work.beginning)


def _one_by_one(work: Step, now: datetime) -> list[Try]:
    """Another worker has one of the rows: the others do not pay for it."""
    for one, answer in work.answered:
        if not _holds(lambda some: _answer_all(some, now), [(one, answer)], [one.note]):
            _finish_all([(one.attempt, answer)], now)  # what the server said is true all the same
    _unhear(work.unheard)
    return [
        one
        for one in work.beginning
        if _holds(lambda some: _begin_all(some, now), [one], [one.note])
    ]


def _holds(
    act: Callable[[Sequence[Item]], None], some: Sequence[Item], notes: Sequence[Notification]
) -> bool:
    try:
        with queue.undoing(notes):
            act(some)
    except LostClaim:
        log.warning("a notification was taken over by another worker")
        return False
    return True


# --- Beginning -----------------------------------------------------------------------------------

COMPOSED: Final = ("raw_key", "raw_size", "subject", "message_id", "first_try_at", "trail")


def attempt(note: Notification, server: str) -> Attempt:
    """Return the row of a try, not yet written."""
    return Attempt(notification=note, started_at=timezone.now(), server=server)


def _begin_all(tries: Sequence[Try], now: datetime) -> None:
    for one in tries:
        one.attempt.started_at = now
        one.note.first_try_at = one.note.first_try_at or now
        one.note.trail = one.trail
    queue.hold_all([one.note for one in tries], COMPOSED, now + TRY_LEASE)
    bulk.insert(one.attempt for one in tries)


def _unhear(tries: Sequence[Try]) -> None:
    """A try of which no server has heard was none: the day of tries has not begun with it."""
    if not tries:
        return
    Attempt.objects.filter(pk__in=[one.attempt.pk for one in tries]).delete()
    for one in tries:
        if one.note.first_try_at == one.attempt.started_at:
            rows = Notification.objects.filter(pk=one.note.pk)
            rows.filter(first_try_at=one.note.first_try_at).update(first_try_at=None)
            one.note.first_try_at = None


# --- Answers -------------------------------------------------------------------------------------


def _answer_all(answered: Sequence[tuple[Try, Answer]], now: datetime) -> None:
    if not answered:
        return
    _finish_all([(one.attempt, answer) for one, answer in answered], now)
    _sent([one for one, answer in answered if answer.kind == "accepted"], now)
    _remember([(one.note, answer) for one, answer in answered if answer.provider_id], now)
    for one, answer in answered:
        if answer.kind == "permanent":
            _refused(one, answer, now)
        elif answer.kind != "accepted":
            _postpone(one, answer, now)


def _finish_all(answered: Sequence[tuple[Attempt, Answer]], now: datetime) -> None:
    for row, answer in answered:
        row.ended_at, row.result = now, "temporary" if answer.kind == "down" else answer.kind
        row.code, row.enhanced = answer.code, (answer.enhanced or "")[:16]
        row.answer = answer.text
    names = ("ended_at", "result", "code", "enhanced", "answer")
    bulk.update([row for row, _ in answered], names)


def _sent(tries: Sequence[Try], now: datetime) -> None:
    if not tries:
        return
    for one in tries:
        note = one.note
        note.status, note.reason, note.facts = NotificationStatus.DELIVERED, "", {}
        note.settled_at = now
    names = ("status", "reason", "facts", "settled_at")
    queue.complete_all([one.note for one in tries], names)
    if ended := [one.note.address_key for one in tries if one.soft]:
        suppress_soft.accepted(ended)


def _remember(answered: Sequence[tuple[Notification, Answer]], now: datetime) -> None:
    """By which ids providers will speak of them later."""
    rows = [
        ProviderMessage(
            provider=answer.provider,
            message_id=answer.provider_id[:255],
            notification=note.pk,
            at=now,
        )
        for note, answer in answered
    ]
    bulk.insert(rows, ignore_conflicts=True)


def _refused(one: Try, answer: Answer, now: datetime) -> None:
    note, facts = one.note, _said(one.attempt, answer)
    if answer.suppress:
        evidence = facts | {"notification": str(note.id), "at": now.isoformat()}
        suppress.block(note.address, answer.suppress, evidence)
    elif suppress_soft.is_soft_answer(answer):
        suppress_soft.count(note, facts, now)
    if (answer.enhanced or "").startswith("5.7."):
        _tell_of_policy(note, facts)
    _fail(note, Reason(answer.reason or Reason.UNKNOWN_ERROR), facts, one.trail, now)


def _tell_of_policy(note: Notification, facts: Facts) -> None:
    domain = note.address.rpartition("@")[2]
    told = facts | {"notification": str(note.id), "project": note.project_id}
    notices.note(Trouble.POLICY, domain, told)


def _postpone(one: Try, answer: Answer, now: datetime) -> None:
    note, facts = one.note, _said(one.attempt, answer)
    tries = note.tries + 1
    if answer.again_after:
        facts["again_after"] = answer.again_after
    due_at = schedule.next_try(note.first_try_at or now, tries, now, answer.again_after)
    if due_at is None:
        if suppress_soft.is_soft_answer(answer):
            suppress_soft.count(note, facts, now)
        facts["gave_up"] = True
        _fail(note, Reason.SERVICE_PROVIDER_ERROR, facts, one.trail, now, tries=tries)
        return
    complete(note, due_at=due_at, tries=tries, facts=facts)


def _said(row: Attempt, answer: Answer) -> Facts:
    return {
        "server": row.server,
        "code": answer.code,
        "enhanced": answer.enhanced,
        "answer": answer.text,
    }


# --- Ends without a try --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A notification that a guard stopped."""

    note: Notification
    reason: Reason
    facts: Facts
    trail: list[Facts]


def stop(stopped: Sequence[Stopped]) -> None:
    """A guard stopped them: Failed, before anything was sent."""
    now = timezone.now()
    if not _holds(lambda some: _stop_all(some, now), stopped, [one.note for one in stopped]):
        for one in stopped:
            _holds(lambda some: _stop_all(some, now), [one], [one.note])


def _stop_all(stopped: Sequence[Stopped], now: datetime) -> None:
    quota.give_back([one.note for one in stopped])
    quota.note_stopped([one.note for one in stopped if one.reason == Reason.LIMIT_REACHED], now)
    for one in stopped:
        _fail(one.note, one.reason, one.facts, one.trail, now)


def broke(note: Notification, error: Exception | None) -> None:
    """An exception of ours, or three deaths: Failed, internal error, with an id to quote."""
    error_id, name = str(new_id()), type(error).__name__ if error else "WorkerDied"
    if error:
        trace = "".join(traceback.format_exception(error))
        log.error("notification %s failed (%s):\n%s", note.id, error_id, trace)
    facts = {"error": name, "id": error_id}
    with queue.undoing([note]):
        quota.give_back([note])
        _fail(note, Reason.INTERNAL_ERROR, facts, note.trail, timezone.now())
        told = facts | {"notification": str(note.id), "project": note.project_id}
        notices.note(Trouble.OWN_FAULT, "", told)


def _fail(
    note: Notification,
    reason: Reason,
    facts: Facts,
    trail: list[Facts],
    now: datetime,
    **more: Any,
) -> None:
    """What was composed is written too: of what the last guard stops no try has told the row."""
    kept = {name: getattr(note, name) for name in ("raw_key", "raw_size", "subject", "message_id")}
    complete(
        note,
        trail=trail,
        settled_at=now,
        status=NotificationStatus.FAILED,
        reason=reason,
        facts=facts,
        **kept,
        **more,
    )
