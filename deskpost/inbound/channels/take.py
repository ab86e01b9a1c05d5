"""Take one batch of messages: fetched, stored with the place in the mailbox, then finished.

The rows of a batch, and how far the mailbox is taken with it, are one transaction under the
poller's fence; the raw messages are durable before it. Only then is a message marked, moved or
deleted. A death in between leaves `unfinished` behind, which is done first the next time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from deskpost.inbound import intake
from deskpost.inbound.channels import known, lease, letters
from deskpost.inbound.channels.source import Fetched, Item, Source
from deskpost.models import Mailbox, MailboxUid, bulk
from deskpost.net import Fault
from deskpost.problems import Family, Problem

log = logging.getLogger(__name__)

Why = MailboxUid.Why
BATCH_MESSAGES = 50
BATCH_BYTES = 4 * 1024 * 1024
# A message that fails alone so often is set aside, so that it does not block the rest.
TRIES = 4
# What arrived longer ago than this, while the mailbox was down, is a backlog.
BACKLOG_AFTER = timedelta(hours=1)
# Large messages are fetched a few at a time, however many mailboxes have one.
_large = threading.BoundedSemaphore(3)
# What says nothing of the message that was asked for.
_BUSY = {Problem.RATE_LIMITED, Problem.SERVER_BUSY}


class NotStored(Exception):
    """The messages could not be kept: the disk is full, or the like. Nothing is lost by it."""


@dataclass(slots=True)
class Taker:
    """Takes batches of one mailbox that this poller owns; see collect.Collector.

    `gap` says that the mailbox was down, `other` is a message by which a connection shows that it
    works. `crowded` is set while a large message waits for room: others have their turn then.
    """

    mailbox: Mailbox
    source: Source
    pool: ThreadPoolExecutor
    taken: int = 0
    crowded: bool = False
    gap: bool = False
    other: Item | None = None

    def batches(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """Cut what waits into batches; after one has failed, its messages alone."""
        start = 0
        while start < len(items):
            most = 1 if self.mailbox.careful else BATCH_MESSAGES
            end, size = start, 0
            while end < len(items) and end - start < most:
                size += items[end].size
                if end > start and size > BATCH_BYTES:
                    break
                end += 1
            yield items[start:end]
            start = end

    def take(self, batch: Sequence[Item], left: int, old: bool) -> Iterator[int]:
        """Take a batch; yield how many messages were stored, and 0 while it waits for room.

        `left` is how many wait behind it, `old` whether they were there before the connection.
        """
        large = sum(item.size for item in batch) > BATCH_BYTES
        while large and not _large.acquire(blocking=False):
            self.crowded = True
            yield 0
        self.crowded = False
        try:
            taken = self._take_now(batch, left, old)
        finally:
            if large:
                _large.release()
        yield taken

    def _take_now(self, batch: Sequence[Item], left: int, old: bool) -> int:
        if self._is_last_try(batch):
            self._show_that_others_can_be_fetched(batch)
        try:
            fetched = self.source.fetch(batch, int(settings.DESKPOST["INBOUND_LIMIT"]))
        except Fault as fault:
            self._note_failure(batch, fault, left, old)
            raise
        arrivals = self._arrivals(fetched, old)
        there = [one.item for one in fetched if one.raw is not None]
        self._keep(batch, arrivals, left, old, unfinished=there)
        self.source.finish(there)
        self.taken += len(arrivals)
        return len(arrivals)

    def _arrivals(self, fetched: Sequence[Fetched], old: bool) -> list[intake.Arrival]:
        arrivals, recheck = [], []
        for one in fetched:
            if one.raw is None:
                continue
            backlog = self._is_backlog(one.item)
            try:
                parsed = letters.read(one.raw)
                arrival = letters.arrival(
                    self.mailbox, one, parsed=parsed, backlog=backlog, old=old
                )
            except Exception:
                # It is kept all the same: the worker sets aside what cannot be read.
                log.exception("headers of message %s cannot be read", one.item.uid)
                arrivals.append(letters.unread(self.mailbox, one, backlog=backlog, old=old))
                continue
            if self.may_be_known(one.item):
                recheck.append(known.candidate(arrival, parsed))
            else:
                arrivals.append(arrival)
        return [*self._unknown(recheck), *arrivals]

    def may_be_known(self, item: Item) -> bool:
        """Whether it may have been taken under the numbers of before."""
        return item.uid.isdigit() and int(item.uid) < self.mailbox.recheck_until_uid

    def _unknown(self, candidates: Sequence[known.Candidate]) -> list[intake.Arrival]:
        if not candidates:
            return []
        project = known.Known(self.mailbox.channel)
        project.load()
        return [one.arrival for one in project.without_doubles(candidates)]

    def _is_backlog(self, item: Item) -> bool:
        if not self.gap:
            return False
        return item.arrived is None or timezone.now() - item.arrived > BACKLOG_AFTER

    def _keep(
        self,
        batch: Sequence[Item],
        arrivals: Sequence[intake.Arrival],
        left: int,
        old: bool,
        unfinished: Sequence[Item],
    ) -> None:
        """Store the messages and, in the same transaction, how far the mailbox is taken."""

        place = self._place(batch, left, old, unfinished)  # once: `advance` may run again

        def advance() -> None:
            lease.write(self.mailbox, **place)
            if self.mailbox.protocol == Mailbox.Protocol.POP3:
                refused = arrivals and arrivals[0].not_fetched is not None
                _remember(self.mailbox, batch, Why.REFUSED if refused else Why.TAKEN, old)

        if arrivals:
            try:
                intake.store(arrivals, self.pool, first=advance)
            except (DatabaseError, lease.LostLease):
                raise
            except Exception as error:  # a storage has errors of its own
                raise NotStored from error
        else:
            with transaction.atomic():
                advance()

    def _place(
        self, batch: Sequence[Item], left: int, old: bool, unfinished: Sequence[Item]
    ) -> dict[str, Any]:
        careful = max(0, self.mailbox.careful - len(batch))
        fields: dict[str, Any] = {"careful": careful, "stuck_uid": "", "stuck_tries": 0}
        if self.mailbox.protocol == Mailbox.Protocol.IMAP:
            place = "old_next_uid" if old else "next_uid"
            fields[place] = int(batch[-1].uid) + 1
            fields["unfinished"] = [int(item.uid) for item in unfinished]
        if old:
            return fields | {"old_taken": self.mailbox.old_taken + len(unfinished)}
        if unfinished:
            fields["last_message_at"] = timezone.now()
        return fields | {"waiting": left}

    def _note_failure(self, batch: Sequence[Item], fault: Fault, left: int, old: bool) -> None:
        """After a batch failed, its messages are taken alone. One that fails alone TRIES times
        gets a row that says so, and the next connection goes on behind it."""
        if fault.problem in _BUSY or fault.problem.family == Family.SIGN_IN:
            return  # that is not the message's doing
        if len(batch) > 1:
            lease.write(self.mailbox, careful=len(batch), stuck_uid="", stuck_tries=0)
            return
        uid = batch[0].uid
        tries = self.mailbox.stuck_tries + 1 if self.mailbox.stuck_uid == uid else 1
        alone = self.other is None or self.other.uid == uid
        if tries < TRIES or (alone and fault.problem != Problem.STRANGE_ANSWER):
            # One that blocks nothing has time.
            lease.write(self.mailbox, stuck_uid=uid, stuck_tries=min(tries, TRIES - 1))
            return
        arrival = letters.refused(self.mailbox, batch[0], said=fault.said, tries=tries)
        self._keep(batch, [arrival], left, old, unfinished=[])
        self.taken += 1

    def _is_last_try(self, batch: Sequence[Item]) -> bool:
        return self.mailbox.stuck_uid == batch[0].uid and self.mailbox.stuck_tries >= TRIES - 1

    def _show_that_others_can_be_fetched(self, batch: Sequence[Item]) -> None:
        """Before a message is given up: if no other can be fetched either, it is not its doing."""
        if self.other is not None and self.other.uid != batch[0].uid:
            self.source.fetch([self.other], int(settings.DESKPOST["INBOUND_LIMIT"]))


def _remember(mailbox: Mailbox, batch: Sequence[Item], why: MailboxUid.Why, old: bool) -> None:
    if old:
        uids = [item.uid for item in batch]
        MailboxUid.objects.filter(mailbox=mailbox, uid__in=uids).update(why=why)
    else:
        bulk.insert([MailboxUid(mailbox=mailbox, uid=item.uid, why=why) for item in batch])
