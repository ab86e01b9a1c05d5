"""Claim a batch, run it, record it; stop cleanly.

A worker is one process and does one thing at a time, so that a death can be laid at the door of
what it was doing. `deskpost run` starts one for the inbound stage and one for the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    close_old_connections,
    transaction,
)
from django.db.models import Case, Min, Q, When
from django.utils import timezone

from deskpost import alive, journey
from deskpost.inbound.channels import lease
from deskpost.inbound.channels.webhook import store as webhook_store
from deskpost.jobs import run as jobs
from deskpost.logs import counts, lines, retention
from deskpost.models import Event, InboundEmail, Job, Notification, Project, queue
from deskpost.models.queue import LostClaim, Queued
from deskpost.outbound import notices, suppress, suppress_soft
from deskpost.outbound.carriers import Configured
from deskpost.outbound.send import Sender
from deskpost.outcomes import Trouble
from deskpost.wake import Bell, Stage

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
BURY_SECONDS = 5.0
FOLD_SECONDS = 5.0
PRUNE_SECONDS = 15 * 60.0
PRUNE_AT_ONCE = 2.0
INBOUND_MESSAGES = 100
INBOUND_BYTES = 32 * 1024 * 1024
EVENTS = 16
NOTIFICATIONS = 64
AGAIN = timedelta(seconds=10)  # after an exception
DELIVERIES_KNOWN = timedelta(days=30)  # no provider repeats a webhook for so long
OF_THE_ROW = (DataError, IntegrityError)  # no outage: the others go on
QUEUES: tuple[type[Queued], ...] = (InboundEmail, Event, Notification, Job)


def bury_the_dead() -> None:
    """End the claims and leases of processes of this host that are gone."""
    for owner in alive.dead():
        freed = sum(queue.bury(model, [owner]) for model in QUEUES) + lease.bury(owner)
        if freed:
            log.warning("%s is gone; %s claims of it are taken up again", owner, freed)


class Worker:
    """Runs the given stages, in turn, until told to stop."""

    def __init__(self, stages: list[Stage]) -> None:
        self._steps: dict[Stage, Callable[[], int]] = {
            Stage.INBOUND: self.inbound,
            Stage.ANNOUNCE: self.announce,
            Stage.OUTBOUND: self.outbound,
            Stage.JOBS: self.jobs,
        }
        self._stages = stages
        self._identity = alive.Identity()
        self._sender = Sender(Configured(), lambda: self.stopping)
        self._next_burial = self._next_fold = self._next_prune = 0.0
        self.stopping = False

    def run(self) -> None:
        """Work until `stopping` is set; then give back what is claimed and not begun."""
        with Bell(self._stages) as bell:
            while not self.stopping:
                if not self.sweep():
                    bell.wait(SWEEP_SECONDS)
        self._sender.close()
        self._identity.end()

    def sweep(self) -> int:
        """Do one round of each stage. Returns how many rows were taken up. A database that fails
        is waited for: nothing is lost by it."""
        done = 0
        for step in (self.housekeeping, *(self._steps[stage] for stage in self._stages)):
            try:
                done += step()
            except DatabaseError:
                log.exception("the database does not answer; waiting")
                time.sleep(SWEEP_SECONDS)
            finally:
                close_old_connections()
        return done

    # --- Housekeeping ---

    def housekeeping(self) -> int:
        """Now and then: free the claims of the dead, fold the counts of the log, drop what is past
        its days."""
        now = time.monotonic()
        if now >= self._next_burial:
            self._next_burial = now + BURY_SECONDS
            bury_the_dead()
        if now >= self._next_fold:
            self._next_fold = now + FOLD_SECONDS
            counts.fold()
        if Stage.OUTBOUND in self._stages and now >= self._next_prune:
            self._next_prune = now + PRUNE_SECONDS
            if not retention.prune(PRUNE_AT_ONCE):
                self._next_prune = now  # there is more: after a round of the other stages
            lines.catch_up()
            suppress_soft.forget(timezone.now() - suppress.SOFT_WITHIN)
            notices.tidy()
            webhook_store.forget(timezone.now() - DELIVERIES_KNOWN)
        return 0

    # --- In ---

    def inbound(self) -> int:
        """Take one project's waiting messages through the journey."""
        batch = claim_inbound(self._identity.name)
        if batch and batch[0].is_poison:
            journey.set_aside(batch[0])
        elif batch:
            self._process(batch)
        return len(batch)

    def _process(self, batch: list[InboundEmail]) -> None:
        try:
            journey.process(batch)
        except LostClaim:
            log.warning("a batch was taken over by another worker")
        except DatabaseError:
            queue.release(list(batch))
            raise
        except Exception as error:  # noqa: BLE001 (it is kept on the row)
            if len(batch) > 1:
                # One of them did it: each is tried alone, so that the others do not pay.
                queue.release(list(batch), suspect=True)
                return
            journey.note_error(batch[0], error)
            queue.blame(batch[0], timezone.now() + AGAIN)

    # --- Out ---

    def announce(self) -> int:
        """Turn waiting events into notification rows."""
        rows = Event.objects.select_related("project", "request__reporter", "person").order_by("id")
        living = rows.filter(deaths__lt=queue.DEATHS_ALLOWED)
        batch = queue.claim(living, self._identity.name, timezone.now(), EVENTS)
        return self._each(batch, journey.announce)

    def outbound(self) -> int:
        """Send waiting notifications, over as many connections as there are."""
        open_to = self._sender.open_to()
        if open_to is None:
            self._sender.rest()
            return 0
        rows = Notification.objects.select_related("project", "person", "request__channel")
        waiting = rows.filter(open_to).order_by("id")
        batch = queue.claim(waiting, self._identity.name, timezone.now(), NOTIFICATIONS)
        if batch:
            journey.deliver(batch, self._sender)
        else:
            self._sender.rest()
        return len(batch)

    # --- What people have asked for ---

    def jobs(self) -> int:
        """Take one step of one job: a few seconds at the most, so that the other stages go on."""
        return jobs.step(self._identity.name, lambda: self.stopping)

    def _each(self, rows: list[queue.Row], act: Callable[[queue.Row], None]) -> int:
        for n, row in enumerate(rows):
            if self.stopping:
                queue.release(rows[n:])
                break
            try:
                act(row)
            except LostClaim:
                log.warning("a row was taken over by another worker")
            except Exception as error:
                if isinstance(error, DatabaseError) and not isinstance(error, OF_THE_ROW):
                    queue.release(rows[n:])
                    raise
                log.exception("%s %s failed", type(row).__name__, row.pk)
                queue.blame(row, timezone.now() + AGAIN)
                if row.deaths + 1 >= queue.DEATHS_ALLOWED:
                    facts = {"error": type(error).__name__, "id": str(row.pk)}
                    notices.note(Trouble.OWN_FAULT, "", facts)
        return len(rows)


# Live mail before old mail that an import brings in, however much of it waits.
_RANK = Case(When(transport=InboundEmail.Transport.IMPORT, then=1), default=0)


def claim_inbound(owner: str) -> list[InboundEmail]:
    """Claim the oldest waiting messages of one project, bounded by number and bytes.

    A project whose messages are being processed is left alone: that keeps their order. Projects
    are asked by their oldest message, so that none starves; imported mail waits for all other.
    """
    now = timezone.now()
    waiting = InboundEmail.objects.filter(due_at__lte=now).values("project", rank=_RANK)
    oldest = waiting.annotate(first=Min("received_at")).order_by("rank", "first")
    for project_id, rank in oldest.values_list("project", "rank"):
        with transaction.atomic():
            if not queue.lock(Project.objects.filter(pk=project_id)).exists():
                continue
            rows = InboundEmail.objects.filter(project=project_id)
            if rows.filter(~Q(owner=""), lease_until__gte=now, due_at__isnull=False).exists():
                continue
            # Prefetched, not joined: the batch shares its few channels.
            some = (
                rows.alias(rank=_RANK).filter(rank=rank).prefetch_related("channel__request_type")
            )
            batch = _within_bytes(queue.claim(some.order_by("id"), owner, now, INBOUND_MESSAGES))
        if batch:
            return batch
    return []


def _within_bytes(batch: list[InboundEmail]) -> list[InboundEmail]:
    total = 0
    for n, row in enumerate(batch):
        total += row.raw_size
        if n and total > INBOUND_BYTES:
            queue.release(batch[n:])
            return batch[:n]
    return batch
