"""Take what waits in an open mailbox: none lost, none twice, none that blocks the rest.

The rows of a batch, and how far the mailbox is taken with it, are one transaction under the
poller's fence; the raw messages are durable before it. Only then is a message marked, moved or
deleted. A death in between leaves `unfinished` behind, which is done first the next time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from deskpost.inbound import intake
from deskpost.inbound.channels import connection, known, lease, letters
from deskpost.inbound.channels.source import Fetched, Item, Source
from deskpost.models import Mailbox, MailboxUid, bulk
from deskpost.net import Fault
from deskpost.problems import Family, Notice, Problem

log = logging.getLogger(__name__)

Why = MailboxUid.Why
BATCH_MESSAGES = 50
BATCH_BYTES = 4 * 1024 * 1024
# A message that fails alone so often is set aside, so that it does not block the rest.
TRIES = 4
# What arrived longer ago than this, while the mailbox was down, is a backlog.
BACKLOG_AFTER = timedelta(hours=1)
# So many old messages, then new ones are looked for again.
OLD_AT_ONCE = 500
_UIDS_AT_ONCE = 500
# Large messages are fetched a few at a time, however many mailboxes have one.
_large = threading.BoundedSemaphore(3)


def begin(mailbox: Mailbox, source: Source) -> int:
    """Note what lies in a mailbox that was never connected: it is not taken unless a person wants
    it. Returns how many messages that are; if it has begun already, what was noted then.

    Raises net.Fault.
    """
    now = timezone.now()  # before the look, after which mail counts as new
    look = source.look(since=1, until=1)
    pop3 = mailbox.protocol == Mailbox.Protocol.POP3
    fields: dict[str, Any] = {
        "begun_at": now,
        "validity": look.validity,
        "next_uid": look.next_uid,
        "old_count": look.total,
        "old_next_uid": 1,
        "old_until_uid": look.next_uid,
        "waiting": 0,
    }
    with transaction.atomic():
        # Not if a person has meanwhile named another account or folder.
        rows = Mailbox.objects.filter(
            pk=mailbox.pk, begun_at__isnull=True, revision=mailbox.revision
        )
        if rows.update(**fields) and pop3:
            uids = [
                MailboxUid(mailbox=mailbox, uid=item.uid, why=Why.BEFORE) for item in look.items
            ]
            bulk.insert(uids, ignore_conflicts=True)
    mailbox.refresh_from_db(fields=list(fields))
    return mailbox.old_count


class NotStored(Exception):
    """The messages could not be kept: the disk is full, or the like. Nothing is lost by it."""


@dataclass(slots=True)
class Collector:
    """Takes what waits in one mailbox that this poller owns.

    `mailbox` is the row as claimed; it is written under its fence only. `run` yields after each
    batch how many messages it took. It raises net.Fault, LostLease, NotStored or DatabaseError;
    what was yielded before is stored and stays.
    """

    mailbox: Mailbox
    source: Source
    pool: ThreadPoolExecutor
    taken: int = 0
    crowded: bool = False  # it waits for room for a large message: others have their turn
    more: bool = False  # there is more of the old mail: new mail is looked for first
    _gap: bool = field(default=False)
    _other: Item | None = field(default=None)  # by which a connection shows that it works

    def run(self) -> Iterator[int]:
        """Take all that waits, the oldest first; then what was there before, if it is wanted."""
        if self.mailbox.begun_at is None:
            begin(self.mailbox, self.source)
            if self.mailbox.begun_at is None:
                raise lease.LostLease(str(self.mailbox.pk))
        self._gap = _was_down(self.mailbox, timezone.now())
        if self.mailbox.protocol == Mailbox.Protocol.POP3:
            yield from self._run_pop3()
        else:
            yield from self._run_imap()

    # --- IMAP: a place in the numbers ---

    def _run_imap(self) -> Iterator[int]:
        look = self.source.look(since=self.mailbox.next_uid)
        if look.validity != self.mailbox.validity:
            self._renumber(look.validity, look.next_uid)
            look = self.source.look(since=1)
        else:  # under other numbers, other messages would be deleted
            self._finish_unfinished()
        if self.mailbox.next_uid < self.mailbox.recheck_until_uid:
            yield from self._take_again(look.items)
        else:
            yield from self._take_all(look.items)
        if self.mailbox.old_wanted:
            yield from self._take_old(self._old_items())

    def _old_items(self) -> Sequence[Item]:
        look = self.source.look(self.mailbox.old_next_uid, self.mailbox.old_until_uid)
        if look.validity != self.mailbox.validity:
            raise Fault(Problem.DROPPED)  # the next connection begins with the new numbers
        if not self.mailbox.recheck_until_uid:
            return look.items
        return [item for item in look.items if not self._is_of_our_time(item)]

    def _renumber(self, validity: int, next_uid: int) -> None:
        """The numbers of before mean nothing any more (RFC 3501, section 2.3.1.1)."""
        lease.write(
            self.mailbox,
            validity=validity,
            next_uid=1,
            recheck_until_uid=next_uid,
            old_next_uid=1,
            old_until_uid=next_uid,
            unfinished=[],
            careful=0,
            stuck_uid="",
            stuck_tries=0,
        )

    def _take_again(self, items: Sequence[Item]) -> Iterator[int]:
        """Look at all messages under their new numbers; leave those that are known already, and
        those that were there before the channel was connected."""
        before = self.taken
        yield from self._take_all(
            [one for one in items if not self._may_be_known(one) or self._is_of_our_time(one)]
        )
        end = max(self.mailbox.next_uid, self.mailbox.recheck_until_uid)
        lease.write(self.mailbox, next_uid=end)
        new = self.taken - before
        connection.tell(self.mailbox, Notice.RENUMBERED, looked=len(items), new=new)

    # --- POP3: a set of names ---

    def _run_pop3(self) -> Iterator[int]:
        items = self.source.look().items
        why = dict(MailboxUid.objects.filter(mailbox=self.mailbox).values_list("uid", "why"))
        # What was there before stays known: a list that is empty for once would make it new mail.
        ours = {uid for uid, reason in why.items() if reason != Why.BEFORE}
        _forget(self.mailbox, ours - {item.uid for item in items})
        # Stored, but not deleted: the connection had died.
        self.source.finish([item for item in items if why.get(item.uid) == Why.TAKEN])
        yield from self._take_all([item for item in items if item.uid not in why])
        if self.mailbox.old_wanted:
            yield from self._take_old([item for item in items if why.get(item.uid) == Why.BEFORE])

    # --- Both ---

    def _take_all(self, items: Sequence[Item]) -> Iterator[int]:
        left = len(items)
        self._other = items[-1] if items else None
        for batch in self._batches(items):
            left -= len(batch)
            yield from self._take(batch, left, old=False)
        self._note_done()

    def _take_old(self, items: Sequence[Item]) -> Iterator[int]:
        """Take some of what was there before; the last time, say that all of it is taken."""
        self.more = len(items) > OLD_AT_ONCE
        self._other = items[-1] if items else None
        for batch in self._batches(items[:OLD_AT_ONCE]):
            yield from self._take(batch, 0, old=True)
        if not self.more:
            taken = self.mailbox.old_taken
            lease.write(self.mailbox, old_wanted=False, old_count=0, unfinished=[])
            if taken:  # they may all have been deleted before
                connection.tell(self.mailbox, Notice.OLD_MAIL_TAKEN, taken=taken)

    def _batches(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
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

    def _take(self, batch: Sequence[Item], left: int, old: bool) -> Iterator[int]:
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
            if self._may_be_known(one.item):
                recheck.append(known.candidate(arrival, parsed))
            else:
                arrivals.append(arrival)
        return [*self._unknown(recheck), *arrivals]

    def _may_be_known(self, item: Item) -> bool:
        return item.uid.isdigit() and int(item.uid) < self.mailbox.recheck_until_uid

    def _is_of_our_time(self, item: Item) -> bool:
        """Whether it came after the channel was connected. Only here a date has to say so, the
        mailbox server's own (INTERNALDATE): the numbers that said it are gone."""
        begun = self.mailbox.begun_at
        return item.arrived is None or begun is None or item.arrived >= begun

    def _unknown(self, candidates: Sequence[known.Candidate]) -> list[intake.Arrival]:
        if not candidates:
            return []
        project = known.Known(self.mailbox.channel)
        project.load()
        return [one.arrival for one in project.without_doubles(candidates)]

    def _is_backlog(self, item: Item) -> bool:
        if not self._gap:
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
        alone = self._other is None or self._other.uid == uid
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
        if self._other is not None and self._other.uid != batch[0].uid:
            self.source.fetch([self._other], int(settings.DESKPOST["INBOUND_LIMIT"]))

    def _finish_unfinished(self) -> None:
        if self.mailbox.unfinished:
            items = [Item(uid=str(uid), size=0) for uid in self.mailbox.unfinished]
            self.source.finish(items)
            lease.write(self.mailbox, unfinished=[])

    def _note_done(self) -> None:
        if self.mailbox.waiting != 0 or self.mailbox.unfinished:
            lease.write(self.mailbox, waiting=0, unfinished=[])


def _was_down(mailbox: Mailbox, now: datetime) -> bool:
    last = mailbox.last_success_at
    return last is not None and now - last > BACKLOG_AFTER


_BUSY = {Problem.RATE_LIMITED, Problem.SERVER_BUSY}


def _remember(mailbox: Mailbox, batch: Sequence[Item], why: MailboxUid.Why, old: bool) -> None:
    if old:
        uids = [item.uid for item in batch]
        MailboxUid.objects.filter(mailbox=mailbox, uid__in=uids).update(why=why)
    else:
        bulk.insert([MailboxUid(mailbox=mailbox, uid=item.uid, why=why) for item in batch])


def _forget(mailbox: Mailbox, gone: set[str]) -> None:
    names = sorted(gone)
    for start in range(0, len(names), _UIDS_AT_ONCE):
        some = names[start : start + _UIDS_AT_ONCE]
        MailboxUid.objects.filter(mailbox=mailbox, uid__in=some).delete()
