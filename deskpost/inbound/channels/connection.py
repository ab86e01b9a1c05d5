"""How a custom channel stands with its mailbox: the state machine, and the connectivity log.

    new ─→ connected ⇄ retrying ⇄ needs attention        a person: paused, resumed, try now

Each change of state and each distinct failure is a row of the log; a failure that repeats is
counted on its row. Only this module writes either.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deskpost import wake
from deskpost.inbound.channels import lease
from deskpost.models import ConnectionEvent, Mailbox, Person, moment_of, new_id
from deskpost.net import Fault
from deskpost.problems import ConnectionState, Family, Notice, Problem

# Seconds until the next try. The first two failures of a kind in a row are quiet: most pass.
QUIET = (5, 15)
LADDER = (60, 5 * 60, 15 * 60, 60 * 60)
# A wrong password tried often locks the account; where a person must act, haste helps nobody.
SLOW_LADDER = (15 * 60, 60 * 60)
RATE_LIMIT_SECONDS = 15 * 60
LONGEST_SECONDS = 60 * 60
JITTER = 0.2
# A network that has been down for so long is a matter for a person too.
ATTENTION_AFTER = timedelta(hours=1)
# How often "it works" is written down when nothing else has changed.
NOTE_SUCCESS_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What follows from a failure. `seconds` is None if only a person can help; a quiet failure
    changes no state and has no row."""

    state: ConnectionState
    seconds: float | None
    quiet: bool = False


def plan(
    problem: Problem, failures: int, down: timedelta, *, hint: float = 0, new: bool = False
) -> Plan:
    """Return what follows from the `failures`-th failure of its family in a row.

    `down` is how long nothing has worked, `hint` the seconds for which the server asked, `new`
    whether the mailbox was never connected: somebody is waiting to hear then. Without jitter.
    """
    if problem == Problem.GRANT_REVOKED:
        return Plan(state=ConnectionState.ATTENTION, seconds=None)
    if problem == Problem.RATE_LIMITED:
        wait = min(max(hint, 60), LONGEST_SECONDS) if hint else RATE_LIMIT_SECONDS
        return Plan(state=ConnectionState.RETRYING, seconds=wait)
    if problem.family == Family.SETTINGS:
        return Plan(state=ConnectionState.ATTENTION, seconds=_rung(SLOW_LADDER, failures))
    if failures <= len(QUIET) and not new:
        return Plan(state=ConnectionState.RETRYING, seconds=QUIET[failures - 1], quiet=True)
    loud = failures - (0 if new else len(QUIET))
    if problem.family == Family.SIGN_IN:
        return Plan(state=ConnectionState.ATTENTION, seconds=_rung(SLOW_LADDER, loud))
    late = down >= ATTENTION_AFTER
    return Plan(
        state=ConnectionState.ATTENTION if late else ConnectionState.RETRYING,
        seconds=_rung(LADDER, loud),
    )


def _rung(ladder: tuple[int, ...], step: int) -> int:
    return ladder[min(max(step, 1), len(ladder)) - 1]


# --- What the poller tells ------------------------------------------------------------------------


def failed(
    mailbox: Mailbox, fault: Fault, *, taken: int = 0, chance: Callable[[], float] = random.random
) -> float | None:
    """Note a failure of an owned mailbox; return in how many seconds to try again (None: not
    before a person acts). `taken` messages had been taken before. Raises LostLease."""
    now = timezone.now()
    since = mailbox.down_since or now
    # What took something has worked: a server that ends each connection after some hundred
    # messages is not left alone for an hour each time.
    count = (0 if taken else int(mailbox.failures.get(fault.problem.family, 0))) + 1
    found = plan(
        fault.problem,
        count,
        now - since,
        hint=float(fault.facts.get("seconds") or 0),
        new=mailbox.state == ConnectionState.NEW,
    )
    seconds = found.seconds
    if seconds is not None and not found.quiet:
        seconds *= 1 - JITTER + 2 * JITTER * chance()
    fields: dict[str, Any] = {
        "failures": mailbox.failures | {str(fault.problem.family): count},
        "down_since": since,
        "next_try_at": None if seconds is None else now + timedelta(seconds=seconds),
    }
    facts = _facts(mailbox, fault, taken, seconds)
    if not found.quiet:
        fields |= {"state": found.state, "problem": fault.problem, "facts": facts}
    with transaction.atomic():
        lease.write(mailbox, **fields)
        if not found.quiet:
            _count_or_add(mailbox, found.state, fault.problem, facts, now)
    return seconds


def _facts(mailbox: Mailbox, fault: Fault, taken: int, seconds: float | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"host": mailbox.host, "port": mailbox.port, **fault.facts}
    if fault.said:
        facts["said"] = fault.said
    if fault.step:
        facts["step"] = str(fault.step)
    if taken:
        facts["taken"] = taken
    if seconds is not None:
        facts["minutes"] = max(1, round(seconds / 60))
    return facts


def works(mailbox: Mailbox, *, taken: int) -> None:
    """Note that an owned mailbox was reached and has nothing more to give. Raises LostLease."""
    now = timezone.now()
    was = mailbox.state
    if was == ConnectionState.CONNECTED and not mailbox.failures:
        recent = mailbox.last_success_at and now - mailbox.last_success_at < NOTE_SUCCESS_EVERY
        if not recent or taken:
            lease.write(mailbox, last_success_at=now, next_try_at=None)
        return
    facts: dict[str, Any] = {"taken": taken}
    if was == ConnectionState.NEW:
        notice, facts = Notice.CONNECTED, facts | {"old": mailbox.old_count}
    else:
        notice = Notice.CONNECTED_AGAIN
        if mailbox.down_since:
            facts["down_seconds"] = int((now - mailbox.down_since).total_seconds())
    with transaction.atomic():
        lease.write(
            mailbox,
            state=ConnectionState.CONNECTED,
            problem="",
            facts={},
            failures={},
            down_since=None,
            next_try_at=None,
            last_success_at=now,
        )
        if was != ConnectionState.CONNECTED:  # quiet failures that passed leave no row
            _add(mailbox, ConnectionState.CONNECTED, notice, facts, now)


def tell(mailbox: Mailbox, notice: Notice, **facts: Any) -> None:
    """Write a row of the connectivity log that changes no state."""
    _add(mailbox, mailbox.state, notice, facts, timezone.now())


# --- What people do -------------------------------------------------------------------------------


def pause(mailbox: Mailbox, by: Person) -> None:
    """Take no mail until it is resumed. What is in the mailbox stays there."""
    now = timezone.now()
    with transaction.atomic():
        if _state_now(mailbox) in (None, ConnectionState.PAUSED):
            return
        _change(mailbox, ConnectionState.PAUSED, down_since=mailbox.down_since or now)
        _add(mailbox, ConnectionState.PAUSED, Notice.PAUSED, {"by": by.name or by.email}, now)
    wake.up(wake.Stage.POLL)


def resume(mailbox: Mailbox, by: Person) -> None:
    """Take mail again, and what has arrived meanwhile."""
    state = ConnectionState.RETRYING if mailbox.last_success_at else ConnectionState.NEW
    with transaction.atomic():
        if _state_now(mailbox) != ConnectionState.PAUSED:
            return
        _change(mailbox, state, failures={}, next_try_at=None)
        _add(mailbox, state, Notice.RESUMED, {"by": by.name or by.email}, timezone.now())
    wake.up(wake.Stage.POLL)


def changed(mailbox: Mailbox, by: Person) -> None:
    """Note that a person changed how to get in, or signed in anew: it is tried at once."""
    with transaction.atomic():
        state = _state_now(mailbox)
        if state is None:
            return
        if state == ConnectionState.ATTENTION:
            state = ConnectionState.RETRYING
        _change(mailbox, state, failures={}, next_try_at=None)
        if state != ConnectionState.NEW:
            facts = {"by": by.name or by.email}
            _add(mailbox, state, Notice.SETTINGS_CHANGED, facts, timezone.now())
    wake.up(wake.Stage.POLL)


def try_now(mailbox: Mailbox) -> None:
    """Have it tried at once, whatever was planned."""
    rows = Mailbox.objects.filter(pk=mailbox.pk)
    with transaction.atomic():
        # One whose permission was withdrawn is tried too: it waits for a person, and here is one.
        rows.filter(problem=Problem.GRANT_REVOKED).update(failures={})
        rows.update(next_try_at=None, revision=F("revision") + 1)
    wake.up(wake.Stage.POLL)


def want_old(mailbox: Mailbox, by: Person) -> None:
    """Have the messages taken too that lay there before the channel was connected."""
    Mailbox.objects.filter(pk=mailbox.pk).update(old_wanted=True, revision=F("revision") + 1)
    wake.up(wake.Stage.POLL)


def _state_now(mailbox: Mailbox) -> ConnectionState | None:
    """Lock the row and return its state, None if it is gone. What was read before is not enough:
    somebody may have paused it since."""
    rows = Mailbox.objects.select_for_update().filter(pk=mailbox.pk)
    found = rows.values_list("state", flat=True).first()
    return ConnectionState(found) if found else None


def _change(mailbox: Mailbox, state: ConnectionState, **fields: Any) -> None:
    """Write what a person decides, whoever owns the mailbox: its poller sees the new revision."""
    rows = Mailbox.objects.filter(pk=mailbox.pk)
    rows.update(state=state, revision=F("revision") + 1, **fields)


# --- The log --------------------------------------------------------------------------------------


def _count_or_add(
    mailbox: Mailbox, state: ConnectionState, code: str, facts: Mapping[str, Any], now: datetime
) -> None:
    """Count a failure that is the same as the last row says, or give it a row of its own."""
    rows = ConnectionEvent.objects.filter(channel=mailbox.channel_id)
    last = rows.order_by("-id").first()
    if last and (last.status, last.code) == (state, code) and _same(last.facts, facts):
        rows.filter(pk=last.pk).update(count=F("count") + 1, last_at=now, facts=facts)
    else:
        _add(mailbox, state, code, facts, now)


# What makes two failures of one code the same: not the server's words, which may hold a number of
# the session, nor when it is tried next.
SAME = ("host", "port", "step", "folder", "names", "valid_until")


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in SAME)


def _add(mailbox: Mailbox, state: str, code: str, facts: Mapping[str, Any], now: datetime) -> None:
    row_id = new_id()
    ConnectionEvent.objects.create(
        id=row_id,
        project_id=mailbox.channel.project_id,
        channel_id=mailbox.channel_id,
        at=moment_of(row_id),
        last_at=now,
        status=state,
        code=code,
        facts=dict(facts),
    )
