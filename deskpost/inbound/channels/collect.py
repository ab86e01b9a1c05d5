"""Take what waits in an open mailbox: none lost, none twice, none that blocks the rest.

Which messages those are: by IMAP's numbers, by POP3's names, and what was there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from deskpost.inbound.channels import connection, lease
from deskpost.inbound.channels.source import Item, Source
from deskpost.inbound.channels.take import BACKLOG_AFTER, Taker, Why
from deskpost.models import Mailbox, MailboxUid, bulk
from deskpost.net import Fault
from deskpost.problems import Notice, Problem

# So many old messages, then new ones are looked for again.
OLD_AT_ONCE = 500
_UIDS_AT_ONCE = 500


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
    more: bool = False  # there is more of the old mail: new mail is looked for first
    _taker: Taker = field(init=False)

    def __post_init__(self) -> None:
        self._taker = Taker(mailbox=self.mailbox, source=self.source, pool=self.pool)

    @property
    def taken(self) -> int:
        """How many messages were stored so far."""
        return self._taker.taken

    @property
    def crowded(self) -> bool:
        """Whether it waits for room for a large message: others have their turn then."""
        return self._taker.crowded

    def run(self) -> Iterator[int]:
        """Take all that waits, the oldest first; then what was there before, if it is wanted."""
        if self.mailbox.begun_at is None:
            begin(self.mailbox, self.source)
            if self.mailbox.begun_at is None:
                raise lease.LostLease(str(self.mailbox.pk))
        self._taker.gap = _was_down(self.mailbox, timezone.now())
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
            [one for one in items if not self._taker.may_be_known(one) or self._is_of_our_time(one)]
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
        self._taker.other = items[-1] if items else None
        for batch in self._taker.batches(items):
            left -= len(batch)
            yield from self._taker.take(batch, left, old=False)
        self._note_done()

    def _take_old(self, items: Sequence[Item]) -> Iterator[int]:
        """Take some of what was there before; the last time, say that all of it is taken."""
        self.more = len(items) > OLD_AT_ONCE
        self._taker.other = items[-1] if items else None
        for batch in self._taker.batches(items[:OLD_AT_ONCE]):
            yield from self._taker.take(batch, 0, old=True)
        if not self.more:
            taken = self.mailbox.old_taken
            lease.write(self.mailbox, old_wanted=False, old_count=0, unfinished=[])
            if taken:  # they may all have been deleted before
                connection.tell(self.mailbox, Notice.OLD_MAIL_TAKEN, taken=taken)

    def _is_of_our_time(self, item: Item) -> bool:
        """Whether it came after the channel was connected. Only here a date has to say so, the
        mailbox server's own (INTERNALDATE): the numbers that said it are gone."""
        begun = self.mailbox.begun_at
        return item.arrived is None or begun is None or item.arrived >= begun

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


def _forget(mailbox: Mailbox, gone: set[str]) -> None:
    names = sorted(gone)
    for start in range(0, len(names), _UIDS_AT_ONCE):
        some = names[start : start + _UIDS_AT_ONCE]
        MailboxUid.objects.filter(mailbox=mailbox, uid__in=some).delete()
