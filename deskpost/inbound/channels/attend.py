"""Attend to one mailbox that is due: get in, take what waits, say how it stands, rest again."""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import DatabaseError
from django.utils import timezone

from deskpost import net
from deskpost.inbound.channels import access, connection, lease, oauth
from deskpost.inbound.channels.collect import Collector
from deskpost.inbound.channels.lease import LostLease
from deskpost.inbound.channels.source import Source, finish_opening
from deskpost.inbound.channels.take import NotStored
from deskpost.models import Mailbox
from deskpost.net import Fault
from deskpost.problems import ConnectionState, Problem

log = logging.getLogger(__name__)

# Without IDLE, a look each minute. With it, one now and then all the same: a connection that died
# without a word is found so, and RFC 2177 wants a new IDLE within 29 minutes.
POLL_SECONDS = 60.0
IDLE_SECONDS = 9 * 60.0
# Storage or database do not work: that is not the mailbox's fault.
OURS_SECONDS = 10.0
# One turn; then others that wait for a thread have theirs.
TURN_SECONDS = 10.0


@dataclass(slots=True)
class Charge:
    """A mailbox in the care of this poller. Times are of time.monotonic()."""

    mailbox: Mailbox
    source: Source | None = None
    collector: Collector | None = None  # in the middle of its work, between two turns
    work: Iterator[int] = field(default_factory=lambda: iter(()))
    due_at: float = 0.0
    look_at: float = 0.0  # when to look though the server, in IDLE, has told of nothing
    woken_at: float = 0.0  # when the server last said something in IDLE
    busy: bool = False
    resting: bool = False
    watched: int | None = None  # the socket that the poller's loop watches
    stopping: bool = False  # to end at the next batch
    lost: bool = False  # not ours any more, or changed by a person: to be forgotten

    def __post_init__(self) -> None:
        self.due_at = _due(self.mailbox)

    def close(self) -> None:
        """Close the connection, if there is one. Never raises."""
        source, self.source, self.collector, self.resting = self.source, None, None, False
        if source:
            source.close()


def _due(mailbox: Mailbox) -> float:
    """When to try it. A grant that is gone waits for a person, who clears its failures."""
    now = time.monotonic()
    if mailbox.next_try_at:
        wait = (mailbox.next_try_at - timezone.now()).total_seconds()
        # No wait is longer, except by a clock that was wrong.
        return now + min(max(0.0, wait), (1 + connection.JITTER) * connection.LONGEST_SECONDS)
    revoked = mailbox.problem == Problem.GRANT_REVOKED and bool(mailbox.failures)
    if mailbox.state == ConnectionState.ATTENTION and revoked:
        return math.inf
    return now


def attend(charge: Charge, pool: ThreadPoolExecutor) -> None:
    """Do one turn for a mailbox and set when the next is due. Never raises: what goes wrong is
    noted where people see it."""
    try:
        _turn(charge, pool)
    except LostLease:
        charge.lost = True
    except (DatabaseError, NotStored):
        log.exception(
            "mail of mailbox %s could not be stored; it is tried again", charge.mailbox.pk
        )
        charge.close()
        charge.due_at = time.monotonic() + OURS_SECONDS
    except Fault as fault:
        _failed(charge, fault)
    except OSError as error:
        _failed(charge, net.fault_of(error))
    except Exception as error:
        error_id = secrets.token_hex(6)
        log.exception("mailbox %s failed (%s)", charge.mailbox.pk, error_id)
        kind = type(error).__name__
        _failed(charge, Fault(Problem.INTERNAL_ERROR, error=kind, error_id=error_id))


def _turn(charge: Charge, pool: ThreadPoolExecutor) -> None:
    if charge.collector is None:
        lease.reread(charge.mailbox)
    if charge.source is None:
        charge.source = finish_opening(access.opening(access.account(charge.mailbox)))
    elif charge.resting:
        charge.resting = False
        if not charge.source.stir() and time.monotonic() < charge.look_at:
            _lie_down(charge, charge.source)  # it only said that it is still there
            return
    if charge.collector is None:
        charge.collector = Collector(charge.mailbox, charge.source, pool)
        charge.work = charge.collector.run()
    if _work(charge):
        _rest(charge, charge.source, charge.collector)


def _work(charge: Charge) -> bool:
    """Take batch after batch; return whether nothing is left. If the turn is over before, the
    next goes on where this one stopped."""
    end = time.monotonic() + TURN_SECONDS
    for _ in charge.work:
        crowded = charge.collector is not None and charge.collector.crowded
        if charge.stopping or crowded or time.monotonic() >= end:
            charge.due_at = time.monotonic() + 1 if crowded else 0.0
            return False
    return True


def _rest(charge: Charge, source: Source, collector: Collector) -> None:
    charge.collector = None
    connection.works(charge.mailbox, taken=collector.taken)
    now = time.monotonic()
    charge.due_at = now if collector.more else now + POLL_SECONDS
    if charge.mailbox.protocol == Mailbox.Protocol.POP3:
        # What is to be deleted is deleted now, and what is new is seen by the next session only
        # (RFC 1939, section 6).
        charge.close()
    elif source.can_idle and not collector.more:
        charge.look_at = now + IDLE_SECONDS
        _lie_down(charge, source)


def _lie_down(charge: Charge, source: Source) -> None:
    source.rest()
    charge.resting = True
    charge.due_at = time.monotonic() if source.pending() else charge.look_at


def _failed(charge: Charge, fault: Fault) -> None:
    taken = charge.collector.taken if charge.collector else 0
    charge.close()
    try:
        if fault.facts.get("token"):  # refused before its time: fetch another
            oauth.forget_access(charge.mailbox)
        seconds = connection.failed(charge.mailbox, fault, taken=taken)
    except LostLease:
        charge.lost = True
    except Exception:
        log.exception("the failure of mailbox %s could not be noted", charge.mailbox.pk)
        charge.due_at = time.monotonic() + OURS_SECONDS
    else:
        charge.due_at = math.inf if seconds is None else time.monotonic() + seconds
